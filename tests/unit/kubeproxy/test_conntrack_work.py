"""Only what changed is looked through."""

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
from netlab.kubeproxy.conntrack_work import UdpDue
from netlab.kubeproxy.service_map import Name, ServiceMap
from netlab.model.addresses import Family
from netlab.model.packets import Protocol

DNS, LOG = Name("ns", "dns"), Name("ns", "log")
NODES = ["node1", "node2"]


def service(name: str, ip: str) -> Service:
    port = ServicePort(protocol=Protocol.UDP, port=53, target_port=53)
    return Service(namespace="ns", name=name, cluster_ips=(ip_address(ip),), ports=(port,))


def pod(name: str, ip: str) -> EndpointSlice:
    return EndpointSlice(
        namespace="ns",
        name=name,
        service_name=name,
        ports=(EndpointPort(protocol=Protocol.UDP, port=53),),
        endpoints=(Endpoint(addresses=(ip_address(ip),)),),
    )


@pytest.fixture
def services() -> ServiceMap:
    return ServiceMap.of(
        [service("dns", "10.0.0.1"), service("log", "10.0.0.2")],
        [pod("dns", "10.244.0.1"), pod("log", "10.244.0.2")],
    )


@pytest.fixture
def udp(services: ServiceMap) -> UdpDue[str]:
    due = UdpDue[str](services, Family.IPV4)
    due.changed(services.take_changes(), NODES)
    due.done(NODES)
    return due


def addresses(udp: UdpDue[str]) -> set[str]:
    return {str(place[0]) for place in udp.due(NODES)[1].by_address}


def test_a_new_endpoint_makes_its_service_due_on_every_node(udp: UdpDue[str], services: ServiceMap):
    services.set_slice(DNS, pod("dns", "10.244.0.9"))
    udp.changed(services.take_changes(), NODES)
    assert udp.due(NODES)[0] == NODES
    assert addresses(udp) == {"10.0.0.1"}


def test_a_change_that_udp_does_not_see_makes_nothing_due(udp: UdpDue[str], services: ServiceMap):
    services.set_service(DNS, replace(service("dns", "10.0.0.1"), session_affinity="ClientIP"))
    udp.changed(services.take_changes(), NODES)
    assert udp.due(NODES)[0] == []


def test_a_node_whose_rules_were_unknown_has_everything_due(udp: UdpDue[str]):
    udp.all_changed(["node2"])
    assert udp.due(NODES)[0] == ["node2"]
    assert addresses(udp) == {"10.0.0.1", "10.0.0.2"}


def test_what_is_not_done_stays_due(udp: UdpDue[str], services: ServiceMap):
    services.set_slice(DNS, pod("dns", "10.244.0.9"))
    udp.changed(services.take_changes(), NODES)
    udp.done(["node1"])
    services.set_slice(LOG, pod("log", "10.244.0.8"))
    udp.changed(services.take_changes(), NODES)
    assert udp.due(["node1"])[0] == ["node1"]
    assert addresses(udp) == {"10.0.0.1", "10.0.0.2"}


def test_a_service_that_is_gone_is_not_due(udp: UdpDue[str], services: ServiceMap):
    services.set_service(DNS, None)
    udp.changed(services.take_changes(), NODES)
    assert udp.due(NODES)[0] == []
