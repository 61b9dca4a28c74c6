"""Entries of the maps that all Services share: from an address and port to what becomes of it.

Source: kube-proxy, ``pkg/proxy/nftables/proxier.go`` (syncProxyRules).
"""

from collections.abc import Iterator

from netlab.kubeproxy.nftables import names
from netlab.kubeproxy.nftables.chains import internal_chain
from netlab.kubeproxy.nftables.static import REJECT_CHAIN
from netlab.kubeproxy.service_ports import ProxiedPort
from netlab.model.addresses import Address
from netlab.netfilter.nftables.rules import VerdictStatement, goto
from netlab.netfilter.nftables.table import Element, as_comment


def cluster_ips(port: ProxiedPort) -> Iterator[Element]:
    """Yield the entry of one port in the set ``cluster-ips``."""
    yield Element(key=str(port.cluster_ip))


def service_ips(port: ProxiedPort) -> Iterator[Element]:
    """Yield the entries of one port in ``service-ips``."""
    if port.serves_internal:
        yield _element(port, port.cluster_ip, goto(internal_chain(port)))
    if port.has_endpoints:
        for address in (*port.external_ips, *port.vips):
            yield _element(port, address, goto(names.external_chain(port)))


def service_node_ports(port: ProxiedPort) -> Iterator[Element]:
    """Yield the entry of one port in ``service-nodeports``."""
    if port.node_port and port.has_endpoints:
        verdict = goto(names.external_chain(port))
        yield Element(key=f"{port.protocol} . {port.node_port}", verdict=verdict)


def no_endpoint_services(port: ProxiedPort) -> Iterator[Element]:
    """Yield the entries of one port in ``no-endpoint-services``."""
    if not port.serves_internal:
        yield _element(port, port.cluster_ip, _refusal(port), comment=port.name)
    if not port.serves_external:
        for address in (*port.external_ips, *port.vips):
            yield _element(port, address, _refusal(port), comment=port.name)


def no_endpoint_node_ports(port: ProxiedPort) -> Iterator[Element]:
    """Yield the entry of one port in ``no-endpoint-nodeports``."""
    if port.node_port and not port.serves_external:
        key = f"{port.protocol} . {port.node_port}"
        yield Element(key=key, verdict=_refusal(port), comment=as_comment(port.name))


def firewall_ips(port: ProxiedPort) -> Iterator[Element]:
    """Yield the entries of one port in ``firewall-ips``."""
    if port.source_ranges:
        for address in port.vips:
            yield _element(port, address, goto(names.firewall_chain(port)))


def _element(
    port: ProxiedPort, address: Address, verdict: VerdictStatement, *, comment: str = ""
) -> Element:
    key = f"{address} . {port.protocol} . {port.port}"
    return Element(key=key, verdict=verdict, comment=as_comment(comment))


def _refusal(port: ProxiedPort) -> VerdictStatement:
    """Return what happens to the packet: only a Local policy is silent about it."""
    return VerdictStatement("drop") if port.has_endpoints else goto(REJECT_CHAIN)
