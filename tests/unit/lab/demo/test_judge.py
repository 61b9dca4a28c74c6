"""What the tutorial says of a call, worked out from the pod that the call reached."""

from dataclasses import replace
from ipaddress import ip_address

import pytest

from netlab.client.cluster import Backend, ServicePort
from netlab.lab.demo.judge import Judge
from netlab.lab.demo.node_rules import DropRule
from netlab.model.hosts import Host, HostKind
from netlab.model.names import NetnsName
from netlab.model.packets import AddressPair, AddrPort, Direction
from netlab.trace.outcomes import Outcome, Result
from netlab.trace.paths import Attempt, Connection, Fate, Flow, Hop, Path, Way
from netlab.trace.session.calls import Call


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
RULE = "-A KUBE-EXTERNAL-SERVICES ... -j DROP"
CLUSTER_IP = AddrPort(PORT.cluster_ip, 80)


def drop_rule(packets: int | None) -> DropRule:
    return DropRule(text=RULE, packets=packets, command="iptables-save -c")


def node_port(node: Host) -> AddrPort:
    return AddrPort(node.addresses[0], 31704)


def judge(
    policy: str = "Cluster", drops: tuple[int | None, ...] = (0, 2), lab: str = "default"
) -> Judge:
    return Judge(
        lab=lab,
        port=replace(PORT, policy=policy),
        nodes=NODES,
        pods=(WEB, CALLER),
        gateways={"node1": [ip_address("10.244.1.1")], "node2": [ip_address("10.244.2.1")]},
        before={"node1": None, "node2": drop_rule(drops[0])},
        after={"node1": None, "node2": drop_rule(drops[1])},
    )


def connection(caller: Host, target: AddrPort, last: str, fate: Fate) -> Connection:
    pair = AddressPair(AddrPort(caller.addresses[0], 40000), target)
    hop = Hop(time_ns=0, host=last, ifname="eth0", direction=Direction.IN, pair=pair)
    request = Path(way=Way.REQUEST, flags="S", hops=(hop,), sent_as=pair, taken_as=pair)
    attempt = Attempt(request=request, reply=None, fate=fate)
    flow = Flow(host=caller.name, pair=pair)
    return Connection(flow=flow, attempts=(attempt,), paths=(request,))


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
    call = Call(caller=caller, target=target)
    reached = connection(caller, target, "web", Fate.ANSWERED)

    right = judge(policy).finding(call, outcome(caller, target, expected), reached)
    assert right.holds
    assert expected in right.document
    assert right.kernel == f"client_address={expected}"

    assert not judge(policy).finding(call, outcome(caller, target, "192.0.2.1"), reached).holds
    assert not judge(policy).finding(call, outcome(caller, target, None), reached).holds


def test_an_answer_whose_packets_were_not_seen_proves_nothing():
    call = Call(caller=CLIENT, target=node_port(NODES[1]))
    assert not judge().finding(call, outcome(CLIENT, call.target, "10.240.0.4"), None).holds


@pytest.mark.parametrize(
    ("seen", "last", "drops", "holds"),
    [
        pytest.param(None, "node2", (0, 2), True, id="silence, a last observation and a count"),
        pytest.param(None, "node2", (2, 2), False, id="the rule counted nothing"),
        pytest.param(None, "router", (0, 2), False, id="the packet never reached the node"),
        pytest.param("10.240.0.4", "node2", (0, 2), False, id="an answer came"),
    ],
)
def test_a_drop_needs_all_its_evidence(
    seen: str | None, last: str, drops: tuple[int, int], holds: bool
):
    call = Call(caller=CLIENT, target=node_port(NODES[1]))
    lost = connection(CLIENT, call.target, last, Fate.REQUEST_LOST)
    finding = judge("Local", drops).finding(call, outcome(CLIENT, call.target, seen), lost)
    assert finding.holds is holds
    assert f"packets {drops[0]} -> {drops[1]} at {RULE}" in finding.evidence[0]


def test_a_drop_that_nothing_counts_needs_the_rule_to_be_there():
    call = Call(caller=CLIENT, target=node_port(NODES[1]))
    lost = connection(CLIENT, call.target, "node2", Fate.REQUEST_LOST)
    finding = judge("Local", (None, None)).finding(call, outcome(CLIENT, call.target, None), lost)
    assert finding.holds
    assert finding.evidence == (f"node2 iptables-save -c: {RULE} (it counts no packets)",)


def test_the_command_names_the_lab_unless_it_is_the_default():
    call = Call(caller=CLIENT, target=node_port(NODES[1]))
    commands = [
        judge(lab=lab).finding(call, outcome(CLIENT, call.target, None), None).command
        for lab in ("default", "blue")
    ]
    assert commands == [
        "sudo netlab exec client -- curl -s http://10.240.0.4:31704",
        "sudo netlab exec --lab blue client -- curl -s http://10.240.0.4:31704",
    ]
