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
from ipaddress import ip_network
from typing import Final

from netlab.kube.kinds.service.view import ProxyNode
from netlab.model.addresses import Address, Family, Network
from netlab.model.kube_proxy import ProxyConfiguration
from netlab.netfilter.nftables.table import Chain, Element, Hook, NamedSet, Rule, ip

MASQUERADING: Final = "masquerading"
"""A chain that is never without rules."""
REJECT_CHAIN: Final = "reject-chain"
_REJECT_COMMENT: Final = "helper for @no-endpoint-services / @no-endpoint-nodeports"
ENDPOINT_CHECKS: Final = frozenset({"service-endpoints-check", "nodeport-endpoints-check"})
"""Chains in which packets for a Service are refused for want of an endpoint."""
_NEW: Final = "ct state new jump"
_TO_LOCAL: Final = "fib daddr type local "
_BASE_CHAINS: Final = (
    ("filter-prerouting-pre-dnat", "filter", "prerouting", -110, (f"{_NEW} firewall-check",)),
    ("filter-output-pre-dnat", "filter", "output", -110, (f"{_NEW} firewall-check",)),
    ("filter-input", "filter", "input", 0,
     (f"{_NEW} nodeport-endpoints-check", f"{_NEW} service-endpoints-check")),
    ("filter-forward", "filter", "forward", 0,
     (f"{_NEW} service-endpoints-check", f"{_NEW} cluster-ips-check")),
    ("filter-output", "filter", "output", 0,
     (f"{_NEW} service-endpoints-check", f"{_NEW} cluster-ips-check")),
    ("nat-prerouting", "nat", "prerouting", -100, ("jump services",)),
    ("nat-output", "nat", "output", -100, ("jump services",)),
    ("nat-postrouting", "nat", "postrouting", 100, (f"jump {MASQUERADING}",)),
)  # fmt: skip


BASE_CHAIN_HOOKS: Final = {name: (hook, priority) for name, _, hook, priority, _ in _BASE_CHAINS}
"""Hook and priority of each base chain."""
NAT_CHAINS: Final = frozenset(name for name, kind, *_ in _BASE_CHAINS if kind == "nat")
"""Base chains that only the first packet of a connection meets."""


def base_chains() -> Iterator[Chain]:
    """Yield the chains that the kernel enters by itself."""
    for name, kind, hook, priority, words in _BASE_CHAINS:
        rules = tuple(Rule(words=each) for each in words)
        yield Chain(name=name, rules=rules, hook=Hook(type=kind, name=hook, priority=priority))


def shared_chains(
    node: ProxyNode,
    configuration: ProxyConfiguration,
    family: Family,
    service_cidrs: Iterable[Network],
) -> Iterator[Chain]:
    """Yield the chains between the base chains and the Services' own."""
    word = ip(family)
    to_node = _to_node_ports(node, configuration, family)
    # At input a packet is for the node: that needs no look-up any more.
    at_node = to_node.removeprefix(_TO_LOCAL)
    by_address = f"{word} daddr . meta l4proto . th dport vmap"
    by_port = "meta l4proto . th dport vmap"
    yield _chain("firewall-check", f"{by_address} @firewall-ips")
    yield _chain(
        "services", f"{by_address} @service-ips", f"{to_node} {by_port} @service-nodeports"
    )
    yield _chain("service-endpoints-check", f"{by_address} @no-endpoint-services")
    yield _chain("nodeport-endpoints-check", f"{at_node} {by_port} @no-endpoint-nodeports")
    yield Chain(name="cluster-ips-check", rules=tuple(_cluster_ips(word, family, service_cidrs)))
    yield replace(_chain(REJECT_CHAIN, "reject"), comment=_REJECT_COMMENT)
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


def _chain(name: str, *words: str) -> Chain:
    return Chain(name=name, rules=tuple(Rule(words=each) for each in words))


def _masquerading(configuration: ProxyConfiguration) -> Iterator[Chain]:
    mark = f"{configuration.masquerade_mark:#x}"
    yield _chain("mark-for-masquerade", f"mark set mark or {mark}")
    # The mark goes again: a packet that comes by once more, encapsulated say, is not for this.
    yield _chain(
        MASQUERADING,
        f"mark and {mark} == 0 return",
        f"mark set mark xor {mark}",
        "masquerade fully-random",
    )


def _cluster_ips(word: str, family: Family, service_cidrs: Iterable[Network]) -> Iterator[Rule]:
    """Yield what happens to packets for a ClusterIP that no DNAT took."""
    yield Rule(
        words=f"{word} daddr @cluster-ips reject",
        comment="Reject traffic to invalid ports of ClusterIPs",
    )
    networks = ", ".join(str(network) for network in service_cidrs if family.holds(network))
    if networks:
        yield Rule(
            words=f"{word} daddr {{ {networks} }} drop",
            comment="Drop traffic to unallocated ClusterIPs",
        )


def _to_node_ports(node: ProxyNode, configuration: ProxyConfiguration, family: Family) -> str:
    """Return the words for packets to an address of the node that answers for NodePorts."""
    word = ip(family)
    if node_port_networks(node, configuration, family):
        return f"{word} daddr @nodeport-ips"
    loopback = "127.0.0.0/8" if family is Family.IPV4 else "::1"
    return f"{_TO_LOCAL}{word} daddr != {loopback}"


def _address_type(family: Family) -> str:
    return "ipv4_addr" if family is Family.IPV4 else "ipv6_addr"
