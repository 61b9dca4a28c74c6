"""What is expected of a call, worked out from the pod that the call reached."""

from dataclasses import replace
from ipaddress import ip_address

import pytest

from netlab.client.cluster import Backend, ServicePort
from netlab.lab.demo.assertions import Assertions
from netlab.model.hosts import Host, HostKind
from netlab.model.names import NetnsName
from netlab.model.packets import AddressPair, AddrPort, Direction
from netlab.sources.packet_key import PacketKey
from netlab.trace.outcomes import Outcome, Result
from netlab.trace.packet import Packet, RuleHit, Verdict, Visit
from netlab.trace.packet import Result as End
from netlab.trace.paths import Hop, Way
from netlab.trace.session.exchange import Call, target_at
from netlab.trace.trace import Trace


def host(name: str, kind: HostKind, address: str, node: str | None = None) -> Host:
    netns = NetnsName(f"netlab-default-{name}")
    return Host(name=name, kind=kind, netns=netns, addresses=(ip_address(address),), node=node)


CLIENT = host("client", HostKind.CLIENT, "198.51.100.79")
NODES = (
    host("node1", HostKind.NODE, "10.240.0.3"),
    host("node2", HostKind.NODE, "10.240.0.4"),
)
WEB = host("web", HostKind.POD, "10.244.1.2", "node1")
CALLER = host("caller-node2", HostKind.POD, "10.244.2.2", "node2")

PORT = ServicePort(
    namespace="default",
    name="nodeport",
    port_name="",
    cluster_ip=ip_address("10.0.55.247"),
    port=80,
    node_port=31704,
    policy="Cluster",
    backends=(Backend(address=WEB.addresses[0], port=8080, node="node1"),),
)
DROP = RuleHit(table="filter", chain="KUBE-EXTERNAL-SERVICES", index=1, verdict="DROP")
CLUSTER_IP = AddrPort(PORT.cluster_ip, 80)


def node_port(node: Host) -> AddrPort:
    return AddrPort(node.addresses[0], 31704)


def assertions(policy: str = "Cluster", lab: str = "default") -> Assertions:
    return Assertions(
        lab=lab,
        port=replace(PORT, policy=policy),
        nodes=NODES,
        pods=(WEB, CALLER),
        gateways={"node1": [ip_address("10.244.1.1")], "node2": [ip_address("10.244.2.1")]},
    )


def call(caller: Host, target: AddrPort) -> Call:
    return Call(caller=caller, target=target_at(target))


def traced(caller: Host, target: AddrPort, last: str, by: RuleHit | None = None) -> Trace:
    """Return a trace of a request that ended in ``last``."""
    pair = AddressPair(AddrPort(caller.addresses[0], 40000), target)
    hop = Hop(time_ns=0, host=last, ifname="eth0", direction=Direction.IN, pair=pair)
    end = End.DROPPED if by else End.DELIVERED
    verdict = Verdict(result=end, host=last, by=by, words=f"{end} on {last}")
    packet = Packet(
        number=1,
        way=Way.REQUEST,
        attempt=1,
        kind="SYN",
        key=PacketKey("tcp", 1, 0, (1, 0, 2, 0)),
        time_ns=0,
        visits=(Visit(host=last, hops=(hop,), steps=()),),
        verdict=verdict,
    )
    return Trace(
        lab="default",
        started="",
        caller=caller.name,
        target="",
        protocol="tcp",
        pair=pair,
        service="",
        outcome="",
        packets=(packet,) if last else (),
        nat=(),
        verdict=verdict,
        names={},
        sources=(),
    )


def outcome(caller: Host, target: AddrPort, seen: str | None) -> Outcome:
    return Outcome(
        caller=caller.name,
        target=target,
        result=Result.ANSWERED if seen else Result.TIMEOUT,
        client_address=ip_address(seen) if seen else None,
    )


@pytest.mark.parametrize(
    ("policy", "caller", "target", "expected"),
    [
        pytest.param(
            "Cluster", CALLER, CLUSTER_IP, "10.244.2.2", id="a pod keeps its address to a ClusterIP"
        ),
        pytest.param(
            "Cluster",
            NODES[0],
            CLUSTER_IP,
            "10.244.1.1",
            id="the pod's node is the gateway",
        ),
        pytest.param(
            "Cluster",
            NODES[1],
            CLUSTER_IP,
            "10.240.0.4",
            id="another node is its InternalIP",
        ),
        pytest.param(
            "Cluster", CLIENT, node_port(NODES[0]), "10.244.1.1", id="NodePort on the pod's node"
        ),
        pytest.param(
            "Cluster", CLIENT, node_port(NODES[1]), "10.240.0.4", id="NodePort on another node"
        ),
        pytest.param(
            "Local", CLIENT, node_port(NODES[0]), "198.51.100.79", id="Local keeps the client"
        ),
    ],
)
def test_the_address_the_pod_must_see(policy: str, caller: Host, target: AddrPort, expected: str):
    made, reached = call(caller, target), traced(caller, target, "web")

    right = assertions(policy).step(made, outcome(caller, target, expected), reached)
    assert right.holds
    assert expected in right.statement
    assert right.kernel == f"client_address={expected}"

    assert not assertions(policy).step(made, outcome(caller, target, "192.0.2.1"), reached).holds
    assert not assertions(policy).step(made, outcome(caller, target, None), reached).holds


@pytest.mark.parametrize(
    ("caller", "said_by"),
    [
        pytest.param(CALLER, "document", id="the tutorial speaks of pods"),
        pytest.param(NODES[0], "netlab", id="and not of a node's own process"),
    ],
)
def test_the_document_is_given_its_own_words_only(caller: Host, said_by: str):
    step = assertions().step(
        call(caller, CLUSTER_IP),
        outcome(caller, CLUSTER_IP, None),
        traced(caller, CLUSTER_IP, "web"),
    )
    assert step.said_by == said_by


def test_a_pod_that_reaches_itself_is_masqueraded_by_the_gateway_of_its_node():
    made, reached = call(WEB, CLUSTER_IP), traced(WEB, CLUSTER_IP, "web")

    step = assertions().step(made, outcome(WEB, CLUSTER_IP, "10.244.1.1"), reached)

    assert (step.holds, step.said_by) == (True, "netlab")
    assert "a pod that reaches itself is masqueraded" in step.statement


def test_an_answer_whose_packets_were_not_seen_proves_nothing():
    target = node_port(NODES[1])
    step = assertions().step(
        call(CLIENT, target), outcome(CLIENT, target, "10.240.0.4"), traced(CLIENT, target, "")
    )
    assert not step.holds


@pytest.mark.parametrize(
    ("seen", "last", "by", "holds"),
    [
        pytest.param(None, "node2", DROP, True, id="silence, and the rule that dropped it"),
        pytest.param(None, "node2", None, False, id="no rule dropped it"),
        pytest.param(None, "router", DROP, False, id="the packet never reached the node"),
        pytest.param("10.240.0.4", "node2", DROP, False, id="an answer came"),
    ],
)
def test_a_drop_needs_all_its_evidence(
    seen: str | None, last: str, by: RuleHit | None, holds: bool
):
    target = node_port(NODES[1])
    step = assertions("Local").step(
        call(CLIENT, target), outcome(CLIENT, target, seen), traced(CLIENT, target, last, by)
    )
    assert step.holds is holds
    assert step.kernel.endswith(f" on {last}")


def test_the_command_names_the_lab_unless_it_is_the_default():
    target = node_port(NODES[1])
    commands = [
        assertions(lab=lab)
        .step(call(CLIENT, target), outcome(CLIENT, target, None), traced(CLIENT, target, "web"))
        .command
        for lab in ("default", "blue")
    ]
    assert commands == [
        "sudo netlab exec client -- curl -s http://10.240.0.4:31704",
        "sudo netlab exec --lab blue client -- curl -s http://10.240.0.4:31704",
    ]
