"""Which calls must be answered before a lab counts as up, and what is said of the others."""

from dataclasses import replace
from ipaddress import ip_address, ip_network
from typing import Any

import pytest

from netlab.control_plane.service_calls import service_calls
from netlab.kube.kinds.service.view import (
    Endpoint,
    EndpointPort,
    EndpointSlice,
    ProxyNode,
    Service,
    ServicePort,
)
from netlab.kubeproxy.iptables.compile import compile_ruleset
from netlab.model.addresses import family_of
from netlab.model.hosts import Host, HostKind
from netlab.model.kube_proxy import ProxyConfiguration
from netlab.model.names import NetnsName
from netlab.model.packets import Protocol
from netlab.model.service_calls import Call, Unpromised
from netlab.netfilter.iptables.walk import Walker
from netlab.netfilter.verdicts import Outcome, Packet


def host(name: str, kind: HostKind, *addresses: str) -> Host:
    return Host(
        name=name,
        kind=kind,
        netns=NetnsName(f"netlab-default-{name}"),
        addresses=tuple(map(ip_address, addresses)),
    )


CLIENT = host("client", HostKind.CLIENT, "198.51.100.79", "2001:db8::79")
NODES = [
    host(f"node{n}", HostKind.NODE, f"10.240.0.{n}", f"fd00:10:240::{n}", f"10.244.{n}.1")
    for n in (1, 2, 3)
]
ROUTER = host("router", HostKind.ROUTER, "10.240.0.254")
POD = host("web-1", HostKind.POD, "10.244.2.9", "fd00:10:244:2::9")
HOSTS = [CLIENT, ROUTER, POD, *NODES]
CONFIGURATION = ProxyConfiguration(cluster_cidrs=(ip_network("10.244.0.0/16"),))


def service(name: str, node_port: int | None = None, **fields: Any) -> Service:  # noqa: ANN401 (any field)
    port = ServicePort(port=80, target_port=8080, node_port=node_port)
    own: dict[str, Any] = {"cluster_ips": (ip_address("10.0.0.9"),), "ports": (port,)}
    kind = "NodePort" if node_port else "ClusterIP"
    return Service(**{"namespace": "default", "name": name, "type": kind, **own, **fields})


def slice_(
    name: str,
    node: str = "node2",
    family: str = "IPv4",
    address: str = "",
    **fields: Any,  # noqa: ANN401 (any field)
) -> EndpointSlice:
    own = address or ("10.244.2.9" if family == "IPv4" else "fd00:10:244:2::9")
    endpoint = Endpoint(addresses=(ip_address(own),), node_name=node)
    return EndpointSlice(
        **{
            "namespace": "default",
            "name": f"{name}-{family}",
            "service_name": name,
            "address_type": family,
            "ports": (EndpointPort(port=8080),),
            "endpoints": (endpoint,),
            **fields,
        }
    )


def found(
    services: list[Service],
    slices: list[EndpointSlice],
    hosts: list[Host] = HOSTS,
    configuration: ProxyConfiguration = CONFIGURATION,
) -> tuple[list[Call], list[Unpromised]]:
    """Ask the rules that kube-proxy lays on each node."""

    def predict(name: str, packet: Packet) -> tuple[Outcome, ...]:
        local = next(host for host in hosts if host.name == name).addresses
        family = family_of(packet.destination)
        node = ProxyNode(name=name, addresses=local)
        rules = compile_ruleset(node, services, slices, configuration, family)
        return Walker(rules, local).walk(packet)

    return service_calls(hosts, services, slices, predict)


EVERYWHERE = [f"client 10.240.0.{n}:31704" for n in (1, 2, 3)]
EVERYWHERE_6 = [f"client [fd00:10:240::{n}]:31704" for n in (1, 2, 3)]
DUAL = {"cluster_ips": (ip_address("10.0.0.9"), ip_address("fd00::9"))}
SIX = {"cluster_ips": (ip_address("fd00::9"),)}


@pytest.mark.parametrize(
    ("services", "slices", "calls"),
    [
        pytest.param([], [], [], id="nothing when there is no Service"),
        pytest.param(
            [service("a")], [slice_("a")], ["node1 10.0.0.9:80"], id="a ClusterIP from one node"
        ),
        pytest.param(
            [service("a", 31704)],
            [slice_("a")],
            ["node1 10.0.0.9:80", *EVERYWHERE],
            id="a NodePort on every node",
        ),
        pytest.param(
            [service("a", 31704, external_traffic_policy="Local")],
            [slice_("a")],
            ["node1 10.0.0.9:80", "client 10.240.0.2:31704"],
            id="under externalTrafficPolicy Local on the nodes with an endpoint",
        ),
        pytest.param(
            [service("a", internal_traffic_policy="Local")],
            [slice_("a")],
            ["node2 10.0.0.9:80"],
            id="under internalTrafficPolicy Local from a node with an endpoint",
        ),
        pytest.param(
            [
                service(name, port, cluster_ips=(ip_address(f"10.0.0.{port - 31695}"),))
                for name, port in (("a", 31704), ("b", 31705), ("c", 31706))
            ],
            [slice_("a"), slice_("b"), slice_("c")],
            [
                *("node1 10.0.0.9:80", *EVERYWHERE),
                *("node1 10.0.0.10:80", "client 10.240.0.2:31705"),
                *("node1 10.0.0.11:80", "client 10.240.0.3:31706"),
            ],
            id="later NodePorts on one node each, in turns",
        ),
        pytest.param(
            [service("a", 31704, **SIX)],
            [slice_("a", family="IPv6")],
            ["node1 [fd00::9]:80", *EVERYWHERE_6],
            id="a Service of IPv6 in IPv6",
        ),
        pytest.param(
            [service("a", 31704, **DUAL)],
            [slice_("a"), slice_("a", family="IPv6")],
            ["node1 10.0.0.9:80", *EVERYWHERE, "node1 [fd00::9]:80", *EVERYWHERE_6],
            id="a Service of both families in both",
        ),
        pytest.param(
            [service("a", cluster_ips=())], [slice_("a")], [], id="nothing of a headless Service"
        ),
        pytest.param(
            [service("a", ports=(ServicePort(port=53, target_port=53, protocol=Protocol.UDP),))],
            [slice_("a")],
            [],
            id="nothing over UDP, which need not answer",
        ),
    ],
)
def test_what_the_rules_promise_must_be_answered(
    services: list[Service], slices: list[EndpointSlice], calls: list[str]
):
    promised, unpromised = found(services, slices)
    assert sorted(f"{one.caller} {one.target}" for one in promised) == sorted(calls)
    assert unpromised == []


NAMED = ServicePort(name="sql", port=80, target_port=5432)


@pytest.mark.parametrize(
    ("a_service", "slices", "why"),
    [
        pytest.param(service("a"), [], "it has no endpoints", id="no endpoint"),
        pytest.param(
            service("a"), [slice_("b")], "it has no endpoints", id="the endpoint of another Service"
        ),
        pytest.param(
            service("a"),
            [
                slice_(
                    "a",
                    endpoints=(Endpoint(addresses=(ip_address("10.244.2.9"),), ready=False),),
                )
            ],
            "its only endpoint is not ready",
            id="no ready endpoint",
        ),
        pytest.param(
            service("a", ports=(ServicePort(port=80, target_port="web"),)),
            [slice_("a", ports=())],
            "no container of its pods has a port named web",
            id="a named port that no container has",
        ),
        pytest.param(
            service("a", ports=(NAMED,)),
            [slice_("a")],
            "no EndpointSlice of it has a port named sql",
            id="slices whose port has another name",
        ),
        pytest.param(
            service("a"),
            [slice_("a", address="198.51.100.79")],
            "its endpoint 198.51.100.79:8080 is outside this lab",
            id="an endpoint outside the lab",
        ),
        pytest.param(
            service("a", internal_traffic_policy="Local"),
            [slice_("a", node="elsewhere")],
            "internalTrafficPolicy is Local, and no endpoint of it is on node1",
            id="internalTrafficPolicy Local and no endpoint on any node",
        ),
    ],
)
def test_what_no_rule_makes_answer_is_said_with_its_cause(
    a_service: Service, slices: list[EndpointSlice], why: str
):
    promised, unpromised = found([a_service], slices)
    assert promised == []
    assert list(map(str, unpromised)) == [f"Service default/a at 10.0.0.9:80: {why}"]


def test_node_ports_that_no_address_answers_are_said():
    configuration = replace(CONFIGURATION, node_port_addresses=(ip_network("192.0.2.0/24"),))
    promised, (left_out,) = found([service("a", 31704)], [slice_("a")], configuration=configuration)
    assert [call.caller for call in promised] == ["node1"]
    assert str(left_out) == (
        "Service default/a at 10.240.0.1:31704: nodePortAddresses leaves out 10.240.0.1"
    )


def test_local_without_a_pod_on_any_node_is_said_of_the_node_port_alone():
    local = service("a", 31704, external_traffic_policy="Local")
    promised, (left_out,) = found([local], [slice_("a", node="elsewhere")])
    assert [str(call.target) for call in promised] == ["10.0.0.9:80"]
    assert left_out.why == "externalTrafficPolicy is Local, and no endpoint of it is on node1"


def test_without_a_client_nobody_calls_a_node_port():
    promised, _ = found([service("a", 31704)], [slice_("a")], [POD, *NODES])
    assert [call.caller for call in promised] == ["node1"]


def test_without_a_node_there_is_nothing_to_call():
    assert found([service("a")], [slice_("a")], [CLIENT]) == ([], [])


def test_a_call_says_what_it_is():
    (call,), _ = found([service("a")], [slice_("a")])
    assert str(call) == "Service default/a at 10.0.0.9:80, called from node1"
