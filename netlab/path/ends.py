"""How one packet ended, as far as its visits prove it."""

from collections.abc import Mapping, Sequence
from typing import Final

from netlab.model.hosts import Host, HostKind
from netlab.path.observations import Direction
from netlab.path.trace import Point, Result, Routed, RuleHit, Verdict, Visit

_MISSING_AFTER: Final = {
    "pre_wire": "before routing, between PREROUTING's first rule and DNAT",
    "pre_dnat": "in routing, or in a rule of INPUT or FORWARD",
    "fwd_last": "between FORWARD and POSTROUTING",
    "out_first": "in the rules of OUTPUT",
    "out_dnat": "after OUTPUT's DNAT",
    "post_snat_before": "in POSTROUTING",
}


def packet_verdict(visits: Sequence[Visit], hosts: Mapping[str, Host]) -> Verdict:
    """Return the end of a packet with these visits; there is at least one."""
    last = visits[-1]
    ifname = last.hops[-1].ifname if last.hops else ""
    hit = dropped(last)
    if hit is not None:
        result = Result.REJECTED if hit.verdict == "REJECT" else Result.DROPPED
        words = f"{result} on {last.host} by {rule_name(hit)}"
        return Verdict(result=result, host=last.host, ifname=ifname, by=hit, words=words)
    if reached_socket(last, hosts):
        words = f"taken by {last.host}"
        return Verdict(result=Result.DELIVERED, host=last.host, ifname=ifname, words=words)
    if last.stopped_at:
        return _stopped(last, ifname)
    words = f"seen leaving {last.host} by {ifname}, and nowhere after"
    if last.hops and last.hops[-1].direction is Direction.IN:
        words = f"seen entering {last.host} by {ifname}, and nowhere after"
    return Verdict(result=Result.LOST, host=last.host, ifname=ifname, words=words)


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
    own = visit.hops[-1].pair.destination.address in host.addresses
    return own and host.kind in {HostKind.POD, HostKind.CLIENT, HostKind.LB}


def rule_name(hit: RuleHit) -> str:
    """Return what to call a rule in a sentence: table, chain and number, or the policy."""
    if hit.is_policy:
        return f"the policy of {hit.table} {hit.chain}"
    number = f" #{hit.index}" if hit.index is not None else f" (handle {hit.handle})"
    return f"{hit.table} {hit.chain}{number}"


def _stopped(last: Visit, ifname: str) -> Verdict:
    route = next((s for s in reversed(last.steps) if isinstance(s, Routed)), None)
    if route is not None and route.error and last.stopped_at in {"pre_dnat", "out_dnat"}:
        words = f"dropped on {last.host} by routing: {route.error} for {route.destination}"
        return Verdict(result=Result.DROPPED, host=last.host, ifname=ifname, by=route, words=words)
    where = _MISSING_AFTER.get(last.stopped_at, f"after {last.stopped_at}")
    words = f"lost on {last.host} {where}"
    return Verdict(result=Result.LOST, host=last.host, ifname=ifname, by=route, words=words)
