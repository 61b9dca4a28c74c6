"""Why a packet came no further."""

from dataclasses import replace
from ipaddress import ip_address

import pytest

from netlab.model.packets import AddrPort, Direction
from netlab.sources.drops import Drop
from netlab.sources.packet_key import rule_trace_key
from netlab.sources.rule_trace_messages import Header
from netlab.trace.clues import Clues
from netlab.trace.packet import Confidence, Point, Result, Routed, RuleHit, Step, Visit
from netlab.trace.packet_verdict import packet_verdict
from netlab.trace.paths import Hop
from tests.unit.trace_samples import HOSTS, SOCKET, SYN, pair

FUNCTIONS = {1: "ip_error", 2: "ip_forward", 3: "tcp_v4_rcv", 4: "nft_do_chain", 5: ""}
DROPPED = RuleHit(table="filter", chain="INPUT", index=1, text="-A INPUT -j DROP", verdict="DROP")
NOWHERE = Routed(destination="10.9.9.9", error="a blackhole route")
WAY = Routed(destination="10.9.9.9", route="default", via="10.240.0.1", ifname="eth1")


def point(name: str) -> Point:
    return Point(name=name, ifname_in="", ifname_out="", mark=0)


def visit(*steps: Step, stopped_at: str = "", host: str = "node2", flooded: bool = False) -> Visit:
    hop = Hop(
        time_ns=1,
        host=host,
        ifname="eth0",
        direction=Direction.IN,
        pair=SOCKET,
        for_another=flooded,
    )
    return Visit(host=host, hops=(hop,), steps=steps, stopped_at=stopped_at)


STOPPED = visit(point("pre_wire"), point("pre_dnat"), stopped_at="pre_dnat")
ARRIVED = visit(point("pre_wire"), point("in_last"))


def clues(code: str, location: int = 1, host: str = "node2", **rises: int) -> Clues:
    header = Header(rule_trace_key(SYN), SOCKET, 63)
    drop = Drop(host=host, ifname="eth0", code=code, location=location, header=header)
    counted = {"node2": {name.replace("_", " ", 1): rise for name, rise in rises.items()}}
    return Clues(drops=(drop,), counted=counted, name_of=lambda at: FUNCTIONS[at])


def counted(*names: str) -> Clues:
    return Clues(counted={"node2": dict.fromkeys(names, 1)})


@pytest.mark.parametrize(
    ("last", "found", "words"),
    [
        pytest.param(
            STOPPED, clues("IP_RPFILTER"), "198.51.100.79 may not come in by eth0", id="a reason"
        ),
        pytest.param(STOPPED, clues("IP_INHDR", 2), "its TTL ran out", id="reason and function"),
        pytest.param(STOPPED, clues("", 2), "its TTL ran out", id="a function alone"),
        pytest.param(
            STOPPED,
            clues("", 2, Ip_FragFails=1),
            "too big for the next link",
            id="a function, and a counter that tells more",
        ),
        pytest.param(
            visit(point("pre_dnat"), NOWHERE, stopped_at="pre_dnat"),
            clues("NOT_SPECIFIED"),
            "by routing: a blackhole route for 10.9.9.9",
            id="a place, and the route",
        ),
        pytest.param(STOPPED, clues("NEW_REASON", 2), "NEW_REASON in ip_forward()", id="unknown"),
        pytest.param(ARRIVED, clues("TCP_CSUM", 3), "its checksum is wrong", id="at the socket"),
        pytest.param(
            visit(flooded=True),
            clues("OTHERHOST"),
            "its frame was for another MAC address",
            id="nobody's MAC address",
        ),
    ],
)
def test_the_kernels_report_is_believed(last: Visit, found: Clues, words: str):
    verdict = packet_verdict([last], HOSTS, found)

    assert (verdict.result, verdict.host) == (Result.DROPPED, "node2")
    assert words in verdict.words
    assert verdict.confidence is Confidence.KERNEL


@pytest.mark.parametrize(
    ("last", "found"),
    [
        pytest.param(ARRIVED, clues("TCP_RESET", 3), id="an RST after its use"),
        pytest.param(ARRIVED, clues("NOT_SPECIFIED", 3), id="freed after its use"),
        pytest.param(ARRIVED, clues("QUEUE_PURGE", 3), id="a socket that closes"),
        pytest.param(ARRIVED, clues("OTHERHOST", host="client"), id="a flood"),
        pytest.param(ARRIVED, clues("", 3, host="web"), id="a flood, on a kernel without reasons"),
        pytest.param(ARRIVED, counted("TcpExt ListenOverflows"), id="another's counter"),
    ],
)
def test_what_somebody_had_was_not_thrown_away(last: Visit, found: Clues):
    verdict = packet_verdict([last], HOSTS, found)

    assert (verdict.result, verdict.reason) == (Result.DELIVERED, None)


def test_a_martian_is_one_on_every_kernel():
    """Older kernels have no name for it, and without eBPF they say nothing at all."""
    martian = pair("client:1>web:1")._replace(source=AddrPort(ip_address("127.0.0.9"), 1))
    hop = replace(STOPPED.hops[0], pair=martian)
    last = replace(STOPPED, hops=(hop,))
    header = Header(rule_trace_key(SYN), martian, 63)
    unnamed = Drop(host="node2", ifname="eth0", code="NOT_SPECIFIED", location=1, header=header)
    for found in (Clues(drops=(unnamed,), name_of=FUNCTIONS.__getitem__), Clues()):
        verdict = packet_verdict([last], HOSTS, found)

        assert verdict.words == "dropped on node2: a loopback address came in by eth0 (a martian)"


HIDDEN = 5
"""The address of a function that the kernel does not name: kptr_restrict."""


@pytest.mark.parametrize("code", ["", "NOT_SPECIFIED"])
@pytest.mark.parametrize(
    ("last", "words"),
    [
        pytest.param(
            visit(point("pre_dnat"), NOWHERE, stopped_at="pre_dnat"),
            "dropped on node2 by routing: a blackhole route for 10.9.9.9",
            id="a route",
        ),
        pytest.param(
            visit(point("pre_dnat"), WAY, point("post_wire")),
            "dropped on node2: nobody on eth1 answers for 10.240.0.1",
            id="a neighbour",
        ),
        pytest.param(STOPPED, "dropped on node2: ", id="nothing"),
    ],
)
def test_a_drop_without_reason_and_place_is_explained_as_if_there_were_no_report(
    code: str, last: Visit, words: str
):
    report = clues(code, HIDDEN)
    found = replace(report, silent=lambda _: frozenset({"10.240.0.1"}))

    verdict = packet_verdict([last], HOSTS, found)

    assert verdict.result is Result.DROPPED
    assert verdict.words.startswith(words)
    assert not verdict.is_agreed


def test_a_drop_of_which_nothing_at_all_is_known_says_so():
    verdict = packet_verdict([STOPPED], HOSTS, clues("", HIDDEN))

    assert verdict.words == "dropped on node2: the kernel gives no reason"


def test_a_rule_and_the_kernel_agree():
    verdict = packet_verdict([visit(DROPPED)], HOSTS, clues("NETFILTER_DROP", 4))

    assert verdict.by is DROPPED
    assert verdict.is_agreed
    assert not packet_verdict([visit(DROPPED)], HOSTS, clues("TCP_CSUM", 3)).is_agreed


def test_a_socket_that_is_not_there_leaves_the_packet_delivered():
    verdict = packet_verdict([ARRIVED], HOSTS, clues("NO_SOCKET", 3))

    assert (verdict.result, verdict.reason.code) == (Result.DELIVERED, "NO_SOCKET")


def test_a_counter_is_a_conclusion_and_says_so():
    verdict = packet_verdict([STOPPED], HOSTS, counted("TcpExt IPReversePathFilter"))

    assert verdict.reason.code == "IP_RPFILTER"
    assert verdict.reason.source == "TcpExt IPReversePathFilter +1"
    assert verdict.confidence is Confidence.INFERRED


def test_a_route_that_leads_nowhere_outweighs_a_counter_that_does_not_fit():
    last = visit(point("pre_dnat"), NOWHERE, stopped_at="pre_dnat")

    verdict = packet_verdict([last], HOSTS, counted("Ip InHdrErrors"))

    assert (verdict.by, verdict.reason) == (NOWHERE, None)
    assert verdict.confidence is Confidence.INFERRED


def test_a_packet_past_every_rule_waits_for_a_silent_neighbour():
    last = visit(point("pre_dnat"), WAY, point("post_wire"))
    silent = Clues(silent=lambda host: frozenset({"10.240.0.1"} if host == "node2" else ()))

    verdict = packet_verdict([last], HOSTS, silent)

    assert verdict.words == "dropped on node2: nobody on eth1 answers for 10.240.0.1"
    assert verdict.reason.source == "neighbour table"
    assert packet_verdict([last], HOSTS).result is Result.LOST


def test_clues_are_of_one_packet():
    found = clues("IP_RPFILTER")

    assert found.of(SYN).drops == found.drops
    assert found.of(SYN._replace(ip_id=7)).drops == ()
    assert replace(found, drops=()).of(SYN).counted == found.counted
