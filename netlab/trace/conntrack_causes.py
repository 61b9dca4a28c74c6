"""What connection tracking had to do with a packet's end: an old entry, none, or no room for one.

Only the first packet of a connection meets the nat rules; the rest follow its entry. So a packet
of an entry that is older than the Service, or that is not tracked at all, meets no rule of a
Service, whatever the rules say.
"""

from netlab.client.cluster import ServicePort
from netlab.kubeproxy.nftables.static import NAT_CHAINS
from netlab.model.packets import Nat
from netlab.trace.cause import Cause, named_rule, shown_rule
from netlab.trace.packet import Packet, Point, Rewritten, RuleHit, Visit
from netlab.trace.paths import Way
from netlab.trace.question import Question

_FULL = 0.99
"""Of the entries that there may be: some end between the packet and the question."""
_LAST_POINTS = frozenset({"post_wire", "in_last"})
_UNTRACKS = ("NOTRACK", "CT")
"""Targets of table raw that can keep a packet out of connection tracking."""


def stale_entry(packet: Packet, question: Question) -> Cause | None:
    """Explain a packet that an old entry sent elsewhere than its Service's endpoints."""
    if packet.way is not Way.REQUEST:
        return None
    for host, step in packet.steps():
        if not isinstance(step, Rewritten) or step.kind is not Nat.DNAT or not step.is_repeated:
            continue
        what = _not_there(step, question)
        if what:
            return Cause(
                f"an entry of connection tracking on {host}, older than this packet, still sends"
                f" {step.before} to {step.after}, {what}",
                f"{question.netlab('conntrack')} {host} --nat",
            )
    return None


def _not_there(step: Rewritten, question: Question) -> str:
    """Return what is wrong with an entry's endpoint; empty where a Service has it."""
    owner = question.owner(step.after.address)
    if owner is None:
        gone = question.node_of(step.after.address)
        return "and no pod has that address any more" if gone else ""
    port = question.port_at(step.before)
    ends = {(one.address, one.port) for one in port.backends} if port else set()
    if port is None or tuple(step.after) in ends:
        return ""
    return f"which is no endpoint of Service {port.key} any more"


def without_nat(visit: Visit, port: ServicePort, question: Question) -> Cause | None:
    """Explain a packet for a Service that met no nat rule of a node, as far as the node traced it.

    Args:
        visit: Of the node that should have sent it to an endpoint.
        port: The Service port that the packet called.
        question: What was tried, and what is known.
    """
    hits = [step for step in visit.steps if isinstance(step, RuleHit)]
    is_traced = any(isinstance(step, Point) for step in visit.steps)
    if not is_traced or any(hit.table == "nat" or hit.chain in NAT_CHAINS for hit in hits):
        return None
    hit = untracking(visit)
    if hit is not None:
        return Cause(
            f"{named_rule(hit)} on {visit.host} keeps it out of connection tracking, so it met no"
            f" nat rule, and none of Service {port.key}",
            shown_rule(visit.host, hit, question),
        )
    return Cause(
        f"an entry of connection tracking on {visit.host}, older than this packet, has no NAT for"
        f" {question.pair.destination}; only the first packet of a connection meets the nat rules,"
        f" and so the rules of Service {port.key} were not asked",
        f"{question.netlab('conntrack')} {visit.host}",
    )


def untracking(visit: Visit) -> RuleHit | None:
    """Return the rule that kept a packet out of connection tracking, or in a zone of its own."""
    for step in visit.steps:
        if isinstance(step, RuleHit) and step.table == "raw" and step.target in _UNTRACKS:
            return step
    return None


def clash(host: str, packet: Packet, question: Question) -> Cause | None:
    """Explain a packet that NAT gave the addresses and ports of another connection.

    The rule that rewrote it is met, and the packet passes all others; then connection tracking is
    to take its entry, finds one like it, and drops the packet.
    """
    steps = packet.visits[-1].steps
    points = [step for step in steps if isinstance(step, Point)]
    rewritten = [step for step in steps if isinstance(step, Rewritten) and step.by is not None]
    if not rewritten or not points or points[-1].name not in _LAST_POINTS:
        return None
    last = rewritten[-1]
    assert last.by is not None  # noqa: S101 (just looked at)
    return Cause(
        f"{named_rule(last.by)} made {last.after} of {last.before}, and another connection on"
        f" {host} has the same addresses and ports already",
        f"{question.netlab('conntrack')} {host}",
    )


def table_full(host: str, question: Question) -> Cause | None:
    """Say that a host's table of connections has no room; None where it has."""
    state = question.state(host)
    if not state.most_tracked or state.tracked < state.most_tracked * _FULL:
        return None
    return Cause(
        f"the table of connection tracking on {host} is full ({state.tracked} entries of"
        f" {state.most_tracked}), and a packet that needs a new entry is dropped",
        question.inside(
            host,
            "sysctl net.netfilter.nf_conntrack_count net.netfilter.nf_conntrack_max",
        ),
    )
