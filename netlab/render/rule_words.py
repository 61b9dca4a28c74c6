"""One rule in one sentence of plain words."""

from collections.abc import Iterator, Mapping
from typing import Final

from netlab.netfilter.iptables.counters import CountedRule
from netlab.netfilter.iptables.matches import (
    AddrType,
    Comment,
    CtState,
    Destination,
    DestinationPorts,
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
    ("nat", "CNI-HOSTPORT-DNAT"): "is compared with the hostPorts of this node's pods",
    ("nat", "CNI-HOSTPORT-SETMARK"): "is marked for masquerading: it comes from this node",
    ("nat", "CNI-HOSTPORT-MASQ"): "is masqueraded if its hostPort asked for that",
    ("nat", "NETLAB-EXTERNAL-DNAT"): "is compared with the nodes' ExternalIPs",
    ("nat", "NETLAB-EXTERNAL-SNAT"): "is compared with the addresses of nodes with an ExternalIP",
    ("filter", "KUBE-SERVICES"): "is compared with the ClusterIPs that have no endpoint",
    ("filter", "KUBE-EXTERNAL-SERVICES"): "is compared with the external destinations that have"
    " no endpoint here",
    ("filter", "KUBE-NODEPORTS"): "is compared with the health check ports",
    ("filter", "KUBE-PROXY-FIREWALL"): "is compared with the load balancer addresses that are for"
    " some sources only",
    ("filter", "KUBE-FORWARD"): "passes KUBE-FORWARD, which lets through what is marked for"
    " masquerading and every known connection",
    ("filter", "KUBE-FIREWALL"): "passes KUBE-FIREWALL, which drops what is for 127.0.0.0/8 from a"
    " source outside it",
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
    "INPUT": "for the node itself",
    "FORWARD": "on its way through the node",
    "OUTPUT": "that the node itself sends",
    "KUBE-EXT-": "for an external address or NodePort of the Service",
    "KUBE-SVC-": "for the Service",
    "KUBE-SVL-": "for the Service, to be served on this node,",
    "KUBE-SEP-": "for this endpoint",
}
"""Which packets meet the rules of a chain."""
_BEFORE: Final = {"PREROUTING": "incoming ", "POSTROUTING": "outgoing "}
"""The same, where one word says it."""

_REASONS: Final = {
    "has no local endpoints": "the policy is Local and no endpoint runs on this node",
    "has no endpoints": "the Service has no endpoint",
    "health check node port": "load balancers ask there whether this node has endpoints of the"
    " Service",
    "traffic not accepted by": "no source range has let it in",
    "will be dropped by KUBE-PROXY-FIREWALL": "table filter drops what comes this far",
}
"""What kube-proxy's comment on a rule means."""

_MASQUERADE_BIT: Final = 0x4000
_MASQUERADED: Final = (
    "gets the address of the interface that it leaves by as its source, and a random port"
)
_STATES: Final = {
    "NEW": "that begins a connection",
    "INVALID": "that belongs to no connection conntrack can follow",
    "ESTABLISHED,RELATED": "of a connection that is known",
}
_ENDPOINTS: Final = ("KUBE-SEP-", "KUBE-SVC-", "KUBE-SVL-", "KUBE-EXT-")
"""Chains out of which nothing comes back that has an endpoint."""


def sentence(one: CountedRule, endpoints: Mapping[str, str], *, is_rest: bool = False) -> str:
    """Return what a rule does, to which packets, and why if its comment tells.

    A rule of table nat sees the first packet of a connection, and counts connections.

    Args:
        one: The rule.
        endpoints: ``address:port`` by endpoint chain.
        is_rest: Whether rules before it in its chain have taken others out.
    """
    reason = next((why for words, why in _REASONS.items() if words in one.rule.comment), "")
    effect = _effect(one, one.rule.target, endpoints)
    subject = _subject(one, is_rest=is_rest)
    return f"{subject} {effect}{f', because {reason}' if reason else ''}."


def takes_out(one: CountedRule) -> bool:
    """Tell whether what matches a rule does not come to the rules behind it."""
    match one.rule.target:
        case None | SetMark():
            return False
        case Jump(chain):
            return chain.startswith(_ENDPOINTS)
        case _:
            return True


def _subject(one: CountedRule, *, is_rest: bool) -> str:
    rule = one.rule
    noun = "new connection" if one.table == "nat" else "packet"
    clauses = [text for match in rule.matches for text in _match(match, rule)]
    before = _BEFORE.get(rule.chain, "")
    place = next((text for chain, text in _PLACES.items() if rule.chain.startswith(chain)), "")
    if clauses:
        # kube-proxy's own rules that name a port or an address say more than their chain does.
        is_named = any(isinstance(m, Ports | Destination) for m in rule.matches)
        context = [] if not place or (rule.chain.startswith("KUBE-") and is_named) else [place]
        article = "An" if before else "A"
        return " ".join([f"{article} {before}{noun}", *context, *clauses])
    if is_rest:
        is_choice = rule.chain.startswith(("KUBE-SVC-", "KUBE-SVL-"))
        return "The rest" if is_choice else f"A {before}{noun} that comes this far"
    where = place or ("" if before else f"that comes to {rule.chain}")
    return " ".join([f"Every {before}{noun}", *filter(None, [where])])


def _match(match: Match, rule: Rule) -> Iterator[str]:
    match match:
        case Comment() | IpProtocol():
            return
        case Source(network, inverted):
            yield f"from {'outside ' if inverted else ''}{_place(str(network))}"
        case Destination(network, inverted):
            whose = "the Service's ClusterIP " if rule.chain.startswith("KUBE-SVC-") else ""
            yield f"{_not(inverted)}for {whose}{_place(str(network))}"
        case DestinationPorts(ports):
            protocol = next((m.protocol for m in rule.matches if isinstance(m, IpProtocol)), "")
            noun = "port" if len(ports) == 1 else "ports"
            yield f"for {protocol.upper()} {noun} {', '.join(map(str, ports))}"
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
    if inverted and states == {"DNAT", "ESTABLISHED", "RELATED"}:
        return "that neither belongs to a known connection nor was DNATed"
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
            return f"leaves chain {one.rule.chain}"
        case _:
            return _verdict(target)


def _jump(table: str, chain: str, endpoints: Mapping[str, str]) -> str:
    if chain in endpoints and (table, chain) not in _CHAINS:
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
            return _MASQUERADED


def _marking(value: int, mask: int) -> str:
    if value == _MASQUERADE_BIT:
        return "is marked for masquerading" if mask else "loses its mark for masquerading"
    return f"has the bits {value:#x} of its mark {'set' if mask else 'flipped'}"


def _verdict(target: Target) -> str:
    match target:
        case Accept():
            return "is let through"
        case Drop():
            return "is dropped"
        case Reject():
            return "is rejected, and its sender is told"
        case _:
            return f"meets {target}"


def _last_word(target: Dnat | Snat) -> str:
    return str(target).rpartition(" ")[2]


def _place(network: str) -> str:
    """Return a network of one address as that address."""
    return network.removesuffix("/32").removesuffix("/128")


def _not(inverted: bool) -> str:  # noqa: FBT001
    return "not " if inverted else ""
