"""One capture over several hosts of a lab: open, serve, close, keep."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from netlab.capture.pcap import write_pcaps
from netlab.linux.frames import Frame
from netlab.linux.netns import inside
from netlab.linux.packet_ring import BLOCK_TIMEOUT_MS, SNAP, Ring
from netlab.linux.side_by_side import side_by_side
from netlab.linux.socket_filters import packets_of
from netlab.model.hosts import Host
from netlab.model.rundir import rundir
from netlab.sources.dissect import dissect
from netlab.sources.observations import Observation
from netlab.trace.session.calls import listen

QUIET_S: Final = 3 * BLOCK_TIMEOUT_MS / 1000
"""How long to listen after the last call: a block is handed over when it is this old at most."""


class Capture:
    """Rings on every interface of some hosts, for TCP packets from or to some ports.

    Enter it before the first packet, hand ``listeners`` to whoever waits meanwhile, and leave it
    to have the last frames taken and the rings closed.
    """

    def __init__(self, hosts: Sequence[Host], ports: Sequence[int]) -> None:
        self._hosts = hosts
        self._program = packets_of("tcp", ports, SNAP)
        self._frames: list[Frame] = []
        self._dropped = 0
        self.listeners: list[_Served] = []

    def __enter__(self) -> Self:
        try:
            side_by_side([partial(self._open, host) for host in self._hosts])
        except BaseException:
            self._close()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        try:
            if kind is None:
                listen(self.listeners, QUIET_S)
        finally:
            self._close()

    def dropped(self) -> int:
        """Return how many frames the rings had no room for; paths may be incomplete above 0."""
        return self._dropped

    def observations(self) -> tuple[Observation, ...]:
        """Return every IP packet seen, once for each interface it passed."""
        return dissect(self._frames)

    def save(self, directory: Path) -> list[Path]:
        """Write the frames as pcap files, one for each interface; return the files."""
        return write_pcaps(directory, self._frames)

    def _open(self, host: Host) -> None:
        self.listeners.append(_Served(Ring(host, inside, self._program), self._frames))

    def _close(self) -> None:
        self._dropped += sum(served.ring.dropped() for served in self.listeners)
        side_by_side([served.ring.close for served in self.listeners])
        self.listeners.clear()


def captures_directory(lab: str, experiment: str) -> Path:
    """Return where the captures of one experiment are kept; the next run replaces them."""
    return rundir(lab) / "captures" / experiment


class _Served:
    """A ring, and the list its frames go to."""

    def __init__(self, ring: Ring, frames: list[Frame]) -> None:
        self.ring = ring
        self._frames = frames

    def fileno(self) -> int:
        """Return the ring's descriptor."""
        return self.ring.fileno()

    def serve(self) -> None:
        """Take what the kernel has handed over."""
        self._frames.extend(self.ring.drain())
