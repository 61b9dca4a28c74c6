"""Sources that are read on a thread of their own while the caller's thread does something else.

A ring is emptied as soon as the kernel hands a block over: at a busy lab's rate its eight blocks
are full within milliseconds. Sockets hold more, and reading them one message at a time would
disturb what is being watched; they are read when a block comes, or every ``LOOK_S``.
"""

import selectors
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Final, Protocol

from netlab.linux.frames import Frame
from netlab.linux.packet_ring import Ring

LOOK_S: Final = 0.02


class Source(Protocol):
    """Something to read."""

    def serve(self) -> None:
        """Read what is there."""


class ReadRing:
    """A ring, and the list its frames go to."""

    def __init__(self, ring: Ring, frames: list[Frame]) -> None:
        self._ring = ring
        self._frames = frames
        self._dropped_before = 0

    def fileno(self) -> int:
        """Return the ring's descriptor."""
        return self._ring.fileno()

    def serve(self) -> None:
        """Take what the kernel has handed over."""
        self._frames.extend(self._ring.drain())

    def narrow(self, program: bytes) -> None:
        """Hear by another program from now on, and forget what came before."""
        self._ring.narrow(program)
        self._ring.drain()
        self._dropped_before = self._ring.dropped()

    def collect(self) -> None:
        """Copy what the kernel has handed over, to be looked at later."""
        self._ring.collect()

    def heard(self) -> int:
        """Return how many frames came."""
        return self._ring.heard()

    def dropped(self) -> int:
        """Return how many frames found no room."""
        return self._ring.dropped() - self._dropped_before

    def close(self) -> None:
        """Give the ring back."""
        self._ring.close()


@contextmanager
def served(rings: Sequence[ReadRing], others: Sequence[Source]) -> Iterator[None]:
    """Read rings and other sources for the length of a ``with`` block, on another thread.

    Raises:
        Exception: What reading raised, when the block has ended.
    """
    is_over = threading.Event()
    failures: list[Exception] = []

    def read() -> None:
        try:
            with selectors.DefaultSelector() as selector:
                for ring in rings:
                    selector.register(ring, selectors.EVENT_READ, ring.collect)
                while not is_over.is_set():
                    _empty(selector, patience_s=LOOK_S)
                    for source in others:
                        _empty(selector, patience_s=0)
                        source.serve()
        except Exception as failure:  # noqa: BLE001 (raised again below)
            failures.append(failure)

    reader = threading.Thread(target=read)
    reader.start()
    try:
        yield
    finally:
        is_over.set()
        reader.join()
    if failures:
        raise failures[0]


def _empty(selector: selectors.BaseSelector, *, patience_s: float) -> None:
    for key, _ in selector.select(patience_s):
        key.data()
