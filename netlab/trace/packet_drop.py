"""Why a packet came no further, from what the kernel said of it and of its host.

The kernel's own report of the packet comes first. Without one, the host's counters speak: they
count other packets too, so what they say is a conclusion. A packet that passed the last rule and
was not seen to leave waits for its next neighbour's address.
"""

from collections.abc import Sequence

from netlab.model.packets import Direction
from netlab.sources.drops import Drop
from netlab.trace.clues import Clues
from netlab.trace.drop_reasons import (
    NOISE,
    REFUSED_BY_SOCKET,
    ROUTE,
    TTL,
    cause_of,
    counted_cause,
    martian_cause,
)
from netlab.trace.packet import Point, Reason, Routed, Visit

_CODES: dict[str, str] = {TTL: "IP_INHDR"}
"""The kernel's name for causes that have another word."""


def route_of(visit: Visit) -> Routed | None:
    """Return the last route that was asked for in a visit."""
    return next((step for step in reversed(visit.steps) if isinstance(step, Routed)), None)


def kernel_reason(visits: Sequence[Visit], clues: Clues, *, arrived: bool) -> Reason | None:
    """Return what the kernel said when it threw the packet away.

    Args:
        visits: Of the packet.
        clues: To the packet.
        arrived: Whether it had come to a socket's host past every rule.
    """
    for drop in reversed(clues.drops):
        if _is_noise(drop, visits, arrived=arrived):
            continue
        function = clues.name_of(drop.location)
        cause = cause_of(drop.code, function)
        if drop.code in {"", "NOT_SPECIFIED"} and not arrived:
            cause = _without_a_name(cause, drop, clues)
        if arrived and cause not in REFUSED_BY_SOCKET and cause != "NO_SOCKET":
            continue
        return Reason(
            code=drop.code, host=drop.host, ifname=drop.ifname, function=function, cause=cause
        )
    return None


def concluded_reason(last: Visit, clues: Clues) -> Reason | None:
    """Return what follows for a packet whose visits end here, though not at a socket."""
    if last.stopped_at:
        return _counted(last, clues)
    route = route_of(last)
    points = [step.name for step in last.steps if isinstance(step, Point)]
    has_left = bool(last.hops) and last.hops[-1].direction is Direction.OUT
    if route is None or has_left or points[-1:] != ["post_wire"]:
        return None
    if (route.via or route.destination) not in clues.silent(last.host):
        return None
    return Reason(
        code="NEIGH_FAILED",
        host=last.host,
        ifname=route.ifname,
        cause="NEIGH_FAILED",
        source="neighbour table",
    )


def _without_a_name(cause: str, drop: Drop, clues: Clues) -> str:
    """Return the cause of a drop that the kernel has no name for."""
    rises = clues.counted.get(drop.host, {})
    martian = martian_cause(drop.header.pair) if cause == ROUTE else ""
    return martian or counted_cause(rises, at_socket=False)[0] or cause


def _counted(last: Visit, clues: Clues) -> Reason | None:
    martian = _martian(last)
    if martian is not None:
        return martian
    cause, source = counted_cause(clues.counted.get(last.host, {}), at_socket=False)
    route = route_of(last)
    # A route that leads nowhere has no counter of its own; then what rose is another packet's.
    if not cause or (route is not None and route.error and cause in {TTL, "PKT_TOO_BIG"}):
        return None
    code = _CODES.get(cause, cause)
    return Reason(code=code, host=last.host, cause=cause, source=source)


def _martian(last: Visit) -> Reason | None:
    if last.stopped_at != "pre_dnat" or not last.hops or last.hops[-1].ifname == "lo":
        return None
    cause = martian_cause(last.hops[-1].pair)
    if not cause:
        return None
    return Reason(
        code=cause,
        host=last.host,
        ifname=last.hops[-1].ifname,
        cause=cause,
        source="the packet's addresses",
    )


def _is_noise(drop: Drop, visits: Sequence[Visit], *, arrived: bool) -> bool:
    """Tell whether a report is of a copy, or of a packet that somebody had."""
    last = visits[-1]
    if drop.code in NOISE:
        return True
    if drop.host != last.host:
        # A bridge floods: other hosts throw away what is not for them.
        been = any(visit.host == drop.host for visit in visits)
        return been or drop.code in {"", "OTHERHOST"}
    if drop.code == "OTHERHOST":
        return not (last.hops and last.hops[-1].for_another)
    if arrived:
        # The kernel frees some packets so after their use: an RST, a ping's answer.
        is_icmp = drop.header.key.protocol in {"icmp", "icmpv6"}
        return drop.code not in {"", "NO_SOCKET", *REFUSED_BY_SOCKET} or (
            is_icmp and drop.code == "NO_SOCKET"
        )
    return False
