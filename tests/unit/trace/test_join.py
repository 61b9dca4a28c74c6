"""Packets out of captures, rule traces and entries."""

from dataclasses import replace

import pytest

from netlab.model.packets import Nat
from netlab.sources.conntrack_entries import ConntrackEntry
from netlab.sources.packet_key import PacketKey, kind_of
from netlab.trace.join import join
from netlab.trace.packet import Result, Rewritten, Routed, RuleHit
from netlab.trace.paths import Way
from tests.unit.trace_samples import (
    BEHIND,
    ENTRY,
    SOCKET,
    SYN,
    SYN_ACK,
    SYN_AGAIN,
    back,
    delivered,
    drop_walk,
    dropped,
    evidence,
    hit,
    nodeport_walk,
    pair,
    point,
    seen,
    there,
)


def test_a_request_and_its_reply_are_told_apart_and_put_in_order():
    request, reply = delivered().packets

    assert (request.way, request.kind, request.hosts()) == (
        Way.REQUEST,
        "SYN",
        ["client", "node2", "web"],
    )
    assert (reply.way, reply.kind, reply.hosts()) == (
        Way.REPLY,
        "SYN-ACK",
        ["web", "node2", "client"],
    )


def test_each_rewrite_names_the_rule_that_asked_for_it():
    request = delivered().packets[0]

    found = [(host, step) for host, step in request.steps() if isinstance(step, Rewritten)]
    assert [(host, step.kind, step.by.chain) for host, step in found] == [
        ("node2", Nat.DNAT, "KUBE-SEP-AAAA"),
        ("node2", Nat.SNAT, "POSTROUTING"),
    ]


@pytest.mark.parametrize(
    ("books", "rules", "cause"),
    [
        pytest.param({"node2": {}}, [], "conntrack", id="a later packet of the connection"),
        pytest.param({}, [], "a rule that was not traced", id="rules of iptables-legacy"),
        pytest.param(
            {"node2": {}},
            [hit("node2", "PREROUTING", 99, "ACCEPT")],
            "a rule that was not traced",
            id="a rule without a text",
        ),
    ],
)
def test_without_a_known_rule_only_a_later_packet_is_laid_to_conntrack(
    books: dict, rules: list, cause: str
):
    begin, *rest = [message for message in nodeport_walk() if message.is_point]
    found = evidence(there(SYN), [begin, *rules, *rest])
    knowledge = replace(found.knowledge, books=books)

    [packet] = join(replace(found, knowledge=knowledge), SOCKET)

    causes = {step.cause() for _, step in packet.steps() if isinstance(step, Rewritten)}
    assert causes == {cause}


def test_a_rule_is_shown_with_its_number_text_service_and_endpoint():
    steps = [step for _, step in delivered().packets[0].steps() if isinstance(step, RuleHit)]

    assert [(step.chain, step.index) for step in steps[:3]] == [
        ("PREROUTING", 1),
        ("KUBE-NODEPORTS", 1),
        ("KUBE-SEP-AAAA", 1),
    ]
    assert steps[2].service == "default/web:http"
    assert steps[2].endpoint == "10.244.1.2:8080"


def test_the_route_is_asked_for_behind_dnat_and_held_against_what_was_seen():
    [route] = [step for _, step in delivered().packets[0].steps() if isinstance(step, Routed)]

    assert (route.destination, route.via, route.observed) == ("10.244.1.2", "10.240.0.3", "eth0")


def test_the_entry_stands_with_the_rewrites():
    [entry] = [s for _, s in delivered().packets[0].steps() if isinstance(s, ConntrackEntry)]

    assert entry is ENTRY


def test_packets_of_another_connection_are_left_out():
    other = pair("client:40001>node2:30080")
    noise = [seen(SYN_AGAIN, 5, "client eth0 out", other)]

    packets = join(evidence([*there(SYN), *noise], nodeport_walk()), SOCKET)

    assert [packet.key for packet in packets] == [SYN]


def test_the_rule_trace_alone_joins_both_sides_of_a_nat():
    packets = join(evidence([*there(SYN), *back(SYN_ACK, 100)], nodeport_walk()), SOCKET)

    assert [packet.way for packet in packets] == [Way.REQUEST, Way.REPLY]


def test_the_entry_alone_joins_both_sides_of_a_nat():
    packets = join(evidence([*there(SYN), *back(SYN_ACK, 100)], [], ENTRY), SOCKET)

    assert [packet.way for packet in packets] == [Way.REQUEST, Way.REPLY]


def test_a_dropped_packet_ends_at_its_rule_and_its_retry_is_another_attempt():
    first, second = dropped().packets

    assert (first.attempt, second.attempt) == (1, 2)
    for packet in (first, second):
        assert packet.verdict.result is Result.DROPPED
        assert packet.verdict.words == "dropped on node2 by filter INPUT #1"


def test_a_packet_that_stops_between_points_is_lost_there():
    stopped = drop_walk()[:2]

    [packet] = join(evidence(there(SYN)[:2], stopped), SOCKET)

    assert packet.verdict.result is Result.LOST
    assert packet.visits[-1].stopped_at == "pre_dnat"


def test_a_packet_that_no_wire_saw_is_known_from_its_rules():
    local = [
        point("client", "out_first", SYN, SOCKET, ifname_out="eth0"),
        hit("client", "OUTPUT", 99, "DROP", table="filter"),
    ]

    [packet] = join(evidence([], local), SOCKET)

    assert packet.hosts() == ["client"]
    assert packet.verdict.words == "dropped on client by filter OUTPUT (handle 99)"


def test_hosts_that_only_heard_a_bridge_flood_are_left_out():
    flood = seen(SYN, 15, "web eth0 in", SOCKET, flooded=True)

    [packet] = join(evidence([*there(SYN), flood], nodeport_walk()), SOCKET)

    assert packet.hosts() == ["client", "node2", "web"]


def test_a_number_used_again_begins_another_walk():
    messages = [*nodeport_walk(), *nodeport_walk(SYN_AGAIN)]

    packets = join(evidence([*there(SYN), *there(SYN_AGAIN, 9000)], messages), SOCKET)

    for packet in packets:
        assert [p for _, p in packet.steps() if isinstance(p, Rewritten)][-1].after == BEHIND.source


@pytest.mark.parametrize(
    ("key", "kind"),
    [
        pytest.param(PacketKey("tcp", 1, 0, (1, 0, 0x02)), "SYN", id="a SYN"),
        pytest.param(PacketKey("tcp", 1, 0, (1, 1, 0x12)), "SYN-ACK", id="a SYN-ACK"),
        pytest.param(PacketKey("tcp", 1, 9, (1, 1, 0x18)), "data", id="data"),
        pytest.param(PacketKey("tcp", 1, 0, (1, 1, 0x14)), "RST", id="a RST"),
        pytest.param(PacketKey("udp", 1, 0, (1,)), "UDP", id="a datagram"),
        pytest.param(PacketKey("icmp", 1, 8, (8, 0, 1)), "echo request", id="a ping"),
        pytest.param(PacketKey("icmp", 1, 8, (5, 0, 1)), "ICMP redirect", id="other ICMP"),
        pytest.param(PacketKey("icmp", 1, 8, (3, 0, 1)), "ICMP net unreachable", id="ICMP 3"),
        pytest.param(PacketKey("icmpv6", 1, 8, (3, 0, 1)), "ICMPv6 time exceeded", id="ICMPv6"),
        pytest.param(PacketKey("icmpv6", 1, 8, (129, 0, 1)), "echo reply", id="a pong of IPv6"),
        pytest.param(PacketKey("icmpv6", 1, 8, (2, 0, 1)), "ICMPv6 packet too big", id="too big"),
        pytest.param(PacketKey("icmpv6", 1, 8, (100, 0, 1)), "ICMPv6 type 100", id="other ICMPv6"),
    ],
)
def test_a_packet_is_called_what_its_protocol_calls_it(key: PacketKey, kind: str):
    assert kind_of(key) == kind
