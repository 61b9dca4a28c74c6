"""The visits that pictures show, and what they are called."""

from ipaddress import ip_address

import pytest

from netlab.model.packets import AddrPort
from netlab.render.trace.drawn_visits import Naming, drawn_visits, heading, host_label, wires_of
from tests.unit.drawn_samples import POD, dropped, nodeport, retried, unsent


def test_stays_are_numbered_through_all_packets_that_are_shown():
    found = drawn_visits(nodeport())

    assert [drawn.number for drawn in found] == list(range(1, 13))
    assert [drawn.number for drawn in found if drawn.is_first] == [1, 7]
    assert [drawn.number for drawn in found if drawn.is_last] == [6, 12]


def test_wires_join_the_stays_of_one_packet_only():
    ends = [(wire.start.number, wire.end.number) for wire in wires_of(drawn_visits(nodeport()))]

    assert ends == [*((i, i + 1) for i in range(1, 6)), *((i, i + 1) for i in range(7, 12))]


def test_only_the_last_stay_of_a_packet_that_was_not_delivered_ends_badly():
    assert [drawn.host for drawn in drawn_visits(dropped()) if drawn.ends_badly] == ["node2"]
    assert not [drawn for drawn in drawn_visits(nodeport()) if drawn.ends_badly]


def test_a_trace_without_a_packet_has_no_stay():
    assert drawn_visits(unsent()) == ()


def test_headings_tell_attempts_apart():
    trace = retried()

    assert heading(trace, trace.packets[0]) == "Request SYN, attempt 1 of 2"
    assert heading(nodeport(), nodeport().packets[1]) == "Reply SYN-ACK"


@pytest.mark.parametrize(
    ("name", "label"),
    [
        ("node1", "node1"),
        (POD, "source-ip-app…7rv95"),
        ("prod/a-very-long-name-of-a-pod-0", "prod/a-very-l…-a-pod-0"),
        ("\x1b[31m", "\\x1b[31m"),
    ],
)
def test_labels_are_short_and_printable(name: str, label: str):
    assert host_label(name) == label


def test_an_address_without_a_name_or_a_port_stands_for_itself():
    naming = Naming(names={})

    assert naming.end(AddrPort(ip_address("10.0.0.1"), 80)) == "10.0.0.1:80"
    assert naming.end(AddrPort(ip_address("fd00::1"), 0)) == "fd00::1"
