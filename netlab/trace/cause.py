"""A cause, and what several kinds of cause ask of a packet and of the lab."""

from typing import Final, NamedTuple

from netlab.model.packets import AddressPair, Direction, Nat
from netlab.netfilter.iptables.rules import TABLE_NAMES
from netlab.trace.packet import Packet, Point, Rewritten, Routed, RuleHit, Visit
from netlab.trace.packet_verdict import rule_name
from netlab.trace.question import Question

_ICMP_HEADER: Final = 8
"""As long as that of UDP."""
_IP_HEADER: Final = {4: 20, 6: 40}
_BEFORE_ROUTING: Final = frozenset({"pre_dnat", "out_dnat"})
"""Points behind which the kernel looks for a route."""


class Cause(NamedTuple):
    """What stands behind an end."""

    why: str
    hint: str = ""
    """A command that shows it."""


def pair_at_end(packet: Packet) -> AddressPair | None:
    """Return the addresses that a packet had where it ended."""
    pair = packet.last_pair()
    for step in packet.visits[-1].steps:
        if isinstance(step, Rewritten) and pair is not None:
            if step.kind in {Nat.DNAT, Nat.UN_SNAT}:
                pair = AddressPair(pair.source, step.after)
            else:
                pair = AddressPair(step.after, pair.destination)
    return pair


def rewriter(packet: Packet, kind: Nat) -> tuple[str, Rewritten] | None:
    """Return the last host that rewrote an address of a packet so, and how."""
    found = [
        (host, step)
        for host, step in packet.steps()
        if isinstance(step, Rewritten) and step.kind is kind
    ]
    return found[-1] if found else None


def shown_rule(host: str, hit: RuleHit, question: Question) -> str:
    """Return a command that lists the chain that a rule or a policy is in."""
    if hit.table not in TABLE_NAMES:
        family = "ip" if question.version == 4 else "ip6"
        of_all = {name.rpartition(" ")[2]: name for name in question.state(host).tables}
        name = of_all.get(hit.table, hit.table)
        called = name if " " in name else f"{family} {name}"
        return question.as_root(host, f"nft -a list table {called}")
    program = "iptables" if question.version == 4 else "ip6tables"
    return question.as_root(host, f"{program} -t {hit.table} -nvL {hit.chain} --line-numbers")


def named_rule(hit: RuleHit) -> str:
    """Return what to call a rule, with its text where that is known."""
    if hit.text:
        return f"{rule_name(hit)} ({hit.text})"
    return f"a rule of chain {hit.chain} in table {hit.table}"


def ip_command(question: Question) -> str:
    """Return the command of iproute2 for the family of the connection."""
    return "ip" if question.version == 4 else "ip -6"


def shown_route(visit: Visit, destination: str, question: Question) -> str:
    """Return a command that asks a host for its route as the packet asked for it."""
    words = ["ip route get", destination]
    if question.state(visit.host).has_policy_rules:
        came = next((hop for hop in visit.hops if hop.direction is Direction.IN), None)
        points = [step for step in visit.steps if isinstance(step, Point)]
        mark = next((point.mark for point in points if point.name in _BEFORE_ROUTING), 0)
        if came is not None:
            words.append(f"from {came.pair.source.address} iif {came.ifname}")
        if mark:
            words.append(f"mark {mark:#x}")
    return question.inside(visit.host, " ".join(words))


def last_route(visit: Visit) -> Routed | None:
    """Return the last way out that a host had for the packet."""
    routes = [step for step in visit.steps if isinstance(step, Routed) and step.ifname]
    return routes[-1] if routes else None


def size_of(packet: Packet) -> int:
    """Return a packet's bytes with its IP header; 0 of TCP, whose options are not known."""
    key = packet.key
    if key.protocol == "tcp" or key.fragment is not None:
        return 0
    pair = packet.first_pair()
    version = pair.destination.address.version if pair else 4
    return key.length + _ICMP_HEADER + _IP_HEADER[version]
