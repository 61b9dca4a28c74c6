"""The chains, sets and maps kube-proxy lays on every node, whatever Services there are.

Theory of operation
-------------------
::

    prerouting, output at -110   firewall-check: sources that no range lets in, before any DNAT
    prerouting, output at -100   services: vmaps from address and port to a Service's chain
    input, forward, output at 0  what is still for a Service's own address: no endpoint serves it
    postrouting at 100           masquerading: what was marked on the way

Source: kube-proxy, ``pkg/proxy/nftables/proxier.go`` (nftablesBaseChains, nftablesJumpChains,
setupNFTables) and ``README.md`` beside it; priorities as of kubernetes/kubernetes#132456.
"""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from ipaddress import ip_address, ip_network
from typing import Final

from netlab.kube.kinds.service.view import ProxyNode
from netlab.model.addresses import Address, Family, Network
from netlab.model.kube_proxy import ProxyConfiguration
from netlab.netfilter.nftables.rules import (
    AddressMatch,
    LocalAddressMatch,
    MapLookup,
    MarkStatement,
    MasqueradeStatement,
    NewConnectionMatch,
    Rule,
    UnmarkedMatch,
    VerdictStatement,
    jump,
    rule,
)
from netlab.netfilter.nftables.table import Chain, Element, Hook, NamedSet

MASQUERADING: Final = "masquerading"
"""A chain that is never without rules."""
REJECT_CHAIN: Final = "reject-chain"
_REJECT: Final = VerdictStatement("reject")
_REJECT_COMMENT: Final = "helper for @no-endpoint-services / @no-endpoint-nodeports"
ENDPOINT_CHECKS: Final = frozenset({"service-endpoints-check", "nodeport-endpoints-check"})
"""Chains in which packets for a Service are refused for want of an endpoint."""
_BASE_CHAINS: Final = (
    ("filter-prerouting-pre-dnat", "filter", "prerouting", -110, ("firewall-check",)),
    ("filter-output-pre-dnat", "filter", "output", -110, ("firewall-check",)),
    ("filter-input", "filter", "input", 0,
     ("nodeport-endpoints-check", "service-endpoints-check")),
    ("filter-forward", "filter", "forward", 0, ("service-endpoints-check", "cluster-ips-check")),
    ("filter-output", "filter", "output", 0, ("service-endpoints-check", "cluster-ips-check")),
    ("nat-prerouting", "nat", "prerouting", -100, ("services",)),
    ("nat-output", "nat", "output", -100, ("services",)),
    ("nat-postrouting", "nat", "postrouting", 100, (MASQUERADING,)),
)  # fmt: skip
"""Each with its type, hook, priority, and the chains that it jumps to."""

BASE_CHAIN_HOOKS: Final = {name: (hook, priority) for name, _, hook, priority, _ in _BASE_CHAINS}
"""Hook and priority of each base chain."""
NAT_CHAINS: Final = frozenset(name for name, kind, *_ in _BASE_CHAINS if kind == "nat")
"""Base chains that only the first packet of a connection meets."""


def base_chains() -> Iterator[Chain]:
    """Yield the chains that the kernel enters by itself."""
    for name, kind, hook, priority, chains in _BASE_CHAINS:
        # A chain of type nat is asked about new connections only.
        matches = () if kind == "nat" else (NewConnectionMatch(),)
        rules = tuple(rule(*matches, then=jump(chain)) for chain in chains)
        yield Chain(name=name, rules=rules, hook=Hook(type=kind, name=hook, priority=priority))


def shared_chains(
    node: ProxyNode,
    configuration: ProxyConfiguration,
    family: Family,
    service_cidrs: Iterable[Network],
) -> Iterator[Chain]:
    """Yield the chains between the base chains and the Services' own."""
    at_node = _node_port_addresses(node, configuration, family)
    is_any_address = not at_node.set_name
    # At input a packet is for the node: that needs no look-up any more.
    to_node = (LocalAddressMatch(is_source=False), at_node) if is_any_address else (at_node,)
    yield _chain("firewall-check", rule(then=MapLookup("firewall-ips", family)))
    yield _chain(
        "services",
        rule(then=MapLookup("service-ips", family)),
        rule(*to_node, then=MapLookup("service-nodeports")),
    )
    yield _chain("service-endpoints-check", rule(then=MapLookup("no-endpoint-services", family)))
    yield _chain("nodeport-endpoints-check", rule(at_node, then=MapLookup("no-endpoint-nodeports")))
    yield _chain("cluster-ips-check", *_cluster_ips(family, service_cidrs))
    yield replace(_chain(REJECT_CHAIN, rule(then=_REJECT)), comment=_REJECT_COMMENT)
    yield from _masquerading(configuration)


def node_port_ips(
    node: ProxyNode, configuration: ProxyConfiguration, family: Family
) -> NamedSet | None:
    """Return the set of addresses that answer for NodePorts; None when all local ones do.

    Loopback addresses never do: the kernel would need route_localnet for the replies.
    """
    networks = node_port_networks(node, configuration, family)
    if not networks:
        return None
    own = (address for address in node.addresses if family.holds(address))
    elements = tuple(
        Element(key=str(address))
        for address in dict.fromkeys(own)
        if any(address in network for network in networks)
    )
    return NamedSet(
        name="nodeport-ips",
        type=_address_type(family),
        elements=elements,
        comment="IPs that accept NodePort traffic",
    )


def node_port_networks(
    node: ProxyNode, configuration: ProxyConfiguration, family: Family
) -> tuple[Network, ...]:
    """Return where NodePorts answer; empty for all of the node's addresses.

    Without nodePortAddresses this mode takes ``primary``: the node's first address of each family.
    """
    if not configuration.node_port_addresses:
        first = {address.version: address for address in reversed(node.addresses)}
        configuration = replace(
            configuration, node_port_addresses=tuple(map(ip_network, first.values()))
        )
    return configuration.node_port_networks(family)


def affinity(name: str, timeout_s: int, family: Family) -> NamedSet:
    """Return an empty set of clients that stay with one endpoint."""
    return NamedSet(name=name, type=_address_type(family), timeout_s=timeout_s)


def cluster_ips(addresses: Iterable[Address], family: Family) -> NamedSet:
    """Return the set of ClusterIPs in use."""
    elements = tuple(Element(key=str(address)) for address in dict.fromkeys(addresses))
    return NamedSet(
        name="cluster-ips",
        type=_address_type(family),
        elements=elements,
        comment="Active ClusterIPs",
    )


def address_map(name: str, comment: str, elements: Iterable[Element], family: Family) -> NamedSet:
    """Return a map from address, protocol and port to what becomes of the packet."""
    kind = f"{_address_type(family)} . inet_proto . inet_service"
    return NamedSet(name=name, type=kind, elements=tuple(elements), is_map=True, comment=comment)


def port_map(name: str, comment: str, elements: Iterable[Element]) -> NamedSet:
    """Return a map from protocol and NodePort to what becomes of the packet."""
    kind = "inet_proto . inet_service"
    return NamedSet(name=name, type=kind, elements=tuple(elements), is_map=True, comment=comment)


def _chain(name: str, *rules: Rule) -> Chain:
    return Chain(name=name, rules=rules)


def _masquerading(configuration: ProxyConfiguration) -> Iterator[Chain]:
    mark = configuration.masquerade_mark
    yield _chain("mark-for-masquerade", rule(then=MarkStatement(mark)))
    # The mark goes again: a packet that comes by once more, encapsulated say, is not for this.
    yield _chain(
        MASQUERADING,
        rule(UnmarkedMatch(mark), then=VerdictStatement("return")),
        rule(then=MarkStatement(mark, is_xor=True)),
        rule(then=MasqueradeStatement()),
    )


def _cluster_ips(family: Family, service_cidrs: Iterable[Network]) -> Iterator[Rule]:
    """Yield what happens to packets for a ClusterIP that no DNAT took."""
    yield rule(
        AddressMatch(family=family, is_source=False, set_name="cluster-ips"),
        then=_REJECT,
        comment="Reject traffic to invalid ports of ClusterIPs",
    )
    networks = tuple(network for network in service_cidrs if family.holds(network))
    if networks:
        yield rule(
            AddressMatch(
                family=family, is_source=False, addresses=networks, is_list=len(networks) == 1
            ),
            then=VerdictStatement("drop"),
            comment="Drop traffic to unallocated ClusterIPs",
        )


def _node_port_addresses(
    node: ProxyNode, configuration: ProxyConfiguration, family: Family
) -> AddressMatch:
    """Return the match for those of the node's addresses that answer for NodePorts."""
    if node_port_networks(node, configuration, family):
        return AddressMatch(family=family, is_source=False, set_name="nodeport-ips")
    loopback = ip_network("127.0.0.0/8") if family is Family.IPV4 else ip_address("::1")
    return AddressMatch(family=family, is_source=False, is_inverted=True, addresses=(loopback,))


def _address_type(family: Family) -> str:
    return "ipv4_addr" if family is Family.IPV4 else "ipv6_addr"
