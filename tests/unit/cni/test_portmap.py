"""hostPorts of pods as rules."""

from ipaddress import ip_address, ip_network

import pytest

from netlab.cni.portmap import MappedPod, PortMapping, portmap_rules, portmap_ruleset
from netlab.kube.objects import Object
from netlab.model.addresses import Family
from netlab.model.names import NetnsFamily, NetnsName
from netlab.netfilter.iptables.canonical import normalise
from netlab.netfilter.iptables.parse import parse
from netlab.netfilter.iptables.render import render
from netlab.netfilter.iptables.rules import Ruleset
from netlab.netfilter.iptables.walk import Walker
from netlab.netfilter.verdicts import Packet
from tests.unit.topology_samples import topology_of

TOPOLOGY = topology_of("{nodes: 2}")

CHAIN = "CNI-DN-05a22eea7a48d46631a48"
REQUIRED = '-m comment --comment "CNI portfwd requiring masquerade"'
NAME = r'-m comment --comment "dnat name: \"netlab\" id: \"4711\""'
MARKED = '-m comment --comment "CNI portfwd masquerade mark"'
POD = MappedPod(
    uid="4711",
    address=ip_address("10.244.1.2"),
    network=ip_network("10.244.1.0/24"),
    ports=(PortMapping(protocol="tcp", host_port=9090, container_port=8080),),
)


def pod(ports: list[Object], node: str = "node1", **spec: object) -> Object:
    return {
        "kind": "Pod",
        "metadata": {"name": "web", "namespace": "default", "uid": "4711"},
        "spec": {"nodeName": node, "containers": [{"name": "c", "ports": ports}], **spec},
        "status": {"phase": "Running", "podIPs": [{"ip": "10.244.1.2"}]},
    }


def rules_of(*pods: Object) -> Ruleset:
    place = NetnsFamily(NetnsName("netlab-x-node1"), Family.IPV4)
    return portmap_rules("x", TOPOLOGY, pods)[place]


def test_the_rules_are_those_of_the_plugin():
    assert render(portmap_ruleset([POD], Family.IPV4)).splitlines() == [
        "*nat",
        ":PREROUTING ACCEPT [0:0]",
        ":OUTPUT ACCEPT [0:0]",
        ":POSTROUTING ACCEPT [0:0]",
        ":CNI-HOSTPORT-DNAT - [0:0]",
        ":CNI-HOSTPORT-SETMARK - [0:0]",
        ":CNI-HOSTPORT-MASQ - [0:0]",
        f":{CHAIN} - [0:0]",
        "-A PREROUTING -m addrtype --dst-type LOCAL -j CNI-HOSTPORT-DNAT",
        "-A OUTPUT -m addrtype --dst-type LOCAL -j CNI-HOSTPORT-DNAT",
        f"-A POSTROUTING {REQUIRED} -j CNI-HOSTPORT-MASQ",
        f"-A CNI-HOSTPORT-DNAT -p tcp {NAME} -m multiport --dports 9090 -j {CHAIN}",
        f"-A CNI-HOSTPORT-SETMARK {MARKED} -j MARK --set-xmark 0x2000/0x2000",
        "-A CNI-HOSTPORT-MASQ -m mark --mark 0x2000/0x2000 -j MASQUERADE",
        f"-A {CHAIN} -s 10.244.1.0/24 -p tcp -m tcp --dport 9090 -j CNI-HOSTPORT-SETMARK",
        f"-A {CHAIN} -s 127.0.0.1/32 -p tcp -m tcp --dport 9090 -j CNI-HOSTPORT-SETMARK",
        f"-A {CHAIN} -p tcp -m tcp --dport 9090 -j DNAT --to-destination 10.244.1.2:8080",
        "COMMIT",
    ]


def test_what_they_render_is_what_they_parse_to():
    ruleset = portmap_ruleset([POD], Family.IPV4)
    assert normalise(parse(render(ruleset), Family.IPV4)) == normalise(ruleset)


def test_without_a_pod_there_is_no_chain():
    assert portmap_ruleset([], Family.IPV4) == Ruleset(Family.IPV4, ())


@pytest.mark.parametrize(
    "one",
    [
        pytest.param(pod([{"containerPort": 80}]), id="no hostPort"),
        pytest.param(
            pod([{"containerPort": 80, "hostPort": 80}], hostNetwork=True), id="the host's network"
        ),
        pytest.param(pod([{"containerPort": 80, "hostPort": 80}], node="node2"), id="elsewhere"),
        pytest.param(
            {
                **pod([{"containerPort": 80, "hostPort": 80}]),
                "status": {"phase": "Succeeded", "podIPs": [{"ip": "10.244.1.2"}]},
            },
            id="it has ended",
        ),
        pytest.param(
            pod([{"containerPort": 80, "hostPort": 80, "hostIP": "fd00::1"}]),
            id="an address of the other family",
        ),
        pytest.param(
            {**pod([{"containerPort": 80, "hostPort": 80}]), "status": {}}, id="no address yet"
        ),
    ],
)
def test_a_pod_without_a_mapping_on_this_node_lays_nothing(one: Object):
    assert not rules_of(one).tables


@pytest.mark.parametrize(
    ("destination", "port", "reaches"),
    [("10.240.0.3", 9090, True), ("10.240.0.3", 9091, False), ("10.240.0.4", 9090, False)],
)
def test_a_packet_for_the_nodes_own_address_and_the_port_goes_to_the_pod(
    destination: str, port: int, reaches: bool
):
    packet = Packet(
        source=ip_address("198.51.100.79"),
        destination=ip_address(destination),
        protocol="TCP",
        source_port=4000,
        destination_port=port,
        in_interface="eth0",
    )
    ruleset = rules_of(pod([{"containerPort": 8080, "hostPort": 9090}]))
    outcomes = Walker(ruleset, [ip_address("10.240.0.3")]).walk(packet)
    ends = {f"{one.destination}:{one.destination_port}" for one in outcomes}
    assert (ends == {"10.244.1.2:8080"}) is reaches


def test_a_host_ip_narrows_it_and_ports_past_fifteen_have_another_rule():
    ports: list[Object] = [{"containerPort": 80, "hostPort": 9000 + n} for n in range(16)]
    ports.append({"containerPort": 81, "hostPort": 8000, "hostIP": "127.0.0.1"})
    text = render(rules_of(pod(ports)))
    assert text.count("-m multiport") == 2
    assert "-d 127.0.0.1/32 -p tcp -m tcp --dport 8000 -j DNAT" in text
