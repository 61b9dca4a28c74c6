"""How one packet ended, as far as its visits prove it."""

from collections.abc import Mapping, Sequence
from typing import Final

from netlab.model.hosts import Host, HostKind
from netlab.model.packets import Direction
from netlab.trace.clues import NO_CLUES, Clues
from netlab.trace.drop_reasons import REFUSED_BY_SOCKET, ROUTING, packet_words, wording_of
from netlab.trace.packet import Point, Reason, Result, RuleHit, Verdict, Visit
from netlab.trace.packet_drop import concluded_reason, kernel_reason, route_of

_MISSING_AFTER: Final = {
    "pre_wire": "before routing, between PREROUTING's first rule and DNAT",
    "pre_dnat": "in routing, or in a rule of INPUT or FORWARD",
    "fwd_last": "between FORWARD and POSTROUTING",
    "out_first": "in the rules of OUTPUT",
    "out_dnat": "after OUTPUT's DNAT",
    "post_snat_before": "in POSTROUTING",
}

_ROUTED_BEFORE: Final = frozenset({"pre_dnat", "out_dnat", "out_first"})
"""Points behind which the kernel looks for a route."""


def packet_verdict(
    visits: Sequence[Visit], hosts: Mapping[str, Host], clues: Clues = NO_CLUES
) -> Verdict:
    """Return the end of a packet with these visits; there is at least one.

    Args:
        visits: In order.
        hosts: By name.
        clues: To this packet.
    """
    last = visits[-1]
    ifname = last.hops[-1].ifname if last.hops else ""
    hit = dropped(last)
    arrived = reached_socket(last, hosts)
    reason = kernel_reason(visits, clues, arrived=arrived)
    if hit is not None:
        result = Result.REJECTED if hit.verdict == "REJECT" else Result.DROPPED
        words = f"{result} on {last.host} by {rule_name(hit)}"
        return Verdict(
            result=result, host=last.host, ifname=ifname, by=hit, reason=reason, words=words
        )
    if not arrived and (reason is None or reason.is_unknown):
        # That the kernel threw it away without a word is less than what its host tells.
        reason = concluded_reason(last, clues) or reason
    if arrived and (reason is None or reason.cause not in REFUSED_BY_SOCKET):
        words = f"taken by {last.host}"
        return Verdict(
            result=Result.DELIVERED, host=last.host, ifname=ifname, reason=reason, words=words
        )
    if reason is not None:
        return _thrown_away(reason, last, ifname)
    return _stopped(last, ifname) if last.stopped_at else _lost(last, ifname)


def dropped(visit: Visit) -> RuleHit | None:
    """Return the rule or policy that ended the packet in this visit."""
    hits = [step for step in visit.steps if isinstance(step, RuleHit)]
    return next((hit for hit in hits if hit.verdict in {"DROP", "REJECT"}), None)


def reached_socket(visit: Visit, hosts: Mapping[str, Host]) -> bool:
    """Tell whether the packet came to a socket of the host, or to its end for want of one."""
    points = [step.name for step in visit.steps if isinstance(step, Point)]
    if points:
        return points[-1] == "in_last"
    # Without a rule trace, the packet's address tells.
    host = hosts.get(visit.host)
    if host is None or not visit.hops or visit.hops[-1].direction is Direction.OUT:
        return False
    if visit.hops[-1].for_another:
        return False
    own = visit.hops[-1].pair.destination.address in host.addresses
    return own and host.kind in {HostKind.POD, HostKind.CLIENT, HostKind.LB}


def rule_name(hit: RuleHit) -> str:
    """Return what to call a rule in a sentence: table, chain and number, or the policy."""
    if hit.is_policy:
        return f"the policy of {hit.table} {hit.chain}"
    number = f" #{hit.index}" if hit.index is not None else f" (handle {hit.handle})"
    return f"{hit.table} {hit.chain}{number}"


def _thrown_away(reason: Reason, last: Visit, ifname: str) -> Verdict:
    route = route_of(last)
    is_routing = (
        reason.cause in ROUTING
        or (reason.is_unknown and last.stopped_at in _ROUTED_BEFORE)
        # DNAT in OUTPUT routes again within its hook, and its drop looks like a rule's.
        or (reason.cause == "NETFILTER_DROP" and last.stopped_at == "out_first")
    )
    by = route if route is not None and route.error and is_routing else None
    ifname = reason.ifname or ifname
    if by is not None:
        words = f"dropped on {last.host} by routing: {by.error} for {by.destination}"
    else:
        pair = last.hops[-1].pair if last.hops else None
        said = wording_of(reason, pair).of(packet_words(last, reason.host, ifname)).words
        words = f"dropped on {reason.host}: {said}"
    return Verdict(
        result=Result.DROPPED,
        host=reason.host,
        ifname=ifname,
        by=by,
        reason=None if by is not None and reason.is_unknown else reason,
        words=words,
    )


def _stopped(last: Visit, ifname: str) -> Verdict:
    route = route_of(last)
    if route is not None and route.error and last.stopped_at in _ROUTED_BEFORE:
        words = f"dropped on {last.host} by routing: {route.error} for {route.destination}"
        return Verdict(result=Result.DROPPED, host=last.host, ifname=ifname, by=route, words=words)
    where = _MISSING_AFTER.get(last.stopped_at, f"after {last.stopped_at}")
    words = f"lost on {last.host} {where}"
    return Verdict(result=Result.LOST, host=last.host, ifname=ifname, by=route, words=words)


def _lost(last: Visit, ifname: str) -> Verdict:
    words = f"seen leaving {last.host} by {ifname}, and nowhere after"
    if last.hops and last.hops[-1].direction is Direction.IN:
        words = f"seen entering {last.host} by {ifname}, and nowhere after"
    return Verdict(result=Result.LOST, host=last.host, ifname=ifname, words=words)
