"""Which UDP connections hold on to an endpoint that serves their Service no more.

Rules choose an endpoint for the first packet only; conntrack repeats the choice for as long as
packets come. TCP ends its connections itself when an endpoint goes. A UDP client that keeps sending
from one port would go on to a dead address for ever, so its entry is removed and the next packet
meets the rules. A Service without any endpoint is left alone: nothing better is known for its
clients.

Source: kube-proxy, ``pkg/proxy/conntrack/cleanup.go``.
"""

from collections.abc import Iterable

from netlab.kube.kinds.service.view import EndpointSlice
from netlab.kubeproxy.service_map import ServiceEndpoints
from netlab.model.addresses import Family
from netlab.model.packets import Protocol
from netlab.netns_agent.udp_entries import Place, UdpServices


def udp_services(services: Iterable[ServiceEndpoints], family: Family) -> UdpServices:
    """Return where the UDP ports of Services lead in one address family."""
    by_address: dict[Place, frozenset[Place]] = {}
    by_node_port: dict[int, frozenset[Place]] = {}
    for served in services:
        service = served.service
        ports = [port for port in service.ports if port.protocol is Protocol.UDP]
        if not ports or not service.is_proxied:
            continue
        endpoints = _serving(served.slices, family)
        addresses = (*service.cluster_ips, *service.external_ips, *service.load_balancer_vips)
        for port in ports:
            serving = frozenset(endpoints.get(port.name, ()))
            for address in addresses:
                if family.holds(address):
                    by_address[address, port.port] = serving
            if port.node_port:
                by_node_port[port.node_port] = serving
    return UdpServices(by_address=by_address, by_node_port=by_node_port)


def _serving(slices: Iterable[EndpointSlice], family: Family) -> dict[str, set[Place]]:
    """Return the endpoints of one Service that can serve, by name of the port."""
    found: dict[str, set[Place]] = {}
    for piece in slices:
        if piece.address_type != family:
            continue
        serving = [each.addresses[0] for each in piece.endpoints if each.addresses and each.serving]
        for port in piece.ports:
            number = port.port
            if port.protocol is Protocol.UDP and number:
                places = found.setdefault(port.name, set())
                places.update((address, number) for address in serving)
    return found
