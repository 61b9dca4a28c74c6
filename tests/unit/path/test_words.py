"""The end of a connection in words."""

from dataclasses import replace

from netlab.path.join import join
from netlab.path.outcomes import Result as Heard
from netlab.path.routes import RouteAnswer
from netlab.path.trace import Result
from netlab.path.words import connection_verdict
from tests.unit.trace_samples import (
    HALFWAY,
    RST,
    SOCKET,
    SYN,
    SYN_ACK,
    back,
    delivered,
    drop_walk,
    dropped,
    evidence,
    make_trace,
    nodeport_walk,
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
    trace = make_trace([*there(SYN), *back(SYN_ACK, 100)[:3]], nodeport_walk())

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

    trace = make_trace(without_snat, [])

    assert trace.verdict.result is Result.STRANGE
    assert "came to client from 10.244.1.2:8080" in trace.verdict.words


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
