"""The frames of a trace as pcapng files, each with what the trace knows of it."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from netlab.capture.capture_point import CapturePoint, HeardInterface, Seen
from netlab.capture.outputs import FileEach, Heading, OneFile, Output
from netlab.capture.pcapng import Statistics, enhanced_packet, packet_options
from netlab.capture.points import interfaces_of
from netlab.linux.frames import Frame
from netlab.linux.interfaces import InterfaceSeen
from netlab.model.packets import Direction
from netlab.render.trace.comments import CommentedHop, commented_hops, trace_summary
from netlab.trace.trace import Trace

_HOST, _OTHERHOST, _OUTGOING = 0, 3, 4
"""Packet types of linux/if_packet.h; a frame remembers no more of them."""

_Place = tuple[int, str, str, Direction]


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """What became of the frames."""

    frames: int
    files: tuple[str, ...]


def write_trace(trace: Trace, frames: Iterable[Frame], file: str, directory: str) -> Written:
    """Write the frames of the traced connection; frames of others are left out.

    Args:
        trace: What is known of them.
        frames: Everything that was captured meanwhile.
        file: Takes all of them; empty for no such file.
        directory: Takes a file for each interface; empty for none.

    Raises:
        HostError: A file cannot be written.
    """
    hops = {_place_of_hop(found): found for found in commented_hops(trace)}
    kept = [frame for frame in frames if _place_of_frame(frame) in hops]
    kept.sort(key=lambda frame: frame.time_ns)
    seen = _Sightings(hops).of(kept)
    heading = Heading(comments=tuple(trace_summary(trace)))
    words = _TraceWords(hops)
    one = OneFile(file, heading, words) if file else None
    each = FileEach(Path(directory), heading, words) if directory else None
    for output in (one, each):
        if output is not None:
            _fill(output, seen, trace)
    files = [*([one.file] if one else []), *(each.files.values() if each else [])]
    return Written(frames=len(kept), files=tuple(file.name for file in files))


def pcapng_of(trace: Trace, frames: Iterable[Frame]) -> bytes:
    """Return what ``write_trace`` would write to one file.

    Raises:
        HostError: There is no room for it in the directory of temporary files.
    """
    with TemporaryDirectory(prefix="netlab-") as directory:
        file = Path(directory, "trace.pcapng")
        write_trace(trace, frames, str(file), "")
        return file.read_bytes()


class _Sightings:
    """Gives frames the form in which outputs take them."""

    def __init__(self, hops: Mapping[_Place, CommentedHop]) -> None:
        self._hops = hops
        self._interfaces: dict[tuple[str, str], HeardInterface] = {}
        self._vantages: dict[tuple[int, int], CapturePoint] = {}
        self._known: dict[str, dict[str, InterfaceSeen]] = {}

    def of(self, frames: Iterable[Frame]) -> list[Seen]:
        """Return the frames in their order."""
        return [
            (
                (frame.time_ns, self._vantage(frame), frame.length, frame.data),
                (self._hops[_place_of_frame(frame)].packet, 0, None),
            )
            for frame in frames
        ]

    def _vantage(self, frame: Frame) -> CapturePoint:
        kind = _OTHERHOST if frame.for_another else _HOST
        if frame.direction is Direction.OUT:
            kind = _OUTGOING
        interface = self._interface(frame)
        key = interface.number, kind
        if key not in self._vantages:
            self._vantages[key] = CapturePoint.through(interface, kind)
        return self._vantages[key]

    def _interface(self, frame: Frame) -> HeardInterface:
        key = frame.host, frame.ifname
        if key not in self._interfaces:
            self._interfaces[key] = HeardInterface(
                number=len(self._interfaces),
                host=frame.host,
                netns=frame.netns,
                seen=self._seen(frame),
            )
        return self._interfaces[key]

    def _seen(self, frame: Frame) -> InterfaceSeen:
        if frame.netns not in self._known:
            try:
                found = interfaces_of(frame.netns).values()
            except OSError:  # it has gone since
                found = {}.values()
            self._known[frame.netns] = {seen.ifname: seen for seen in found}
        nothing = InterfaceSeen(ifindex=0, ifname=frame.ifname)
        return self._known[frame.netns].get(frame.ifname, nothing)


class _TraceWords:
    """Gives frames the comments of a trace."""

    def __init__(self, hops: Mapping[_Place, CommentedHop]) -> None:
        self._hops = hops

    def blocks(self, seen: Iterable[Seen]) -> list[bytes]:
        """Return a block for each frame; its interface has the number it has in the trace."""
        return [self._block(one, one[0][1].number) for one in seen]

    def blocks_alone(self, seen: Iterable[Seen]) -> list[bytes]:
        """Return a block for each frame, for a file that holds one interface only."""
        return [self._block(one, 0) for one in seen]

    def _block(self, seen: Seen, number: int) -> bytes:
        (time_ns, vantage, length, content), (packet, _, _) = seen
        interface = vantage.interface
        key = time_ns, interface.host, interface.seen.ifname, vantage.direction
        options = packet_options(flags=vantage.flags, comments=self._hops[key].comments)
        return enhanced_packet(number, time_ns, content, length, packet, options)


def _fill(output: Output, seen: Sequence[Seen], trace: Trace) -> None:
    interfaces = {one[0][1].number: one[0][1].interface for one in seen}
    for _, interface in sorted(interfaces.items()):
        output.meet(interface)
    output.learn(trace.names)
    output.take(seen)
    output.close(_counters(seen) if trace.is_complete else [])


def _counters(seen: Sequence[Seen]) -> list[Statistics]:
    """Return what each interface took; nothing was dropped."""
    received = Counter(one[0][1].number for one in seen)
    return [
        Statistics(
            interface=number,
            start_ns=seen[0][0][0],
            end_ns=seen[-1][0][0],
            received=received[number],
            dropped=0,
        )
        for number in sorted(received)
    ]


def _place_of_hop(found: CommentedHop) -> _Place:
    hop = found.hop
    return hop.time_ns, hop.host, hop.ifname, hop.direction


def _place_of_frame(frame: Frame) -> _Place:
    return frame.time_ns, frame.host, frame.ifname, frame.direction
