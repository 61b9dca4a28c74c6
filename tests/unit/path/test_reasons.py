"""Causes and their words."""

from string import Formatter

import pytest

from netlab.path.reason_words import WORDINGS, packet_words, wording_of
from netlab.path.reasons import (
    BRIDGE,
    REFUSED_BY_SOCKET,
    ROUTE,
    TTL,
    cause_of,
    counted_cause,
)
from netlab.path.trace import Reason, Visit


@pytest.mark.parametrize(
    ("code", "function", "cause"),
    [
        pytest.param("IP_RPFILTER", "ip_rcv_finish_core", "IP_RPFILTER", id="the kernel's own"),
        pytest.param("IP_INHDR", "ip_rcv_core", "IP_INHDR", id="a damaged header"),
        pytest.param("IP_INHDR", "ip_forward", TTL, id="no time to live"),
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


@pytest.mark.parametrize("cause", WORDINGS)
def test_every_wording_can_be_filled_in_and_is_a_part_of_a_sentence(cause: str):
    visit = Visit(host="h", hops=(), steps=())

    said = WORDINGS[cause].of(packet_words(visit, "h", "eth0"))

    assert said.words
    assert not said.words.endswith(".")
    assert not said.why.endswith(".")
    assert not any(field for text in said for _, field, _, _ in Formatter().parse(text))


def test_a_reason_without_words_is_told_in_the_kernels():
    unknown = Reason(code="PROTO_MEM", host="h", function="tcp_data_queue", cause="PROTO_MEM")

    assert unknown.cause in REFUSED_BY_SOCKET
    assert wording_of(unknown).words == "PROTO_MEM in tcp_data_queue()"
