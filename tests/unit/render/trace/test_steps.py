"""Lines about the steps of a visit."""

from typing import TYPE_CHECKING

import pytest

from netlab.render.printable import printable
from netlab.render.trace.steps import reason_line, step_lines
from netlab.trace.packet import Point, Reason, Result, Routed, RuleHit, Step, Verdict
from netlab.trace.paths import Way
from tests.unit.trace_samples import ENTRY

if TYPE_CHECKING:
    from netlab.sources.conntrack_entries import ConntrackEntry


def lines(*steps: Step, way: Way = Way.REQUEST, rules: bool = False) -> list[str]:
    return list(step_lines(steps, way, str, rules=rules))


@pytest.mark.parametrize(
    ("step", "line"),
    [
        pytest.param(
            Routed(destination="10.0.0.1", error="no route"),
            "⌖ route for 10.0.0.1: no route",
            id="no route",
        ),
        pytest.param(
            Routed(destination="10.0.0.1", route="local"),
            "⌖ route local: for a socket of this host",
            id="a local address",
        ),
        pytest.param(
            Routed(destination="10.0.0.1", route="default", ifname="eth0", observed="eth1"),
            "⌖ route default dev eth0 (the packet left by eth1)",
            id="a query that the packet contradicts",
        ),
        pytest.param(
            RuleHit(table="filter", chain="INPUT", index=2, verdict="DROP", comment="a\x07b"),
            r"filter INPUT #2 “a\x07b” ✖ DROP",
            id="a drop with a comment",
        ),
        pytest.param(
            RuleHit(table="filter", chain="FORWARD", verdict="DROP"),
            "filter FORWARD policy ✖ DROP",
            id="a policy",
        ),
    ],
)
def test_a_step_is_told_in_a_line(step: Step, line: str):
    assert lines(step) == [line]


def test_points_are_no_lines_and_do_not_part_a_tables_walk():
    point = Point(name="pre_dnat", ifname_in="eth0", ifname_out="", mark=0)
    first = RuleHit(table="nat", chain="A", index=1, verdict="JUMP", target="B")
    second = RuleHit(table="nat", chain="B", index=2, verdict="ACCEPT")

    assert lines(first, point, second) == ["nat A #1 ▸ B #2 accept"]


def test_the_entry_is_told_with_the_request_alone():
    entry: ConntrackEntry = ENTRY

    assert len(lines(entry)) == 1
    assert lines(entry, way=Way.REPLY) == []


def test_only_what_cannot_be_printed_is_escaped():
    assert printable("plain “text” ü") == "plain “text” ü"
    assert printable("\r\n\u200b") == r"\r\n\u200b"


DROP = RuleHit(table="filter", chain="INPUT", index=2, verdict="DROP")
KERNEL = Reason(
    code="NETFILTER_DROP", host="node2", ifname="eth0", function="f", cause="NETFILTER_DROP"
)


@pytest.mark.parametrize(
    ("by", "reason", "line"),
    [
        pytest.param(
            DROP,
            KERNEL,
            "kernel NETFILTER_DROP in f() on node2 eth0 [both sources agree]",
            id="two",
        ),
        pytest.param(None, KERNEL, "kernel NETFILTER_DROP in f() on node2 eth0", id="one"),
        pytest.param(
            None,
            Reason(code="", host="node2"),
            "kernel without a reason on node2",
            id="a kernel without reasons",
        ),
        pytest.param(
            None,
            Reason(code="IP_INHDR", host="node2", source="Ip InHdrErrors +1"),
            "Ip InHdrErrors +1 on node2, which means IP_INHDR [inferred]",
            id="a counter",
        ),
    ],
)
def test_a_reason_says_how_it_is_known(by: RuleHit | None, reason: Reason, line: str):
    verdict = Verdict(result=Result.DROPPED, host="node2", by=by, reason=reason)

    assert reason_line(verdict, reason) == line
