"""What kube-proxy's nftables table says of packets, each rule in one sentence of plain words."""

from collections.abc import Iterator, Sequence
from typing import Final

from netlab.kubeproxy.nftables.names import endpoint_of_chain, service_of_chain
from netlab.kubeproxy.nftables.rule_groups import TableEntry
from netlab.kubeproxy.nftables.static import NAT_CHAINS
from netlab.netfilter.nftables.rules import (
    AddressMatch,
    DnatStatement,
    IifNameMatch,
    LocalAddressMatch,
    MapLookup,
    MarkStatement,
    MasqueradeStatement,
    Match,
    NewConnectionMatch,
    OtherRule,
    ProtocolMatch,
    RandomVerdict,
    Rule,
    Statement,
    UnmarkedMatch,
    UpdateSetStatement,
    VerdictStatement,
)
from netlab.netfilter.nftables.table import Chain, Element, NamedSet

_CHAINS: Final = {
    "firewall-check": "is compared with the load balancer addresses that are for some sources only",
    "services": "is compared with the addresses and NodePorts of all Services",
    "service-endpoints-check": "is compared with the Service addresses that lead to no endpoint",
    "nodeport-endpoints-check": "is compared with the NodePorts that lead to no endpoint",
    "cluster-ips-check": "is compared with the ClusterIPs in use",
    "masquerading": "is masqueraded if it was marked for that",
    "mark-for-masquerade": "is marked for masquerading: the endpoint will see the node's address",
    "reject-chain": "is rejected, and its sender is told",
    "service-": "is given one endpoint of the whole cluster",
    "local-": "is given one endpoint of this node",
    "external-": "is treated as one that comes from outside",
    "firewall-": "is let in if its source is in loadBalancerSourceRanges",
}
"""What leading to a chain, or to one whose name begins so, does to a packet."""
_PACKETS: Final = {
    "prerouting": "",
    "input": "for the node itself",
    "forward": "on its way through the node",
    "output": "that the node itself sends",
    "postrouting": "",
    "service-": "for the Service",
    "local-": "for the Service, to be served on this node,",
    "external-": "for an external address or NodePort of the Service",
    "firewall-": "for a load balancer address of the Service",
    "endpoint-": "for this endpoint",
}
"""Which packets meet the rules of a hook, or of a chain whose name begins so."""
_BEFORE: Final = {"prerouting": "incoming ", "postrouting": "outgoing "}
"""The same of a hook, where one word says it."""
_MASQUERADED: Final = (
    "gets the address of the interface that it leaves by as its source, and a random port"
)
CLUSTER_IPS_CHECK: Final = "cluster-ips-check"
_REASONS: Final = {
    "reject-chain": ", because the Service has no endpoint",
    "drop": ", because the policy is Local and no endpoint runs on this node",
}
"""Why a packet is refused, in the maps of what has no endpoints."""
_VERDICTS: Final = {
    "drop": "is dropped",
    "reject": "is rejected, and its sender is told",
    "return": "leaves this chain",
}


def table_sentence(one: TableEntry, *, is_rest: bool = False) -> str:
    """Return what a rule does, or an entry of a map, and to which packets.

    A chain of NAT sees the first packet of a connection.

    Args:
        one: The rule, or the entry.
        is_rest: Whether rules before it in its chain have taken others out.
    """
    if isinstance(one.member, Element):
        return _of_element(one.parent.name, one.member)
    rule = one.member
    if isinstance(rule.statement, OtherRule):
        return f"This rule of {one.parent.name} is none of kube-proxy's."
    if one.parent.name == CLUSTER_IPS_CHECK:
        return _of_cluster_ips(rule)
    if isinstance(rule.statement, UpdateSetStatement):
        return "Its source is remembered for this endpoint."
    subject = _subject(one, rule.matches, is_rest=is_rest)
    return f"{subject} {_effect(rule.statement, one.parent.name)}."


def takes_out(one: TableEntry) -> bool:
    """Tell whether what matches a rule does not come to the rules behind it."""
    return isinstance(one.member, Rule) and isinstance(
        one.member.statement,
        VerdictStatement | RandomVerdict | DnatStatement | MasqueradeStatement,
    )


def _of_cluster_ips(rule: Rule) -> str:
    """Return what becomes of what is still addressed to a ClusterIP."""
    matches = [one for one in rule.matches if isinstance(one, AddressMatch)]
    if any(one.set_name for one in matches):
        what = "A packet still for a ClusterIP in use, because no Service port matched,"
    else:
        networks = [_network(network) for one in matches for network in one.addresses]
        what = f"A packet for a ClusterIP that no Service has ({' or '.join(networks)})"
    return f"{what} {_effect(rule.statement, CLUSTER_IPS_CHECK)}."


def _subject(one: TableEntry, matches: Sequence[Match], *, is_rest: bool) -> str:
    chain = one.parent
    noun = "new connection" if _is_nat(chain) else "packet"
    clauses = [text for match in matches for text in _match(match)]
    where = _packets(chain) if isinstance(chain, Chain) else ""
    before = _BEFORE.get(chain.hook.name, "") if isinstance(chain, Chain) and chain.hook else ""
    if clauses:
        article = "An" if before else "A"
        return " ".join([f"{article} {before}{noun}", *filter(None, [where]), *clauses])
    if is_rest:
        is_choice = chain.name.startswith(("service-", "local-"))
        return "The rest" if is_choice else f"A {before}{noun} that comes this far"
    if not (where or before):
        where = f"that comes to {chain.name}"
    return " ".join([f"Every {before}{noun}", *filter(None, [where])])


def _is_nat(parent: Chain | NamedSet) -> bool:
    is_service = bool(service_of_chain(parent.name)) and not parent.name.startswith("firewall-")
    return parent.name in NAT_CHAINS or is_service


def _of_element(map_name: str, element: Element) -> str:
    *address, protocol, port = element.key.split(" . ")
    where = f"{protocol.upper()} port {port}"
    noun = "new connection" if map_name.startswith("service-") else "packet"
    subject = f"A {noun} for {f'{address[0]} at ' if address else ''}{where}"
    verdict = element.verdict or VerdictStatement("accept")
    led_to = verdict.chain or verdict.verb
    reason = _REASONS.get(led_to, "") if map_name.startswith("no-endpoint-") else ""
    return f"{subject} {_decision(verdict)}{reason}."


def _packets(chain: Chain) -> str:
    if chain.hook is not None:
        return _PACKETS[chain.hook.name]
    if not service_of_chain(chain.name):
        return ""
    return next(text for begin, text in _PACKETS.items() if chain.name.startswith(begin))


def _match(match: Match) -> Iterator[str]:
    match match:
        case AddressMatch():
            yield _address(match)
        case ProtocolMatch(protocol, port):
            if port is not None:
                yield f"at {protocol.upper()} port {port}"
        case IifNameMatch(ifname, is_inverted):
            yield f"that came in {'not ' if is_inverted else ''}by {ifname}"
        case LocalAddressMatch(is_source):
            yield f"{'from' if is_source else 'for'} the node's own addresses"
        case UnmarkedMatch():
            yield "without the mark for masquerading"
        case NewConnectionMatch():
            yield "that begins a connection"


def _address(match: AddressMatch) -> str:
    networks = " or ".join(map(_network, match.addresses))
    what = networks or f"an address in set {match.set_name}"
    end = "from" if match.is_source else "for"
    if match.is_inverted and match.is_source:
        return f"from outside {what}"
    return f"not {end} {what}" if match.is_inverted else f"{end} {what}"


def _network(network: object) -> str:
    return str(network).removesuffix("/32").removesuffix("/128")


def _effect(statement: Statement, chain: str) -> str:
    match statement:
        case VerdictStatement("return"):
            return f"leaves chain {chain}"
        case VerdictStatement():
            return _decision(statement)
        case MapLookup(map_name, family):
            by = "protocol and port" if family is None else "address, protocol and port"
            return f"is looked up by {by} in map {map_name}"
        case RandomVerdict(verdicts):
            return _choice(verdicts)
        case _:
            return _rewriting(statement)


def _choice(verdicts: Sequence[VerdictStatement]) -> str:
    endpoints = ", ".join(endpoint_of_chain(one.chain) or str(one) for one in verdicts)
    if len(verdicts) == 1:
        return f"is sent to endpoint {endpoints}"
    return f"is sent to one of {len(verdicts)} endpoints, each as likely: {endpoints}"


def _rewriting(
    statement: UpdateSetStatement | DnatStatement | MasqueradeStatement | MarkStatement | OtherRule,
) -> str:
    match statement:
        case UpdateSetStatement():
            return "has its source remembered for this endpoint"
        case DnatStatement(to):
            return f"has its destination rewritten to {to}"
        case MasqueradeStatement():
            return _MASQUERADED
        case MarkStatement(is_xor=is_xor):
            return f"{'loses its mark' if is_xor else 'is marked'} for masquerading"
        case OtherRule(words):
            return f"meets {words}"


def _decision(verdict: VerdictStatement) -> str:
    if not verdict.chain:
        return _VERDICTS.get(verdict.verb, verdict.verb)
    endpoint = endpoint_of_chain(verdict.chain)
    if endpoint:
        return f"is sent to endpoint {endpoint}"
    known = (text for begin, text in _CHAINS.items() if verdict.chain.startswith(begin))
    return next(known, f"goes through chain {verdict.chain}")
