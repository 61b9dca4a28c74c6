"""What a trace knows of each frame, in sentences: the hop, what decided before it, and the end."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from netlab.capture.frame_comments import Naming, hop_comment
from netlab.model.packets import Direction
from netlab.render.printable import printable
from netlab.render.trace.steps import reason_line, step_lines
from netlab.trace.packet import Packet, Verdict, Visit
from netlab.trace.paths import Hop
from netlab.trace.trace import Trace


@dataclass(frozen=True, slots=True, kw_only=True)
class CommentedHop:
    """One hop of one packet."""

    hop: Hop
    packet: int
    """Its number in the trace."""
    comments: tuple[str, ...]


def commented_hops(trace: Trace) -> list[CommentedHop]:
    """Return every hop of every packet, in the order of packets.

    What happened to a packet in a host stands at the first interface by which it left, or at the
    last that saw it when it did not leave.
    """
    naming = Naming(trace.names)
    return [found for packet in trace.packets for found in _hops(packet, naming)]


def trace_summary(trace: Trace) -> list[str]:
    """Return what the trace says as a whole: who called what, how it ended, and what was lost."""
    verdict = trace.verdict
    lines = [
        f"netlab trace {trace.caller} {trace.target} (lab {trace.lab}, {trace.started})",
        f"{verdict.result}: {verdict.words}",
        verdict.why,
        verdict.hint and f"try: {verdict.hint}",
        *trace.warnings,
    ]
    return [printable(line) for line in lines if line]


def _hops(packet: Packet, naming: Naming) -> Iterator[CommentedHop]:
    told = [(hop, _steps_at(hop, visit)) for visit in packet.visits for hop in visit.hops]
    for number, (hop, visit) in enumerate(told, start=1):
        comments = [hop_comment(f"{hop.host}:{hop.ifname}", hop.direction, number)]
        if number == 1:
            comments.append(f"{packet.kind} of the {packet.way}, attempt {packet.attempt}")
        if visit is not None:
            comments += step_lines(visit.steps, packet.way, naming.end, rules=False)
        if number == len(told):
            comments += _end(packet.verdict)
        yield CommentedHop(
            hop=hop,
            packet=packet.number,
            comments=tuple(printable(comment) for comment in comments),
        )


def _end(verdict: Verdict) -> Iterator[str]:
    yield verdict.words
    if verdict.reason is not None:
        yield reason_line(verdict, verdict.reason)


def _steps_at(hop: Hop, visit: Visit) -> Visit | None:
    """Return the visit when its steps are told at this hop."""
    return visit if hop is _where_told(visit.hops) else None


def _where_told(hops: Sequence[Hop]) -> Hop:
    return next((hop for hop in hops if hop.direction is Direction.OUT), hops[-1])
