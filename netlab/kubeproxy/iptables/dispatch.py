"""Rules in the chains that all Services share: from an address and port to a Service's own chain.

The filter chains see a packet after DNAT, so a rule there for a Service's own address can only meet
a packet that nat had nowhere to send.

Source: kube-proxy, ``pkg/proxy/iptables/proxier.go`` (syncProxyRules).
"""

from collections.abc import Iterable, Iterator
from functools import lru_cache
from ipaddress import ip_address

from netlab.kube.kinds.service.view import ProxyNode
from netlab.kubeproxy.iptables.static import LOOPBACK
from netlab.kubeproxy.service_ports import ProxiedPort
from netlab.model.addresses import Address, Family, host_network
from netlab.model.kube_proxy import ProxyConfiguration
from netlab.netfilter.iptables.matches import (
    AddrType,
    Comment,
    Destination,
    IpProtocol,
    Match,
    Ports,
    Side,
)
from netlab.netfilter.iptables.rules import Rule, rule
from netlab.netfilter.iptables.targets import Accept, Drop, Jump, Reject, Target

_LAST = "kubernetes service nodeports; NOTE: this must be the last rule in this chain"


def towards(port: ProxiedPort, comment: str, address: Address) -> tuple[Match, ...]:
    """Return the matches for packets to ``port`` at ``address``."""
    return _towards(address, port.protocol, port.port, f"{port.name} {comment}")


# The same on every node, and twice on each.
@lru_cache(maxsize=1 << 16)
def _towards(address: Address, protocol: str, port: int, comment: str) -> tuple[Match, ...]:
    return (
        Destination(host_network(address)),
        IpProtocol(protocol),
        Comment(comment),
        Ports(protocol, port),
    )


def nat_services(port: ProxiedPort) -> Iterator[Rule]:
    """Yield the rules of one port in nat KUBE-SERVICES."""
    chain = "KUBE-SERVICES"
    if port.serves_internal:
        matches = towards(port, "cluster IP", port.cluster_ip)
        yield rule(chain, *matches, target=Jump(port.internal_chain))
    if not port.has_endpoints:
        return
    for address in port.external_ips:
        yield rule(chain, *towards(port, "external IP", address), target=Jump(port.ext_chain))
    entry = port.fw_chain if port.has_firewall else port.ext_chain
    for address in port.vips:
        yield rule(chain, *towards(port, "loadbalancer IP", address), target=Jump(entry))


def nat_node_ports(port: ProxiedPort) -> Iterator[Rule]:
    """Yield the rule of one port in nat KUBE-NODEPORTS."""
    if port.node_port and port.has_endpoints:
        yield rule(
            "KUBE-NODEPORTS",
            Comment(port.name),
            IpProtocol(port.protocol),
            Ports(port.protocol, port.node_port),
            target=Jump(port.ext_chain),
        )


def filter_services(port: ProxiedPort) -> Iterator[Rule]:
    """Yield the rule of one port in filter KUBE-SERVICES: no endpoint for its ClusterIP."""
    if not port.serves_internal:
        reason, target = _refusal(port)
        yield rule("KUBE-SERVICES", *towards(port, reason, port.cluster_ip), target=target)


def filter_external(port: ProxiedPort) -> Iterator[Rule]:
    """Yield the rules of one port in KUBE-EXTERNAL-SERVICES: no endpoint for outsiders."""
    if port.serves_external:
        return
    chain = "KUBE-EXTERNAL-SERVICES"
    reason, target = _refusal(port)
    for address in (*port.external_ips, *port.vips):
        yield rule(chain, *towards(port, reason, address), target=target)
    if port.node_port:
        yield rule(
            chain,
            IpProtocol(port.protocol),
            Comment(f"{port.name} {reason}"),
            AddrType(Side.DESTINATION),
            Ports(port.protocol, port.node_port),
            target=target,
        )


def filter_node_ports(port: ProxiedPort) -> Iterator[Rule]:
    """Yield the rule of one port in filter KUBE-NODEPORTS: balancers may ask for its health."""
    if port.health_check_node_port:
        yield rule(
            "KUBE-NODEPORTS",
            Comment(f"{port.name} health check node port"),
            IpProtocol("tcp"),
            Ports("tcp", port.health_check_node_port),
            target=Accept(),
        )


def filter_firewall(port: ProxiedPort) -> Iterator[Rule]:
    """Yield the rules of one port in KUBE-PROXY-FIREWALL: sources that no range lets in."""
    if port.has_firewall:
        for address in port.vips:
            matches = towards(port, f"traffic not accepted by {port.fw_chain}", address)
            yield rule("KUBE-PROXY-FIREWALL", *matches, target=Drop())


def to_node_ports(
    node: ProxyNode, configuration: ProxyConfiguration, family: Family
) -> Iterator[Rule]:
    """Yield the rules that close nat KUBE-SERVICES: local addresses lead to KUBE-NODEPORTS."""
    chain, target = "KUBE-SERVICES", Jump("KUBE-NODEPORTS")
    has_localhost = family is Family.IPV4 and configuration.localhost_node_ports
    networks = configuration.node_port_networks(family)
    if not networks:
        loopback = None if has_localhost else Destination(LOOPBACK[family], inverted=True)
        yield rule(chain, Comment(_LAST), AddrType(Side.DESTINATION), loopback, target=target)
        return
    for address in _local_addresses(node, family):
        if any(address in n for n in networks) and (has_localhost or not address.is_loopback):
            yield rule(chain, Comment(_LAST), Destination(host_network(address)), target=target)


def _local_addresses(node: ProxyNode, family: Family) -> Iterable[Address]:
    loopback = ip_address("127.0.0.1" if family is Family.IPV4 else "::1")
    return dict.fromkeys((*(a for a in node.addresses if family.holds(a)), loopback))


def _refusal(port: ProxiedPort) -> tuple[str, Target]:
    """Return why nothing serves, and what happens: only a Local policy is silent about it."""
    if port.has_endpoints:
        return "has no local endpoints", Drop()
    return "has no endpoints", Reject()
