"""The first packet of somebody else's connection."""

from dataclasses import replace
from ipaddress import ip_address

import pytest

from netlab.sources.packet_key import PacketKey
from netlab.trace.attach_filter import parse_attach_filter
from netlab.trace.new_connections import NewConnection, find_new_connection
from netlab.trace.rule_walks import split
from tests.unit.trace_samples import (
    BEHIND,
    SOCKET,
    SYN,
    SYN_ACK,
    TABLE,
    back,
    nodeport_walk,
    pair,
    point,
    seen,
    there,
)

ALL = ("client", "node2", "web")


def find(text: str, observations: list, messages: list = (), callers: tuple[str, ...] = ALL):
    wanted = parse_attach_filter(text, ip_address)
    return find_new_connection(observations, split(messages, TABLE), wanted, callers)


@pytest.mark.parametrize("text", ["port 30080", "dst port 8080", "host 10.244.1.2"])
def test_a_syn_is_found_by_what_it_wears_on_any_wire(text: str):
    assert find(text, there(SYN)) == NewConnection(caller="client", pair=SOCKET)


def test_a_port_that_only_a_rule_trace_has_seen_counts_too():
    assert find("port 8080", there(SYN)[:2], nodeport_walk()) is not None
    assert find("port 8080", there(SYN)[:2]) is None


def test_answers_and_later_packets_begin_nothing():
    later = SYN._replace(detail=(1001, 5001, 0x10, 1))

    assert find("tcp", [*back(SYN_ACK, 0), *there(later)]) is None


def test_the_first_of_several_is_taken():
    second = SYN._replace(ip_id=200)
    other = pair("client:41000>node2:30080")
    observations = [seen(second, 500, "client eth0 out", other), *there(SYN)]

    assert find("port 30080", observations).pair == SOCKET


def test_callers_can_be_restricted():
    assert find("port 30080", there(SYN), callers=("web",)) is None


def test_a_socket_behind_its_own_hosts_nat_is_named_as_it_knows_itself():
    own = pair("node2:40000>node2:30080")
    messages = [
        point("node2", "out_first", SYN, own),
        point("node2", "post_wire", SYN, BEHIND, ifname_out="eth0"),
    ]

    found = find("port 8080", there(SYN)[2:], messages)

    assert found == NewConnection(caller="node2", pair=own)


def test_a_connection_that_never_leaves_its_host_is_found_by_its_walk():
    own = pair("node2:40000>node2:30080")

    assert find("port 30080", [], [point("node2", "out_first", SYN, own)]).caller == "node2"


def test_a_datagram_begins_at_its_first_fragment():
    first = PacketKey("udp", 7, 1432, (1,), 0)
    later = replace_fragment(first, 1440)
    observations = [
        seen(later, 5, "client eth0 out", SOCKET),
        seen(first, 10, "client eth0 out", SOCKET),
    ]

    assert find("udp port 30080", observations).caller == "client"
    assert find("udp port 30080", observations[:1]) is None


def replace_fragment(key: PacketKey, offset: int) -> PacketKey:
    return key._replace(fragment=offset, detail=(2,))


def test_what_came_in_from_nowhere_has_no_caller():
    entering = replace(there(SYN)[1], time_ns=1)

    assert find("port 30080", [entering]) is None
