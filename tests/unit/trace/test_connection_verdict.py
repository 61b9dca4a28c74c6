"""The end of a connection in words."""

from dataclasses import replace

import pytest

from netlab.sources.drops import Drop
from netlab.sources.packet_key import PacketKey, rule_trace_key
from netlab.sources.routes import RouteAnswer, RouteQuestion
from netlab.sources.rule_trace_messages import Header
from netlab.trace.clues import Clues
from netlab.trace.connection_verdict import connection_verdict
from netlab.trace.join import join
from netlab.trace.outcomes import Result as Heard
from netlab.trace.packet import Packet, Result, RuleHit, Verdict
from tests.unit.predicted_samples import call
from tests.unit.trace_samples import (
    BEHIND,
    HALFWAY,
    HOSTS,
    RST,
    SOCKET,
    SYN,
    SYN_ACK,
    SYN_AGAIN,
    back,
    delivered,
    drop_walk,
    dropped,
    evidence,
    make_trace,
    nodeport_walk,
    point,
    question,
    seen,
    there,
)


def test_a_delivered_connection_names_where_it_went():
    assert delivered().verdict.words == "delivered to web"


def test_a_drop_under_policy_local_says_which_node_to_call():
    verdict = dropped().verdict

    assert verdict.result is Result.DROPPED
    assert "node2 has none of default/web:http; its pods run on node1" in verdict.why
    assert verdict.hint == "sudo netlab trace client http://node1:30080"


def test_a_reset_is_a_refusal_by_the_host_it_came_from():
    trace = make_trace([*there(SYN), *back(RST, 100)], nodeport_walk(), heard=Heard.REFUSED)

    assert (trace.verdict.result, trace.verdict.host) == (Result.REFUSED, "web")


def test_silence_of_a_reached_host_is_no_drop():
    trace = make_trace(there(SYN), nodeport_walk(), heard=Heard.TIMEOUT)

    assert (trace.verdict.result, trace.verdict.host) == (Result.UNANSWERED, "web")


def test_a_lost_reply_is_told_from_a_lost_request():
    lost = [*there(SYN), *back(SYN_ACK, 100)[:3]]
    trace = make_trace(lost, nodeport_walk(), heard=Heard.TIMEOUT)

    assert trace.verdict.result is Result.LOST
    assert trace.verdict.words.startswith("web answered, but the reply was seen leaving node2")


def test_an_answer_from_an_address_that_was_not_called_is_a_stranger():
    without_snat = [
        *there(SYN)[:2],
        seen(SYN, 40, "node2 eth0 out", HALFWAY),
        seen(SYN, 50, "web eth0 in", HALFWAY),
        seen(SYN_ACK, 110, "web eth0 out", HALFWAY.reversed()),
        seen(SYN_ACK, 150, "client eth0 in", HALFWAY.reversed()),
    ]

    trace = make_trace(without_snat, [], heard=Heard.TIMEOUT)

    assert trace.verdict.result is Result.STRANGE
    assert "came to client from 10.244.1.2:8080" in trace.verdict.words


def test_a_lost_reply_of_the_first_attempt_counts_when_the_caller_tries_again():
    """The server sends the same answer again, and so the second attempt has none of its own."""
    tries = [*there(SYN), *back(SYN_ACK, 100)[:2], *there(SYN_AGAIN, 1000)]

    verdict = make_trace(tries, nodeport_walk(), heard=Heard.TIMEOUT).verdict

    assert verdict.result is Result.LOST
    assert verdict.words.startswith("web answered, but the reply was")


def test_a_reply_that_another_host_took_has_gone_astray():
    astray = [
        *there(SYN),
        seen(SYN_ACK, 110, "web eth0 out", BEHIND.reversed()),
        seen(SYN_ACK, 120, "node2 eth0 in", BEHIND.reversed()),
    ]
    taken = [
        point("node2", "pre_wire", SYN_ACK, BEHIND.reversed(), ifname_in="eth0"),
        point("node2", "pre_dnat", SYN_ACK, BEHIND.reversed(), ifname_in="eth0"),
        point("node2", "in_last", SYN_ACK, BEHIND.reversed(), ifname_in="eth0"),
    ]

    verdict = make_trace(astray, [*nodeport_walk(), *taken], heard=Heard.TIMEOUT).verdict

    assert (verdict.result, verdict.host) == (Result.ASTRAY, "node2")
    assert verdict.words == "web answered, but the reply went to node2, not to client"
    assert verdict.why.startswith("node2 had put 10.240.0.4:7777 in as the source")


def test_a_silent_program_whose_host_has_no_way_back_is_told_apart():
    def nowhere(asked: RouteQuestion) -> RouteAnswer:
        return RouteAnswer(error="no route" if asked.host == "web" else "")

    packets = make_trace(there(SYN), nodeport_walk(), heard=Heard.TIMEOUT).packets
    verdict = connection_verdict(packets, replace(question(Heard.TIMEOUT), ask=nowhere))

    assert verdict.result is Result.UNANSWERED
    assert verdict.why.startswith("web has no route back to 10.240.0.4")


def test_without_a_route_nothing_was_sent():
    verdict = connection_verdict((), question(Heard.UNREACHABLE, "no route"))

    assert verdict.result is Result.UNSENT
    assert verdict.words == "client sent nothing: no route for 10.240.0.4"
    assert verdict.hint == "sudo netlab exec client -- ip route get 10.240.0.4"


def test_a_packet_that_routing_threw_away_has_the_kernels_reason():
    found = evidence(there(SYN)[:2], drop_walk()[:2])
    nowhere = replace(found.knowledge, ask=lambda _: RouteAnswer(error="a prohibit route"))

    packets = join(replace(found, knowledge=nowhere), SOCKET)
    verdict = connection_verdict(packets, question(Heard.TIMEOUT))

    assert verdict.result is Result.DROPPED
    assert verdict.words == "dropped on node2 by routing: a prohibit route for 10.240.0.4"


def stopped_by(reason: Drop) -> Verdict:
    found = replace(evidence(there(SYN)[:2], drop_walk()[:2]), clues=Clues(drops=(reason,)))
    return connection_verdict(join(found, SOCKET), question(Heard.TIMEOUT))


def drop(code: str, key: PacketKey = SYN, host: str = "node2") -> Drop:
    header = Header(rule_trace_key(key), SOCKET, 63)
    return Drop(host=host, ifname="eth0", code=code, location=0, header=header)


def test_a_reason_of_the_kernels_has_words_a_why_and_a_command():
    verdict = stopped_by(drop("IP_INADDRERRORS"))

    assert verdict.words == "dropped on node2: node2 does not forward packets"
    assert verdict.why.startswith("10.240.0.4 is no address of node2")
    assert verdict.hint.startswith("sudo netlab exec node2 -- sysctl net.ipv4.ip_forward")


def test_a_reason_with_nothing_behind_it_leaves_both_out():
    verdict = stopped_by(drop("IP_INHDR"))

    assert (verdict.why, verdict.hint) == ("", "")


def test_a_full_queue_is_told_from_a_silent_program_by_its_counter():
    packets = make_trace(there(SYN), nodeport_walk(), heard=Heard.TIMEOUT).packets
    asked = replace(question(Heard.TIMEOUT), counted={"web": {"TcpExt ListenOverflows": 2}})

    verdict = connection_verdict(packets, asked)

    assert (verdict.result, verdict.host) == (Result.DROPPED, "web")
    assert verdict.words == "dropped on web: the queue of its listening socket is full"
    assert verdict.hint == "sudo netlab exec web -- ss -ltn"


DATA = PacketKey("tcp", 102, 900, (1001, 5001, 0x18, 3))


@pytest.mark.parametrize(
    ("heard", "result"),
    [
        pytest.param(Heard.TIMEOUT, Result.DROPPED, id="nothing came of the connection"),
        pytest.param(Heard.ANSWERED, Result.DELIVERED, id="it was sent again, smaller"),
    ],
)
def test_a_connection_can_be_made_and_still_come_to_nothing(heard: Heard, result: Result):
    lost = [*there(SYN), *back(SYN_ACK, 1000), *there(DATA, 2000)[:1]]
    found = evidence(lost, nodeport_walk())
    clues = Clues(drops=(drop("PKT_TOO_BIG", DATA, "client"),))
    packets = join(replace(found, clues=clues), SOCKET)

    verdict = connection_verdict(packets, question(heard))

    assert verdict.result is result
    if result is Result.DROPPED:
        assert verdict.words.startswith(
            "the connection was made, but its packet data was dropped on client: it is too big"
        )


def test_rules_of_ipv6_are_shown_by_its_own_programs():
    asked = replace(question(), pair=call("[fd00::79]:40000", "[fd00::4]:30080"))
    by = RuleHit(table="filter", chain="INPUT", index=3, verdict="DROP")
    found = packet_with(by)

    assert "ip6tables -t filter -nvL INPUT" in connection_verdict((found,), asked).hint
    table = replace(by, table="kube-proxy", chain="filter-input")
    assert "nft list chain ip6 kube-proxy filter-input" in (
        connection_verdict((packet_with(table),), asked).hint
    )


def test_a_hint_names_the_family_that_is_not_a_nodes_first():
    hosts = {**HOSTS, "node1": replace(HOSTS["node2"], name="node1")}
    pair = call("[fd00::79]:40000", "[fd00::4]:30080")
    asked = replace(question(), pair=pair, hosts=hosts)
    comment = '"default/web:http has no local endpoints"'
    by = RuleHit(table="filter", chain="KUBE-EXTERNAL-SERVICES", verdict="DROP", comment=comment)
    hit = replace(by, service="default/web:http")

    verdict = connection_verdict((packet_with(hit),), asked)

    assert verdict.hint == "sudo netlab trace -6 client http://node1:30080"


def packet_with(hit: RuleHit) -> Packet:
    """Return a request that a rule of node2 dropped."""
    first = dropped().packets[0]
    verdict = replace(first.verdict, result=Result.DROPPED, host="node2", by=hit)
    return replace(first, verdict=verdict)
