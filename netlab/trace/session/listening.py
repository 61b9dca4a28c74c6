"""Everything a trace listens to, on every host: opened, served and closed together.

Each source that a host's kernel refuses is a warning, and the others go on without it.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack
from functools import partial
from types import TracebackType
from typing import TYPE_CHECKING, Final, Protocol, Self, TypeVar

from netlab.errors import KernelError
from netlab.linux.bpf.kernel_symbols import KernelSymbols
from netlab.linux.frames import Frame
from netlab.linux.netns import inside
from netlab.linux.packet_ring import BLOCK_TIMEOUT_MS, SNAP, Enter, Ring
from netlab.linux.side_by_side import side_by_side
from netlab.linux.timeouts import scaled
from netlab.model.hosts import Host
from netlab.sources.conntrack_entries import ConntrackEntry
from netlab.sources.conntrack_events import ConntrackEvents
from netlab.sources.counters import Counters
from netlab.sources.drops import Counted, Drop
from netlab.sources.existing_streams import streams_under_way
from netlab.sources.headers import ICMP, ICMP6
from netlab.sources.kernel_drops import KernelDrops
from netlab.sources.legacy_rule_trace import LegacyTrace, has_legacy_tables
from netlab.sources.observations import Observation, observations
from netlab.sources.protocol_filter import packets_of_protocol
from netlab.sources.rule_trace import RuleTrace
from netlab.sources.trace_table import Arming
from netlab.trace.clues import Clues
from netlab.trace.legacy_rule_walks import LegacyRules, lay
from netlab.trace.rule_walks import Walk, split
from netlab.trace.session.exchange import Listener, listen
from netlab.trace.session.ring_reader import ReadRing, served

if TYPE_CHECKING:
    from netlab.model.packets import AddressPair
    from netlab.sources.rule_trace_messages import TraceMessage

QUIET_S: Final = 2 * BLOCK_TIMEOUT_MS / 1000
"""How long to listen after the end: a ring hands over what is this old at most."""

REST_S: Final = 1.0
"""How long to listen after the end at most, if others keep talking."""

GLANCE_S: Final = 0.005
"""How long to look whether the lab is busy; senders that wait for a CPU get one meanwhile."""

MANY: Final = 8
"""Frames on a host within that time, from which on it counts as busy."""

_NO_LEGACY: Final[Mapping[str, LegacyRules]] = {}


class _Source(Protocol):
    def close(self) -> None:
        """Give the source back."""


_Opened = TypeVar("_Opened", bound=_Source)


class DropSource(Protocol):
    """Tells of packets that were thrown away."""

    @property
    def drops(self) -> Sequence[Drop]:
        """What was heard so far."""

    @property
    def lost(self) -> int:
        """How many found no room."""

    @property
    def warning(self) -> str:
        """What it cannot tell; empty when it tells all."""

    def fileno(self) -> int:
        """Return a descriptor that becomes readable when something is there."""

    def serve(self) -> None:
        """Read what is there."""

    def close(self) -> None:
        """Give the source back."""


OpenDrops = Callable[[Sequence[Host], Enter], DropSource]


class Listening:
    """Captures, rule traces and conntrack events of ``hosts``; a context manager.

    Args:
        hosts: Whom to hear.
        protocol: Number of the transport protocol.
        version: 4 or 6, of the Internet Protocol.
        open_drops: Opens the source of drop reasons.
    """

    def __init__(
        self,
        hosts: Sequence[Host],
        protocol: int,
        version: int,
        open_drops: OpenDrops = KernelDrops,
    ) -> None:
        self._hosts = hosts
        self._open_drops = open_drops
        self._drops: list[DropSource] = []
        self._counters: list[Counters] = []
        self._protocol = protocol
        self._version = version
        self._left_out: tuple[AddressPair, ...] = ()
        self._opened: list[_Source] = []
        self._frames: list[Frame] = []
        self._rings: list[ReadRing] = []
        self._traces: list[RuleTrace] = []
        self._logs: list[LegacyTrace] = []
        self._events: list[ConntrackEvents] = []
        self._armings: list[Arming] = []
        self._counted: Counted = {}
        self.warnings: list[str] = []
        self.lost: list[str] = []
        """What was lost, a sentence a source; set at the end."""

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            stack.callback(self._close)
            # What takes longest comes first: from then on rings fill, and nobody reads.
            self._open_for_all("drop reasons", self._drops, self._open_drops)
            self.warnings += [source.warning for source in self._drops if source.warning]
            counters = partial(Counters, version=self._version)
            self._open_for_all("counters", self._counters, counters)
            for host in self._hosts:
                self._open("conntrack events", host, self._events, ConntrackEvents)
                self._open("rule trace", host, self._traces, RuleTrace)
                if _has_legacy_rules(host, self._version):
                    log = partial(LegacyTrace, version=self._version)
                    self._open("legacy rule trace", host, self._logs, log)
            side_by_side(
                [partial(self._open, "captures", h, self._rings, self._ring) for h in self._hosts]
            )
            self._leave_out_what_is_under_way()
            # Arming comes last: what is traced is heard from the first packet.
            for host in self._hosts:
                self._open("rule trace", host, self._armings, self._arm)
            stack.pop_all()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        with ExitStack() as stack:
            stack.callback(self._close)
            if kind is None:
                self._hear_the_rest()
                self._disarm()
                # Where much was said the time ran out with some sources not asked.
                for source in self._listeners():
                    source.serve()
                self._counted = self._counters[0].rises() if self._counters else {}
                self._count_losses()

    def _disarm(self) -> None:
        """Have the kernel tell of no more rules: in a busy lab it could go on for ever."""
        self._opened = [source for source in self._opened if source not in self._armings]
        side_by_side([arming.close for arming in self._armings])

    def _listeners(self) -> list[Listener]:
        told: list[Listener] = [*self._traces, *self._logs]
        return [*self._rings, *told, *self._events, *self._drops]

    def hear(self, duration_s: float) -> bool:
        """Listen for so long; tell whether a packet was heard.

        Meanwhile nothing else reads the sources; they are read anyway when the block ends.
        """
        before = len(self._frames), sum(len(trace.messages) for trace in self._traces)
        listen(self._listeners(), duration_s)
        return before != (len(self._frames), sum(len(trace.messages) for trace in self._traces))

    def served(self) -> AbstractContextManager[None]:
        """Read every source on another thread for the length of a ``with`` block.

        Frames are only fetched out of the rings; they are looked at when the block has ended.
        """
        return served(self._rings, [*self._traces, *self._logs, *self._events, *self._drops])

    def forget(self, before_ns: int) -> None:
        """Drop packets and rule traces from before a time of the wall clock."""
        self._frames[:] = [frame for frame in self._frames if frame.time_ns >= before_ns]
        for trace in self._traces:
            trace.messages[:] = [m for m in trace.messages if m.time_ns >= before_ns]

    def _hear_the_rest(self) -> None:
        """Listen until nothing came for a while: on a busy machine blocks are handed over late."""
        now = time.monotonic()
        rests_at, deadline = now + QUIET_S, now + scaled(REST_S)
        while now < min(rests_at, deadline):
            came = self.hear(QUIET_S / 4)
            now = time.monotonic()
            rests_at = now + QUIET_S if came else rests_at

    def sources(self) -> tuple[str, ...]:
        """Return what was heard anywhere."""
        heard = {
            "packets": self._rings,
            "rule trace": self._armings,
            "conntrack events": self._events,
            "drop reasons": self._drops,
            "counters": self._counters,
        }
        return tuple(name for name, opened in heard.items() if opened)

    def frames(self) -> tuple[Frame, ...]:
        """Return every frame that was captured, the order being each host's own."""
        return tuple(self._frames)

    def observations(self) -> tuple[Observation, ...]:
        """Return every packet seen, once for each interface it passed."""
        return observations(self._frames)

    def walks(self, legacy: Mapping[str, LegacyRules] = _NO_LEGACY) -> tuple[Walk, ...]:
        """Return every traced packet's way through the rules of a host.

        Args:
            legacy: The hosts' rules of iptables-legacy.
        """
        messages: list[TraceMessage] = [m for trace in self._traces for m in trace.messages]
        walks = split(messages, self._armings[0].table) if self._armings else ()
        return lay(walks, [line for log in self._logs for line in log.logged], legacy)

    def entries(self) -> tuple[ConntrackEntry, ...]:
        """Return every new or changed entry of connection tracking."""
        return tuple(entry for events in self._events for entry in events.entries)

    def clues(self) -> Clues:
        """Return what was heard of the ends of packets."""
        drops = tuple(drop for source in self._drops for drop in source.drops)
        return Clues(drops=drops, counted=self._counted, name_of=KernelSymbols().name_of)

    def _ring(self, host: Host, enter: Enter) -> ReadRing:
        return ReadRing(Ring(host, enter, self._program()), self._frames)

    def _program(self) -> bytes:
        return packets_of_protocol(self._protocol, self._version, SNAP, self._left_out)

    def _arm(self, host: Host, enter: Enter) -> Arming:
        return Arming(
            host,
            enter,
            protocols={self._protocol, ICMP if self._version == 4 else ICMP6},
            version=self._version,
            left_out=self._left_out,
        )

    def _leave_out_what_is_under_way(self) -> None:
        """Narrow the filters by what the rings have heard already, if they have."""
        time.sleep(GLANCE_S)
        if any(ring.heard() > MANY for ring in self._rings):
            time.sleep(BLOCK_TIMEOUT_MS / 1000)
        for ring in self._rings:
            ring.serve()
        self._left_out = streams_under_way(self.observations())
        if self._left_out:
            for ring in self._rings:
                ring.narrow(self._program())
            self._frames.clear()

    def _open(
        self,
        what: str,
        host: Host,
        opened: list[_Opened],
        opener: Callable[[Host, Enter], _Opened],
    ) -> None:
        try:
            source = opener(host, inside)
        except FileNotFoundError:
            self.warnings.append(f"{host.name} has gone")
        except (OSError, KernelError) as error:
            reason = getattr(error, "strerror", None) or error
            self.warnings.append(f"no {what} on {host.name}: {reason}")
        else:
            self._opened.append(source)
            opened.append(source)

    def _open_for_all(
        self, what: str, opened: list[_Opened], opener: Callable[[Sequence[Host], Enter], _Opened]
    ) -> None:
        try:
            source = opener(self._hosts, inside)
        except OSError as error:
            self.warnings.append(f"no {what}: {error.strerror or error}")
        else:
            self._opened.append(source)
            opened.append(source)

    def _close(self) -> None:
        side_by_side([source.close for source in reversed(self._opened)])

    def _count_losses(self) -> None:
        dropped = sum(ring.dropped() for ring in self._rings)
        lost = sum(t.lost for t in self._traces) + sum(e.lost for e in self._events)
        lost += sum(log.lost for log in self._logs)
        if dropped:
            self.lost.append(f"{dropped} frames found no room in the capture rings")
        if lost:
            self.lost.append(f"the kernel dropped messages {lost} times for want of room")
        if unread := sum(source.lost for source in self._drops):
            self.lost.append(f"{unread} reports of drops found no room")


def _has_legacy_rules(host: Host, version: int) -> bool:
    try:
        return has_legacy_tables(host, inside, version)
    except FileNotFoundError:
        # That it has gone is said of each source that is opened on it.
        return False
