"""Causes and their words."""

from string import Formatter

import pytest

from netlab.trace.drop_reasons import (
    BRIDGE,
    OF_IPV6,
    REFUSED_BY_SOCKET,
    ROUTE,
    TTL,
    WORDINGS,
    Wording,
    cause_of,
    counted_cause,
    packet_words,
    wording_of,
)
from netlab.trace.packet import Reason, Visit
from tests.unit.predicted_samples import call


@pytest.mark.parametrize(
    ("code", "function", "cause"),
    [
        pytest.param("IP_RPFILTER", "ip_rcv_finish_core", "IP_RPFILTER", id="the kernel's own"),
        pytest.param("IP_INHDR", "ip_rcv_core", "IP_INHDR", id="a damaged header"),
        pytest.param("IP_INHDR", "ip_forward", TTL, id="no time to live"),
        pytest.param("IP_INHDR", "ip6_forward", TTL, id="no hop limit"),
        pytest.param("", "ip6_pkt_drop", ROUTE, id="routing of IPv6"),
        pytest.param("", "tcp_v6_rcv", "NO_SOCKET", id="no socket for IPv6"),
        pytest.param("NOT_SPECIFIED", "br_handle_frame_finish", BRIDGE, id="by its function"),
        pytest.param("", "nf_hook_slow", "NETFILTER_DROP", id="a kernel without reasons"),
        pytest.param("", "ip_error", ROUTE, id="routing, on such a kernel"),
        pytest.param("NOT_SPECIFIED", "unheard_of", "", id="nobody knows"),
    ],
)
def test_a_cause_is_the_same_on_every_kernel(code: str, function: str, cause: str):
    assert cause_of(code, function) == cause


def test_counters_of_sockets_say_nothing_of_packets_on_their_way():
    rises = {"TcpExt ListenOverflows": 3, "Ip InHdrErrors": 1}

    assert counted_cause(rises, at_socket=True)[0] == "TCP_LISTEN_OVERFLOW"
    assert counted_cause(rises, at_socket=False) == (TTL, "Ip InHdrErrors +1")
    assert counted_cause({}, at_socket=True) == ("", "")


@pytest.mark.parametrize("wording", [*WORDINGS.values(), *OF_IPV6.values()])
def test_every_wording_can_be_filled_in_and_is_a_part_of_a_sentence(wording: Wording):
    visit = Visit(host="h", hops=(), steps=())

    said = wording.of(packet_words(visit, "h", "eth0"))

    assert said.words
    assert not said.words.endswith(".")
    assert not said.why.endswith(".")
    assert not any(field for text in said for _, field, _, _ in Formatter().parse(text))


def test_a_reason_without_words_is_told_in_the_kernels():
    unknown = Reason(code="PROTO_MEM", host="h", function="tcp_data_queue", cause="PROTO_MEM")

    assert unknown.cause in REFUSED_BY_SOCKET
    assert wording_of(unknown, None).words == "PROTO_MEM in tcp_data_queue()"


@pytest.mark.parametrize("cause", OF_IPV6)
def test_a_packet_of_ipv6_is_spoken_of_in_its_own_words(cause: str):
    reason = Reason(code=cause, host="h", cause=cause)
    pair = call("[fd00::1]:40000", "[fd00::2]:80")

    said = wording_of(reason, pair)

    assert said == OF_IPV6[cause] != WORDINGS[cause]
    assert wording_of(reason, pair=call("10.0.0.1:40000", "10.0.0.2:80")) == WORDINGS[cause]
    assert not any(word in "".join(said) for word in ("ARP", "TTL", "ipv4", "127.0.0.0"))


def test_counters_of_ipv6_give_causes_too():
    assert counted_cause({"Ip6 InNoRoutes": 2}, at_socket=False) == (
        "IP_INNOROUTES",
        "Ip6 InNoRoutes +2",
    )
