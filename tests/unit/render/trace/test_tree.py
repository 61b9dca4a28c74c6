"""The tree in a terminal."""

import re
from dataclasses import replace

import pytest

from netlab.render.trace.tree import TraceStyle, render_trace
from netlab.trace.trace import Trace
from tests.unit.trace_samples import RULES, delivered, dropped

HOSTILE = RULES.replace("kubernetes service portals", "\x1b[31mred \N{RIGHT-TO-LEFT OVERRIDE}")


def drawn(trace: Trace, width: int = 120, **more: bool) -> str:
    return render_trace(trace, TraceStyle(width=width, **more))


def test_the_tree_shows_interfaces_rules_rewrites_and_route_in_their_order():
    text = drawn(delivered())

    wanted = (
        "client ──▶ http://node2:30080   (Service default/web:http)",
        "✔ DELIVERED to web",
        "REQUEST SYN",
        "client eth0 ▸",
        "▸ eth0",
        "nat PREROUTING #1 ▸ KUBE-NODEPORTS #1 “default/web:http” ▸ KUBE-SEP-AAAA #1 DNAT",
        "✎ DNAT node2:30080 ⇒ web:8080  (by nat KUBE-SEP-AAAA #1)",
        "⌖ route 10.244.1.0/24 via 10.240.0.3 dev eth0",
        "✎ SNAT client:40000 ⇒ node2:7777",
        "expects the reply web:8080 → node2:7777",
        "REPLY SYN-ACK",
        "the reply came the same way back",
    )
    places = [text.index(words) for words in wanted]
    assert places == sorted(places)


def test_a_drop_ends_with_its_rule_why_and_what_to_try():
    text = drawn(dropped())

    assert "✖ DROPPED on node2 by filter INPUT #1" in text
    assert "REQUEST SYN  (attempt 1 of 2)" in text
    assert '-A INPUT -m comment --comment "default/web:http has no local endpoints"' in text
    assert "\nWHY   externalTrafficPolicy Local" in text
    assert "\nTRY   sudo netlab trace client http://node1:30080" in text


@pytest.mark.parametrize("width", [80, 100, 140, 200])
@pytest.mark.parametrize("trace", [delivered(), dropped()], ids=["delivered", "dropped"])
def test_no_line_is_wider_than_the_terminal(trace: Trace, width: int):
    assert max(map(len, drawn(trace, width).splitlines())) <= width


@pytest.mark.parametrize("width", range(80, 120))
def test_the_number_of_a_rule_stays_on_the_line_of_its_chain(width: int):
    assert not re.search(r"│ +#", drawn(delivered(), width))
    assert "\N{NO-BREAK SPACE}" not in drawn(delivered(), width)


def test_addresses_stand_in_columns_where_there_is_room_and_else_where_they_change():
    assert re.search(r"node2 +▸ eth0 +\+0\.0 +· +·", drawn(delivered(), 120))
    narrow = drawn(replace(delivered(), names={"10.244.1.2": "w" * 60}), 80)
    assert "198.51.100.79:40000 → 10.240.0.4:30080" in narrow


def test_numbers_take_the_place_of_names():
    text = drawn(delivered(), numeric=True)

    assert "10.240.0.4:30080 ⇒ 10.244.1.2:8080" in text


def test_rules_are_shown_whole_on_request():
    text = drawn(delivered(), 200, rules=True)

    assert "-A POSTROUTING -j MASQUERADE --random-fully" in text
    assert "nat KUBE-NODEPORTS #1: jump KUBE-SEP-AAAA" in text


def test_all_packets_are_shown_on_request():
    assert "attempt 2 of 2" not in drawn(dropped())
    assert "attempt 1 of 2" in drawn(dropped(), everything=True)


def test_a_hostile_comment_is_shown_escaped():
    text = drawn(delivered(HOSTILE), rules=True)

    assert "\\x1b[31mred \\u202e" in text
    assert all(line.isprintable() for line in text.splitlines())


def test_colour_adds_nothing_but_colour():
    coloured = drawn(delivered(), colour=True)

    assert coloured != drawn(delivered())
    assert re.sub("\x1b\\[[0-9]*m", "", coloured) == drawn(delivered())


def test_lost_messages_are_told():
    trace = replace(delivered(), is_complete=False, warnings=("3 frames found no room",))

    assert "INCOMPLETE" in drawn(trace)
    assert "warning: 3 frames found no room" in drawn(trace)
