"""Which calls must be answered before a lab counts as up."""

from ipaddress import ip_address

import pytest

from netlab.kube.objects import Object
from netlab.lab.up_check import required_calls, unanswered
from netlab.model.hosts import Host, HostKind
from netlab.model.names import NetnsName


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


def service(name: str, node_port: int = 0, **spec: object) -> Object:
    port: Object = {"port": 80, "protocol": "TCP"}
    if node_port:
        port["nodePort"] = node_port
    return {
        "metadata": {"name": name, "namespace": "default"},
        "spec": {"clusterIP": "10.0.0.9", "ports": [port], **spec},
    }


def slice_(
    name: str, node: str = "node2", *, ready: bool | None = True, family: str = "IPv4"
) -> Object:
    return {
        "addressType": family,
        "metadata": {
            "name": f"{name}-x",
            "namespace": "default",
            "labels": {"kubernetes.io/service-name": name},
        },
        "endpoints": [{"conditions": {} if ready is None else {"ready": ready}, "nodeName": node}],
    }


EVERYWHERE = [f"client 10.240.0.{n}:31704" for n in (1, 2, 3)]
EVERYWHERE_6 = [f"client [fd00:10:240::{n}]:31704" for n in (1, 2, 3)]
DUAL = {"clusterIPs": ["10.0.0.9", "fd00::9"]}


@pytest.mark.parametrize(
    ("services", "slices", "calls"),
    [
        pytest.param([], [], [], id="nothing when there is no Service"),
        pytest.param(
            [service("a")], [], [], id="nothing of a Service that no endpoint stands behind"
        ),
        pytest.param(
            [service("a")],
            [slice_("a", ready=False)],
            [],
            id="nothing of a Service whose endpoint is not ready",
        ),
        pytest.param(
            [service("a")],
            [slice_("a", ready=None)],
            ["node1 10.0.0.9:80"],
            id="an endpoint that does not say whether it is ready is",
        ),
        pytest.param(
            [service("a")], [slice_("b")], [], id="an endpoint is its own Service's alone"
        ),
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
            [service("a", 31704, externalTrafficPolicy="Local")],
            [slice_("a")],
            ["node1 10.0.0.9:80", "client 10.240.0.2:31704"],
            id="under policy Local on the nodes with an endpoint",
        ),
        pytest.param(
            [service("a", 31704), service("b", 31705), service("c", 31706)],
            [slice_("a"), slice_("b"), slice_("c")],
            [
                *("node1 10.0.0.9:80", *EVERYWHERE),
                *("node1 10.0.0.9:80", "client 10.240.0.2:31705"),
                *("node1 10.0.0.9:80", "client 10.240.0.3:31706"),
            ],
            id="later NodePorts on one node each, in turns",
        ),
        pytest.param(
            [service("a", 31704, clusterIP="fd00::9")],
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
            [service("a", 31704, externalTrafficPolicy="Local", **DUAL)],
            [slice_("a", family="IPv6")],
            ["node1 [fd00::9]:80", "client [fd00:10:240::2]:31704"],
            id="only in the family that has an endpoint",
        ),
        pytest.param(
            [service("a", clusterIP="None")], [slice_("a")], [], id="nothing of a headless Service"
        ),
        pytest.param(
            [service("a", ports=[{"port": 53, "protocol": "UDP"}])],
            [slice_("a")],
            [],
            id="nothing over UDP, which need not answer",
        ),
    ],
)
def test_what_must_be_answered(services: list[Object], slices: list[Object], calls: list[str]):
    found = required_calls([CLIENT, ROUTER, *NODES], services, slices)
    assert [f"{call.caller} {call.target}" for call in found] == calls


def test_without_a_client_nobody_calls_a_node_port():
    found = required_calls(NODES, [service("a", 31704)], [slice_("a")])
    assert [call.caller for call in found] == ["node1"]


def test_without_a_node_there_is_nothing_to_call():
    assert required_calls([CLIENT], [service("a")], [slice_("a")]) == []


def test_a_call_says_what_it_is():
    (call,) = required_calls(NODES, [service("a")], [slice_("a")])
    assert str(call) == "Service default/a at 10.0.0.9:80, called from node1"


def test_no_call_needs_no_time():
    assert unanswered([], 60) == []
