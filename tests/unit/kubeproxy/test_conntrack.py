"""Which UDP connections are removed when endpoints change."""

from dataclasses import replace
from ipaddress import ip_address

import pytest

from netlab.kube.kinds.service.view import (
    Endpoint,
    EndpointPort,
    EndpointSlice,
    Service,
    ServicePort,
)
from netlab.kubeproxy.conntrack import udp_services
from netlab.kubeproxy.service_map import ServiceEndpoints
from netlab.model.addresses import Family
from netlab.model.packets import Protocol
from netlab.netns_agent.udp_entries import UdpConnection

SERVICE = Service(
    namespace="ns",
    name="dns",
    cluster_ips=(ip_address("10.0.0.10"), ip_address("fd00::10")),
    external_ips=(ip_address("192.0.2.9"),),
    load_balancer_vips=(ip_address("203.0.113.1"),),
    ports=(
        ServicePort(name="u", protocol=Protocol.UDP, port=53, target_port=53, node_port=30053),
        ServicePort(name="t", protocol=Protocol.TCP, port=54, target_port=54, node_port=30054),
    ),
)
SERVING, DRAINING, DEAD = (ip_address(f"10.1.0.{n}") for n in (1, 2, 3))


def piece(*addresses: tuple[object, bool]) -> EndpointSlice:
    return EndpointSlice(
        namespace="ns",
        name="dns-1",
        service_name="dns",
        ports=(
            EndpointPort(name="u", protocol=Protocol.UDP, port=5353),
            EndpointPort(name="t", protocol=Protocol.TCP, port=5353),
        ),
        endpoints=tuple(
            Endpoint(addresses=(address,), ready=False, serving=serving, terminating=True)
            for address, serving in addresses
        ),
    )


SERVED = ServiceEndpoints(SERVICE, (piece((SERVING, True), (DRAINING, True), (DEAD, False)),))


def connection(to: str, port: int, by: object, by_port: int = 5353) -> UdpConnection:
    return UdpConnection(sent_to=(ip_address(to), port), answered_by=(by, by_port))


@pytest.mark.parametrize(
    ("entry", "stale"),
    [
        pytest.param(connection("10.0.0.10", 53, SERVING), False, id="its endpoint serves"),
        pytest.param(connection("10.0.0.10", 53, DRAINING), False, id="its endpoint drains"),
        pytest.param(connection("10.0.0.10", 53, DEAD), True, id="its endpoint serves no more"),
        pytest.param(connection("10.0.0.10", 53, SERVING, 99), True, id="another port of it"),
        pytest.param(connection("192.0.2.9", 53, DEAD), True, id="by an external IP"),
        pytest.param(connection("203.0.113.1", 53, DEAD), True, id="by a VIP"),
        pytest.param(connection("10.240.0.3", 30053, DEAD), True, id="by the NodePort"),
        pytest.param(connection("10.240.0.3", 30053, SERVING), False, id="well by the NodePort"),
        pytest.param(
            connection("10.0.0.10", 53, ip_address("10.0.0.10"), 53),
            True,
            id="sent before there was any rule",
        ),
        pytest.param(connection("10.0.0.10", 54, DEAD), False, id="the TCP port's number"),
        pytest.param(connection("10.9.9.9", 53, DEAD), False, id="no address of the Service"),
    ],
)
def test_an_entry_is_stale_when_its_answers_come_from_what_does_not_serve(
    entry: UdpConnection, stale: bool
):
    assert udp_services([SERVED], Family.IPV4).is_stale(entry) is stale


def test_an_endpoint_that_does_not_serve_is_none_however_ready():
    broken = Endpoint(addresses=(DEAD,), ready=True, serving=False)
    pieces = (piece((SERVING, True)), replace(piece(), name="dns-2", endpoints=(broken,)))
    found = udp_services([ServiceEndpoints(SERVICE, pieces)], Family.IPV4)
    assert found.is_stale(connection("10.0.0.10", 53, DEAD))


def test_a_port_number_is_a_node_port_at_any_address():
    # kube-proxy does not ask whose the address is.
    other = replace(
        SERVICE, name="big", ports=(replace(SERVICE.ports[0], port=30053, node_port=1),)
    )
    other = replace(other, cluster_ips=(ip_address("10.0.0.11"),), external_ips=())
    pieces = (replace(piece((DRAINING, True)), service_name="big"),)
    found = udp_services([SERVED, ServiceEndpoints(other, pieces)], Family.IPV4)
    assert not found.is_stale(connection("10.0.0.11", 30053, DRAINING))
    assert found.is_stale(connection("10.0.0.11", 30053, DEAD))
    assert found.is_stale(connection("192.0.2.77", 30053, DEAD))


def test_without_a_serving_endpoint_nothing_is_removed():
    found = udp_services([ServiceEndpoints(SERVICE, (piece((DEAD, False)),))], Family.IPV4)
    assert not found.is_stale(connection("10.0.0.10", 53, DEAD))


def test_a_cluster_without_udp_services_has_none_to_look_for():
    assert not udp_services([], Family.IPV4)
    assert udp_services([ServiceEndpoints(SERVICE)], Family.IPV4)
