"""What kube-proxy's nftables table says of packets, each rule in one sentence of plain words."""

from collections.abc import Iterator, Sequence
from typing import Final

from netlab.errors import SpecError
from netlab.kubeproxy.nftables.names import endpoint_of_chain, service_of_chain
from netlab.kubeproxy.nftables.rule_groups import TableEntry
from netlab.netfilter.nftables.statements import (
    Action,
    CameBy,
    ChangeMark,
    Choose,
    Condition,
    Decide,
    DnatTo,
    HasAddress,
    HasProtocol,
    IsLocal,
    IsNew,
    IsUnmarked,
    LookUp,
    Masquerade,
    Remember,
    read_rule,
)
from netlab.netfilter.nftables.table import Chain, Element

_CHAINS: Final = {
    "firewall-check": "is compared with the load balancer addresses that are for some sources only",
    "services": "is compared with the addresses and NodePorts of all Services",
    "service-endpoints-check": "is compared with the Service addresses that lead to no endpoint",
    "nodeport-endpoints-check": "is compared with the NodePorts that lead to no endpoint",
    "cluster-ips-check": "is compared with the ClusterIPs in use",
    "masquerading": "is masqueraded if it was marked for that",
    "mark-for-masquerade": "is marked for masquerading: the endpoint will see the node's address",
    "reject-chain": "is refused, and its sender is told",
    "service-": "is given one endpoint of the whole cluster",
    "local-": "is given one endpoint of this node",
    "external-": "is treated as one that comes from outside",
    "firewall-": "is let in if its source is in loadBalancerSourceRanges",
}
"""What leading to a chain, or to one whose name begins so, does to a packet."""
_PLACES: Final = {
    "prerouting": "that comes in",
    "input": "for the node itself",
    "forward": "on its way through the node",
    "output": "that the node itself sends",
    "postrouting": "that goes out",
    "service-": "for the Service",
    "local-": "for the Service, to be served on this node,",
    "external-": "for an external address or NodePort of the Service",
    "firewall-": "for a load balancer address of the Service",
    "endpoint-": "for this endpoint",
}
"""Which packets meet the rules of a hook, or of a chain whose name begins so."""
_REASONS: Final = {
    "goto reject-chain": ", because the Service has no endpoint",
    "drop": ", because the policy is Local and no endpoint runs on this node",
}
"""Why a packet is refused, in the maps of what has no endpoints."""
_VERDICTS: Final = {
    "drop": "is dropped without a word",
    "reject": "is refused, and its sender is told",
    "return": "leaves this chain",
}


def table_sentence(one: TableEntry) -> str:
    """Return what a rule does, or an entry of a map, and to which packets."""
    if isinstance(one.what, Element):
        return _of_element(one.place.name, one.what)
    try:
        conditions, action = read_rule(one.what.words)
    except SpecError:
        return f"This rule of {one.place.name} is none of kube-proxy's."
    clauses = [text for condition in conditions for text in _condition(condition)]
    place = _place(one.place) if isinstance(one.place, Chain) else ""
    if not (clauses or place):
        place = f"that comes to {one.place.name}"
    subject = " ".join(
        ["A packet" if clauses else "Every packet", *filter(None, [place]), *clauses]
    )
    return f"{subject} {_effect(action)}."


def _of_element(map_name: str, element: Element) -> str:
    *address, protocol, port = element.key.split(" . ")
    where = f"{protocol.upper()} port {port}"
    subject = f"A packet for {address[0]} at {where}" if address else f"A packet for {where}"
    reason = _REASONS.get(element.verdict, "") if map_name.startswith("no-endpoint-") else ""
    return f"{subject} {_decision(element.verdict)}{reason}."


def _place(chain: Chain) -> str:
    if chain.hook is not None:
        return _PLACES[chain.hook.name]
    if not service_of_chain(chain.name):
        return ""
    return next(text for begin, text in _PLACES.items() if chain.name.startswith(begin))


def _condition(condition: Condition) -> Iterator[str]:
    match condition:
        case HasAddress():
            yield _address(condition)
        case HasProtocol(protocol=protocol, port=port):
            if port is not None:
                yield f"at {protocol.upper()} port {port}"
        case CameBy(ifname=ifname, is_inverted=is_inverted):
            yield f"that came in {'not ' if is_inverted else ''}by {ifname}"
        case IsLocal(is_source=is_source):
            yield f"{'from' if is_source else 'for'} the node's own addresses"
        case IsUnmarked():
            yield "without the mark for masquerading"
        case IsNew():
            yield "that begins a connection"


def _address(condition: HasAddress) -> str:
    networks = " or ".join(map(_network, condition.networks))
    what = networks or f"an address in set {condition.set_name}"
    end = "from" if condition.is_source else "for"
    return f"not {end} {what}" if condition.is_inverted else f"{end} {what}"


def _network(network: object) -> str:
    return str(network).removesuffix("/32").removesuffix("/128")


def _effect(action: Action) -> str:
    match action:
        case Decide(words):
            return _decision(words)
        case LookUp(map_name=map_name, has_address=has_address):
            by = "address, protocol and port" if has_address else "protocol and port"
            return f"is looked up by {by} in map {map_name}"
        case Choose(verdicts):
            return _choice(verdicts)
        case _:
            return _rewriting(action)


def _choice(verdicts: Sequence[str]) -> str:
    endpoints = ", ".join(endpoint_of_chain(one.removeprefix("goto ")) or one for one in verdicts)
    if len(verdicts) == 1:
        return f"is sent to endpoint {endpoints}"
    return f"is sent to one of {len(verdicts)} endpoints, each as likely: {endpoints}"


def _rewriting(action: Remember | DnatTo | Masquerade | ChangeMark) -> str:
    match action:
        case Remember():
            return "has its source remembered for this endpoint"
        case DnatTo(endpoint):
            return f"has its destination rewritten to {endpoint}"
        case Masquerade():
            return "leaves with the address of the interface it goes out by"
        case ChangeMark(is_xor=is_xor):
            return f"{'loses its mark' if is_xor else 'is marked'} for masquerading"


def _decision(words: str) -> str:
    verb, _, chain = words.partition(" ")
    if not chain:
        return _VERDICTS.get(verb, words)
    endpoint = endpoint_of_chain(chain)
    if endpoint:
        return f"is sent to endpoint {endpoint}"
    known = (text for begin, text in _CHAINS.items() if chain.startswith(begin))
    return next(known, f"goes through chain {chain}")
