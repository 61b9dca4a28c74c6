"""What stands behind an end, from the packet's own steps and what hosts hold."""

from collections.abc import Mapping
from dataclasses import replace
from ipaddress import ip_address, ip_network

import pytest

from netlab.client.cluster import Backend, ServicePort
from netlab.model.hosts import Host, HostKind
from netlab.model.names import NetnsName
from netlab.model.packets import AddressPair, AddrPort, Direction, Nat
from netlab.sources.host_state import UNKNOWN, HostState, Link, Listening
from netlab.sources.packet_key import PacketKey
from netlab.trace.causes import explained
from netlab.trace.delivery_causes import odd_delivery
from netlab.trace.outcomes import Result as Heard
from netlab.trace.packet import (
    Packet,
    Point,
    Reason,
    Result,
    Rewritten,
    Routed,
    RuleHit,
    Step,
    Verdict,
    Visit,
)
from netlab.trace.paths import Hop, Way
from netlab.trace.question import Question
from netlab.trace.reply_causes import refused

CLIENT, NODE1, NODE2, LB = "198.51.100.79", "10.240.0.3", "10.240.0.4", "10.240.0.2"
WEB, OTHER = "10.244.1.2", "10.244.1.3"
KINDS = {
    "client": (HostKind.CLIENT, CLIENT),
    "router": (HostKind.ROUTER, "10.240.0.1"),
    "lb": (HostKind.LB, LB),
    "node1": (HostKind.NODE, NODE1),
    "node2": (HostKind.NODE, NODE2),
    "web": (HostKind.POD, WEB),
    "other": (HostKind.POD, OTHER),
}
HOSTS = {
    name: Host(
        name=name, kind=kind, netns=NetnsName(f"netlab-x-{name}"), addresses=(ip_address(address),)
    )
    for name, (kind, address) in KINDS.items()
}
PORT = ServicePort(
    namespace="default",
    name="web",
    port_name="",
    cluster_ip=ip_address("10.0.0.80"),
    port=80,
    node_port=30100,
    policy="Cluster",
    backends=(Backend(address=ip_address(WEB), port=8080, node="node1"),),
)


def end(text: str) -> AddrPort:
    address, _, port = text.partition(":")
    return AddrPort(ip_address(address), int(port or 0))


CALLED = AddressPair(end(f"{CLIENT}:40000"), end(f"{NODE2}:30100"))
BEHIND = AddressPair(end(f"{NODE2}:40000"), end(f"{WEB}:8080"))
DNAT = Rewritten(
    kind=Nat.DNAT, before=CALLED.destination, after=BEHIND.destination, seen_at="", by=None
)


def visit(host: str, *steps: Step, pair: AddressPair = CALLED, ifname: str = "eth0") -> Visit:
    hop = Hop(
        time_ns=0, host=host, ifname=ifname, direction=Direction.IN, pair=pair, for_another=False
    )
    return Visit(host=host, hops=(hop,), steps=steps)


def packet(*visits: Visit, protocol: str = "tcp", length: int = 0, attempt: int = 1) -> Packet:
    last = visits[-1].host
    return Packet(
        number=1,
        way=Way.REQUEST,
        attempt=attempt,
        kind="SYN",
        key=PacketKey(protocol, 1, length, ()),
        time_ns=0,
        visits=visits,
        verdict=Verdict(result=Result.DELIVERED, host=last),
    )


def question(states: Mapping[str, HostState] = {}, missing: tuple[str, ...] = ()) -> Question:
    return Question(
        lab="default",
        caller="client",
        scheme="http",
        pair=CALLED,
        heard=Heard.TIMEOUT,
        hosts=HOSTS,
        ports=(PORT,),
        pod_networks={"node1": (ip_network("10.244.1.0/24"),)},
        state=lambda host: states.get(host, UNKNOWN),
        missing_rules=lambda _: missing,
    )


def link(index: int = 2, peer: int = 0, mtu: int = 1460, mac: str = "", **rest: bool) -> Link:
    return Link(index=index, peer=peer, mtu=mtu, mac=mac, **rest)


def dropped(found: Packet, cause: str, asked: Question, ifname: str = "eth0") -> Verdict:
    host = found.visits[-1].host
    reason = Reason(code="NOT_SPECIFIED", host=host, ifname=ifname, cause=cause)
    verdict = Verdict(result=Result.DROPPED, host=host, ifname=ifname, reason=reason, words="x")
    return explained(verdict, found, asked)


def rule(table: str, chain: str, target: str, *, text: str = "", verdict: str = "") -> RuleHit:
    return RuleHit(
        table=table, chain=chain, index=1, handle=1, text=text, target=target, verdict=verdict
    )


@pytest.mark.parametrize(
    ("state", "why"),
    [
        pytest.param(
            HostState(tracked=1000, most_tracked=1000),
            "the table of connection tracking on node2 is full (1000 entries of 1000)",
            id="no room for an entry",
        ),
        pytest.param(
            HostState(tracked=1, most_tracked=1000, tables=("bridge mine",)),
            "a rule at a hook below did, in table bridge mine of node2",
            id="a table at the bridge",
        ),
        pytest.param(
            HostState(tables=("mine",)),
            "a hook that the rule trace does not tell of refused it",
            id="a table whose rules are traced is not blamed",
        ),
    ],
)
def test_a_drop_of_netfilters_without_a_rule_has_a_cause(state: HostState, why: str):
    told = dropped(packet(visit("node2")), "NETFILTER_DROP", question({"node2": state}))
    assert why in told.why


@pytest.mark.parametrize(
    ("policy", "backends", "why"),
    [
        pytest.param(
            "Cluster",
            PORT.backends,
            "no node passes the health check of the load balancer for Service default/web",
            id="nodes that are not well",
        ),
        pytest.param(
            "Local",
            (),
            "no node passes the health check of the load balancer for Service default/web: under"
            " externalTrafficPolicy Local a node does while a pod of the Service that is ready"
            " runs there, and no node has one",
            id="no pods",
        ),
    ],
)
def test_a_balancer_that_has_nobody_to_send_to_says_so(
    policy: str, backends: tuple[Backend, ...], why: str
):
    vip = ip_address("203.0.113.1")
    port = replace(PORT, policy=policy, backends=backends, balancer_addresses=(vip,))
    asked = replace(question(), ports=(port,))
    route = Routed(destination=str(vip), error="an unreachable route")
    found = packet(visit("client"), visit("lb", route))
    verdict = Verdict(result=Result.DROPPED, host="lb", by=route, words="x")
    assert explained(verdict, found, asked).why == why
    nobodys = explained(verdict, found, question()).why
    assert nobodys == "no Service has 203.0.113.1 as the address of its load balancer"


def test_a_packet_that_comes_back_to_its_sender_went_in_a_circle():
    to_router = Routed(destination=WEB, route="x", via="10.240.0.1", ifname="eth0")
    to_node2 = Routed(destination=WEB, route="x", via=NODE2, ifname="cloud0")
    circle = packet(visit("node2", DNAT, to_router), visit("router", to_node2), visit("node2"))

    assert "circle (node2 → router → node2): router sends" in (
        dropped(circle, "IP_LOCAL_SOURCE", question()).why
    )
    assert "circle" in dropped(circle, "TTL", question()).why


def test_a_rule_that_sets_the_ttl_is_named():
    ttl = rule("mangle", "PREROUTING", "TTL", text="-A PREROUTING -j TTL --ttl-set 1")
    told = dropped(packet(visit("node2", ttl)), "TTL", question())
    assert told.why.startswith("mangle PREROUTING #1 (-A PREROUTING -j TTL --ttl-set 1) on node2")
    assert told.hint.endswith("iptables -t mangle -nvL PREROUTING --line-numbers")


def test_a_source_that_no_wire_brings_is_told_with_who_put_it_in():
    snat = rule("nat", "POSTROUTING", "SNAT", text="-A POSTROUTING -j SNAT --to-source 127.0.0.5")
    step = Rewritten(
        kind=Nat.SNAT, before=CALLED.source, after=end("127.0.0.5:1"), seen_at="", by=snat
    )
    told = dropped(packet(visit("client", step), visit("router")), "IP_LOCALNET", question())
    assert "client had put 127.0.0.5 in as the source, by nat POSTROUTING #1" in told.why


@pytest.mark.parametrize(
    ("near", "far", "words"),
    [
        pytest.param(
            link(5, 2),
            link(2, 5, mtu=1280),
            "1428 bytes, larger than the MTU of eth0 of node2 (1280)",
            id="far end",
        ),
        pytest.param(
            link(5, 2, mtu=1280),
            link(2, 5),
            "1428 bytes, larger than the MTU of p-node2 (1280)",
            id="near end",
        ),
        pytest.param(
            link(5, 2), link(2, 5, is_up=False), "eth0 of node2 is down", id="far end down"
        ),
    ],
)
def test_a_link_that_does_not_take_a_packet_is_told_by_its_smaller_end(
    near: Link, far: Link, words: str
):
    way = Routed(destination=NODE2, route="10.240.0.0/24", ifname="cloud0")
    states = {"router": HostState(links={"p-node2": near}), "node2": HostState(links={"eth0": far})}
    large = packet(visit("client"), visit("router", way), protocol="udp", length=1400)

    told = dropped(large, "link", question(states), "p-node2")
    assert told.words == f"dropped on router: {words}"


def test_a_packet_that_may_not_be_cut_is_told_with_both_sizes():
    way = Routed(destination=NODE2, route="10.240.0.0/24", ifname="cloud0")
    states = {"router": HostState(links={"cloud0": link(mtu=1280)})}
    large = packet(visit("router", way), protocol="udp", length=1400)
    told = dropped(large, "PKT_TOO_BIG", question(states))
    assert told.why.startswith("its 1428 bytes are more than the MTU of cloud0 on router (1280)")


def test_silence_for_an_address_is_told_with_the_interface_that_does_not_answer():
    way = Routed(destination=WEB, route="x", ifname="veth-web")
    held = HostState(
        links={"eth0": link(asks_neighbours=False)}, addresses=frozenset({ip_address(WEB)})
    )
    states = {"web": held}
    told = dropped(packet(visit("node1", way)), "NEIGH_FAILED", question(states))
    assert "eth0 of web is set not to ask and not to answer" in told.why


@pytest.mark.parametrize(
    ("via", "states", "why"),
    [
        pytest.param(
            LB, {}, f"node2 sends {WEB} to {LB}, which is lb, though the pod runs on node1",
            id="wrong route",
        ),
        pytest.param(
            NODE1,
            {
                "node2": HostState(neighbours={NODE1: "02:01"}),
                "lb": HostState(links={"eth0": link(mac="02:01")}),
            },
            f"node2 has the MAC address of lb for {NODE1} (node1) in its table of neighbours",
            id="wrong neighbour",
        ),
        pytest.param(
            NODE1,
            {
                "node2": HostState(neighbours={NODE1: "02:01"}),
                "lb": HostState(
                    links={"eth0": link(mac="02:01")}, addresses=frozenset({ip_address(NODE1)})
                ),
            },
            f"node2 sent it to {NODE1} (node1), and lb took it: lb has that address too",
            id="one address twice",
        ),
    ],
)  # fmt: skip
def test_a_packet_that_another_host_took_is_told_by_who_sent_it_there(
    via: str, states: dict[str, HostState], why: str
):
    there = Routed(destination=WEB, route="x", via=via, ifname="eth0")
    astray = packet(
        visit("node2", DNAT, there),
        visit("lb", Routed(destination=WEB, route="default", ifname="eth0"), pair=BEHIND),
        visit("router", pair=BEHIND),
    )
    assert dropped(astray, "IP_INNOROUTES", question(states)).why == why


@pytest.mark.parametrize(
    ("found", "asked", "why"),
    [
        pytest.param(
            packet(visit("web", DNAT, pair=BEHIND)),
            question(
                {"web": HostState(listening=(Listening(
                    protocol="TCP", address=ip_address("127.0.0.1"), port=8080
                ),))}
            ),
            "a program there listens on port 8080 (targetPort of Service default/web), but at"
            f" 127.0.0.1 only, not at {WEB}",
            id="loopback only",
        ),
        pytest.param(
            packet(visit("node2", DNAT)),
            question(),
            f"{WEB} is an address of web; node2 has it too, and so took the packet for its own",
            id="one address twice",
        ),
        pytest.param(
            packet(visit("node2", rule("nat", "PREROUTING", "KUBE-SERVICES"))),
            question(missing=('-A KUBE-NODEPORTS --comment "default/web" -j KUBE-EXT-X',)),
            f"no rule there leads {NODE2}:30100 to Service default/web, whose NodePort that is:"
            ' node2 lacks -A KUBE-NODEPORTS --comment "default/web" -j KUBE-EXT-X',
            id="rule missing",
        ),
        pytest.param(
            packet(visit("node2", Point(name="in_last", ifname_in="", ifname_out="", mark=0))),
            question(),
            "an entry of connection tracking on node2, older than this packet, has no NAT for"
            f" {NODE2}:30100; only the first packet of a connection meets the nat rules, and so the"
            " rules of Service default/web were not asked",
            id="entry from before the Service",
        ),
        pytest.param(
            packet(visit("other", replace(
                DNAT, after=end(f"{OTHER}:8080"), is_repeated=True
            ))),
            question(),
            "an entry of connection tracking on other, older than this packet, still sends"
            f" {NODE2}:30100 to {OTHER}:8080, which is no endpoint of Service default/web any more",
            id="entry from before the endpoints",
        ),
    ],
)  # fmt: skip
def test_a_refusal_says_why_nothing_took_the_packet(found: Packet, asked: Question, why: str):
    told = refused(found, None, asked)
    assert told.why == f"the packet reached {found.visits[-1].host}, and {why}"


def test_a_node_port_of_no_service_is_named():
    asked = question()
    asked = replace(asked, pair=AddressPair(CALLED.source, end(f"{NODE2}:30999")))
    told = refused(packet(visit("node2", pair=asked.pair)), None, asked)
    assert "no Service has NodePort 30999" in told.why


@pytest.mark.parametrize(
    ("by", "why"),
    [
        pytest.param(rule("nat", "KUBE-POSTROUTING", "MASQUERADE"), "", id="kube-proxy's own"),
        pytest.param(
            rule("nat", "POSTROUTING", "MASQUERADE", text="-A POSTROUTING -j MASQUERADE"),
            "nat POSTROUTING #1 (-A POSTROUTING -j MASQUERADE) on node2 replaced the source, a rule"
            " that is neither kube-proxy's nor the CNI's",
            id="somebody else's",
        ),
    ],
)
def test_who_replaced_a_source_is_named_where_it_was_somebody_else(by: RuleHit, why: str):
    snat = Rewritten(kind=Nat.SNAT, before=CALLED.source, after=BEHIND.source, seen_at="", by=by)
    found = packet(visit("node2", snat), visit("web", pair=BEHIND))
    assert odd_delivery([found], found, question()).why == why


def test_an_attempt_that_was_lost_is_told_of_a_connection_that_was_made():
    lost = replace(
        packet(visit("node1")),
        verdict=Verdict(result=Result.DROPPED, host="node1", words="dropped on node1 by x"),
    )
    made = packet(visit("web", pair=BEHIND), attempt=2)
    assert odd_delivery([lost, made], made, question()).why == (
        "attempt 1 was dropped on node1 by x"
    )
