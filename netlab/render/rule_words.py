"""One rule in one sentence of plain words."""

from collections.abc import Iterator, Mapping
from typing import Final

from netlab.netfilter.iptables.counters import CountedRule
from netlab.netfilter.iptables.matches import (
    AddrType,
    Comment,
    CtState,
    Destination,
    InInterface,
    IpProtocol,
    Mark,
    Match,
    OutInterface,
    Ports,
    RecentCheck,
    RecentSet,
    Side,
    Source,
    Statistic,
)
from netlab.netfilter.iptables.rules import Rule
from netlab.netfilter.iptables.targets import (
    Accept,
    Dnat,
    Drop,
    Goto,
    Jump,
    Masquerade,
    Reject,
    Return,
    SetMark,
    Snat,
    Target,
)

_CHAINS: Final = {
    ("nat", "KUBE-SERVICES"): "is compared with the addresses of all Services",
    ("nat", "KUBE-NODEPORTS"): "is compared with all NodePorts",
    ("nat", "KUBE-POSTROUTING"): "is masqueraded if it was marked for that",
    ("nat", "IP-MASQ-AGENT"): "is masqueraded if it leaves the cluster",
    ("filter", "KUBE-SERVICES"): "is compared with the ClusterIPs that have no endpoint",
    ("filter", "KUBE-EXTERNAL-SERVICES"): "is compared with the external destinations that have"
    " no endpoint here",
    ("filter", "KUBE-NODEPORTS"): "is compared with the health check ports",
    ("filter", "KUBE-PROXY-FIREWALL"): "is compared with the load balancer addresses that are for"
    " some sources only",
    ("filter", "KUBE-FORWARD"): "is let through if a Service's connection needs it",
    ("filter", "KUBE-FIREWALL"): "is dropped if it comes for 127.0.0.0/8 from elsewhere",
}
"""What a jump to a chain that is always there does to a packet."""

_OWN_CHAINS: Final = {
    "KUBE-MARK-MASQ": "is marked for masquerading: the endpoint will see the node's address",
    "KUBE-SVC-": "is given one endpoint of the whole cluster",
    "KUBE-SVL-": "is given one endpoint of this node",
    "KUBE-EXT-": "is treated as one that comes from outside",
    "KUBE-FW-": "is let in if its source is in loadBalancerSourceRanges",
}

_PLACES: Final = {
    "PREROUTING": "that comes in",
    "INPUT": "for the node itself",
    "FORWARD": "on its way through the node",
    "OUTPUT": "that the node itself sends",
    "POSTROUTING": "that goes out",
    "KUBE-EXT-": "for an external address or NodePort of the Service",
    "KUBE-SVC-": "for the Service",
    "KUBE-SVL-": "for the Service, to be served on this node,",
    "KUBE-SEP-": "for this endpoint",
}
"""Which packets meet the rules of a chain."""

_REASONS: Final = {
    "has no local endpoints": "the policy is Local and no endpoint runs on this node",
    "has no endpoints": "the Service has no endpoint",
    "health check node port": "load balancers ask there for the node's health",
    "traffic not accepted by": "no source range has let it in",
    "will be dropped by KUBE-PROXY-FIREWALL": "table filter drops what comes this far",
}
"""What kube-proxy's comment on a rule means."""

_MASQUERADE_BIT: Final = 0x4000
_STATES: Final = {
    "NEW": "that begins a connection",
    "INVALID": "that belongs to no connection conntrack can follow",
    "ESTABLISHED,RELATED": "of a connection that is known",
}


def sentence(one: CountedRule, endpoints: Mapping[str, str]) -> str:
    """Return what a rule does, to which packets, and why if its comment tells.

    Args:
        one: The rule.
        endpoints: ``address:port`` by endpoint chain.
    """
    rule = one.rule
    clauses = [text for match in rule.matches for text in _match(match, rule)]
    place = next((text for chain, text in _PLACES.items() if rule.chain.startswith(chain)), "")
    if not (clauses or place):
        place = f"that comes to {rule.chain}"
    # kube-proxy's own rules that name a port say more than their chain does.
    names_port = rule.chain.startswith("KUBE-") and any(isinstance(m, Ports) for m in rule.matches)
    context = [place] if place and not (names_port and clauses) else []
    subject = " ".join(["A packet" if clauses else "Every packet", *context, *clauses])
    reason = next((why for words, why in _REASONS.items() if words in rule.comment), "")
    effect = _effect(one, rule.target, endpoints)
    return f"{subject} {effect}{f', because {reason}' if reason else ''}."


def _match(match: Match, rule: Rule) -> Iterator[str]:
    match match:
        case Comment() | IpProtocol():
            return
        case Source(network, inverted):
            yield f"{_not(inverted)}from {_place(str(network))}"
        case Destination(network, inverted):
            yield f"{_not(inverted)}for {_place(str(network))}"
        case Ports(protocol, destination):
            if destination is not None:
                named = any(isinstance(m, Destination | AddrType) for m in rule.matches)
                yield f"{'at' if named else 'for'} {protocol.upper()} port {destination}"
        case _:
            yield _other_match(match)


def _other_match(match: Match) -> str:
    match match:
        case AddrType(side, kind, inverted):
            end = "from" if side is Side.SOURCE else "for"
            what = "the node's own addresses" if kind == "LOCAL" else f"{kind} addresses"
            return f"{_not(inverted)}{end} {what}"
        case CtState(states, inverted):
            return _states(states, inverted=inverted)
        case Mark(value, _, inverted):
            what = "for masquerading" if value == _MASQUERADE_BIT else f"{value:#x}"
            return f"{_not(inverted)}marked {what}"
        case InInterface(ifname, inverted) | OutInterface(ifname, inverted):
            way = "coming in" if isinstance(match, InInterface) else "going out"
            return f"{_not(inverted)}{way} by {ifname}"
        case _:
            return _choice(match)


def _choice(match: Match) -> str:
    match match:
        case Statistic(probability):
            return f"(with a chance of {probability:.1%} of those that come this far)"
        case RecentCheck(_, seconds):
            return f"from a client that was served here in the last {seconds} s"
        case RecentSet():
            return "(its client is remembered)"
        case _:
            return f"with {match}"


def _states(states: frozenset[str], *, inverted: bool) -> str:
    listed = ",".join(sorted(states))
    if inverted:
        return f"of a connection that is none of {listed}"
    return _STATES.get(listed, f"of a connection in state {listed}")


def _effect(one: CountedRule, target: Target | None, endpoints: Mapping[str, str]) -> str:
    match target:
        case None:
            return "is only counted"
        case Jump(chain) | Goto(chain):
            return _jump(one.table, chain, endpoints)
        case Dnat() | Snat() | Masquerade():
            return _translation(target)
        case SetMark(value, mask):
            return _marking(value, mask)
        case Return():
            return "leaves this chain"
        case _:
            return _verdict(target)


def _jump(table: str, chain: str, endpoints: Mapping[str, str]) -> str:
    if chain in endpoints:
        return f"is sent to endpoint {endpoints[chain]}"
    own = next((text for prefix, text in _OWN_CHAINS.items() if chain.startswith(prefix)), "")
    return own or _CHAINS.get((table, chain), f"goes through chain {chain}")


def _translation(target: Dnat | Snat | Masquerade) -> str:
    match target:
        case Dnat():
            return f"has its destination rewritten to {_last_word(target)}"
        case Snat():
            return f"has its source rewritten to {_last_word(target)}"
        case Masquerade():
            return "leaves with the address of the interface it goes out by"


def _marking(value: int, mask: int) -> str:
    if value == _MASQUERADE_BIT:
        return "is marked for masquerading" if mask else "loses its mark for masquerading"
    return f"has the bits {value:#x} of its mark {'set' if mask else 'flipped'}"


def _verdict(target: Target) -> str:
    match target:
        case Accept():
            return "is let through"
        case Drop():
            return "is dropped without a word"
        case Reject():
            return "is refused, and its sender is told"
        case _:
            return f"meets {target}"


def _last_word(target: Dnat | Snat) -> str:
    return str(target).rpartition(" ")[2]


def _place(network: str) -> str:
    """Return a network of one address as that address."""
    return network.removesuffix("/32").removesuffix("/128")


def _not(inverted: bool) -> str:  # noqa: FBT001
    return "not " if inverted else ""
