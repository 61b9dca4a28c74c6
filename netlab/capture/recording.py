"""Record what passes some interfaces of a lab until somebody or something ends it.

Theory of operation
-------------------
Rings are emptied as soon as they have something, but at most every ``PASS_S``, so that a pass has
much to do at once. The frames of all rings are sorted, each gets its packet's number, and the
outputs take them. However it ends, the rings are emptied to the last frame and the outputs closed
with their counters.

While it runs, Python does not look for garbage in cycles: there is none in what millions of frames
make, and to find that out takes a third of the time.
"""

import errno
import gc
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from operator import itemgetter
from typing import Final

from netlab.capture.capture_point import CapturePoint
from netlab.capture.files import FileFullError, ReaderGoneError
from netlab.capture.outputs import Output
from netlab.capture.pcapng import Statistics
from netlab.capture.rings import CaptureRings
from netlab.errors import HostError, LabError
from netlab.linux.packet_ring import Record
from netlab.sources.packet_identity import PacketNumbers

PASS_S: Final = 0.05
FOLLOW_S: Final = 0.1
"""How often to look for namespaces that came or went."""
AT_ONCE: Final = 5_000
"""Frames to hand over before new ones are looked after."""
TELL_S: Final = 0.25
LAST_S: Final = 0.06
"""How long to listen after the end: a ring hands over what is this old at most."""

_SHARED_DROPS: Final = "frames dropped at any interface of this host; the kernel counts no closer"


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What ends a capture by itself."""

    duration_s: float | None = None
    count: int | None = None
    """Frames."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """How far a capture has come."""

    frames: int
    packets: int
    dropped: int
    interfaces: int
    hosts: int
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Listener:
    """Who wanted the capture, and how to speak with them."""

    is_over: Callable[[], bool]
    """Asked many times a second whether they have had enough."""
    begun: Callable[[Tally], None]
    """Told when every ring is open: what comes now is heard."""
    say: Callable[[str], None]
    """Takes a sentence."""
    progress: Callable[[Tally], None]
    """Takes how far it has come, some times a second."""


class Recording:
    """A capture under way.

    Args:
        rings: Where to listen; nothing is open yet.
        outputs: What takes the frames.
        names: Reads what addresses are called; asked again when a namespace came.
        limits: When to end.
        listener: Who wants it.
    """

    def __init__(
        self,
        rings: CaptureRings,
        outputs: Sequence[Output],
        names: Callable[[], Mapping[str, str]],
        limits: Limits,
        listener: Listener,
    ) -> None:
        rings.listeners += [output.meet for output in outputs]
        self._rings = rings
        self._outputs = outputs
        self._read_names = names
        self._limits = limits
        self._listener = listener
        self._numbers = PacketNumbers()
        self._names: dict[str, str] = {}
        self._seen_at: Counter[CapturePoint] = Counter()
        self._frames = 0
        self._started = self._passed = self._followed = self._told = 0.0
        self._started_ns = 0

    def run(self) -> Tally:
        """Capture until the end; return how much there was.

        Raises:
            LabError: There is nothing to hear.
            HostError: A file takes no more; all files are whole.
        """
        self._started = self._passed = time.monotonic()
        self._started_ns = time.clock_gettime_ns(time.CLOCK_REALTIME)
        try:
            # A reader that is gone has seen enough.
            with _without_garbage_collection(), suppress(ReaderGoneError):
                self._begin()
                self._hear()
            return self.tally()
        except FileFullError as error:
            raise HostError(
                f"{error}; the capture ends here, and what was written is whole",
                hint="df shows how much room there is",
            ) from error
        except OSError as error:
            if error.errno != errno.EMFILE:
                raise
            raise HostError(
                "too many open files: a capture takes one a host, and some more",
                hint="ulimit -Hn shows how many root may have here",
            ) from error
        finally:
            self._close()

    def tally(self) -> Tally:
        """Return how far the capture has come."""
        return Tally(
            frames=self._frames,
            packets=self._numbers.count,
            dropped=self._rings.dropped().total(),
            interfaces=len(self._rings.interfaces),
            hosts=len({interface.netns for interface in self._rings.interfaces}),
            seconds=time.monotonic() - self._started,
        )

    def _begin(self) -> None:
        news = self._rings.follow()
        if not len(self._rings):
            raise LabError("; ".join(news.refused) or "there is nothing to hear: the lab has gone")
        for sentence in news.refused:
            self._listener.say(sentence)
        self._learn()
        self._hand_over([])
        self._started = time.monotonic()
        self._listener.begun(self.tally())

    def _hear(self) -> None:
        while not self._is_over():
            self._follow()
            self._rings.wait(PASS_S if self._rings.is_holding else FOLLOW_S)
            # Frames that come one by one are worth waiting for the next of them.
            time.sleep(max(0.0, self._passed + PASS_S - time.monotonic()))
            self._passed = time.monotonic()
            self._hand_over(self._rings.take())
            self._tell()
        if self._left() != 0:
            time.sleep(LAST_S)
            self._hand_over(self._rings.take(everything=True))

    def _is_over(self) -> bool:
        limit = self._limits.duration_s
        is_late = limit is not None and time.monotonic() - self._started >= limit
        has_gone = not len(self._rings) and not self._rings.has_lab()
        return is_late or has_gone or self._left() == 0 or self._listener.is_over()

    def _left(self) -> int | None:
        """Return how many frames are still wanted; None for any number."""
        return None if self._limits.count is None else self._limits.count - self._frames

    def _hand_over(self, records: list[Record[CapturePoint]]) -> None:
        left = self._left()
        if left is not None:
            del records[left:]
        self._frames += len(records)
        self._seen_at.update(map(itemgetter(1), records))
        see = self._numbers.see
        for start in range(0, max(1, len(records)), AT_ONCE):
            some = records[start : start + AT_ONCE]
            seen = [(record, see(record[3], record[1].place, record[0])) for record in some]
            for output in self._outputs:
                output.take(seen)
            self._rings.collect()

    def _follow(self) -> None:
        if time.monotonic() - self._followed < FOLLOW_S:
            return
        self._followed = time.monotonic()
        news = self._rings.follow()
        if news.come:
            self._learn()
            self._listener.say(f"capturing on {', '.join(news.come)} too")
        if news.gone:
            self._listener.say(f"{', '.join(news.gone)} {'have' if news.gone[1:] else 'has'} gone")
        for sentence in news.refused:
            self._listener.say(sentence)

    def _learn(self) -> None:
        new = {
            address: name
            for address, name in self._read_names().items()
            if self._names.get(address) != name
        }
        self._names |= new
        for output in self._outputs:
            output.learn(new)

    def _tell(self) -> None:
        if self._passed - self._told >= TELL_S:
            self._told = self._passed
            self._listener.progress(self.tally())

    def _close(self) -> None:
        counters = self._counters()
        with ExitStack() as stack:
            stack.callback(self._rings.close)
            for output in self._outputs:
                stack.callback(output.close, counters)

    def _counters(self) -> list[Statistics]:
        dropped = self._rings.dropped()
        received: Counter[int] = Counter()
        for vantage, count in self._seen_at.items():
            received[vantage.interface.number] += count
        end_ns = time.clock_gettime_ns(time.CLOCK_REALTIME)
        return [
            Statistics(
                interface=interface.number,
                start_ns=self._started_ns,
                end_ns=end_ns,
                received=received[interface.number],
                dropped=dropped[interface.host],
                comments=(_SHARED_DROPS,) if dropped[interface.host] else (),
            )
            for interface in self._rings.interfaces
        ]


@contextmanager
def _without_garbage_collection() -> Iterator[None]:
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()
