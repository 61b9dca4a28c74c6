"""Lines of iptables-legacy's log, laid into walks."""

import pytest

from netlab.sources.packet_key import rule_trace_key
from netlab.sources.rule_trace_messages import (
    LOCAL_IN,
    POST_ROUTING,
    PRE_ROUTING,
    Header,
    Logged,
    Report,
    TraceMessage,
)
from netlab.trace.legacy_rule_walks import lay, legacy_rules
from netlab.trace.rule_walks import Walk, split
from netlab.trace.rules_by_handle import KnownRule
from netlab.trace.steps import rule_hit
from tests.unit.trace_samples import BEHIND, HALFWAY, SOCKET, SYN, TABLE, AddressPair, hit, point

SAVED = """\
*raw
:PREROUTING ACCEPT [0:0]
COMMIT
*nat
:PREROUTING ACCEPT [9:540]
:POSTROUTING ACCEPT [0:0]
:KUBE-MARK-MASQ - [0:0]
:KUBE-SEP-A - [0:0]
-A PREROUTING -j KUBE-SEP-A
-A POSTROUTING -j MASQUERADE
-A KUBE-MARK-MASQ -j MARK --set-xmark 0x4000/0x4000
-A KUBE-SEP-A -j KUBE-MARK-MASQ
-A KUBE-SEP-A -p tcp -m comment --comment "default/web:http" -j DNAT --to-destination 10.244.1.2:8080
COMMIT
*filter
:INPUT DROP [0:0]
:END - [0:0]
-A INPUT -p udp -g END
-A INPUT -p icmp -j REJECT --reject-with icmp-port-unreachable
-A INPUT -p tcp -j LOG
-A END -j RETURN
COMMIT
"""  # noqa: E501 (as iptables-save prints it)
RULES = legacy_rules(SAVED)


def line(  # noqa: PLR0917
    table: str,
    chain: str,
    number: int,
    hook: int,
    ends: AddressPair = SOCKET,
    mark: int = 0,
    report: Report = Report.RULE,
    identity: int = SYN.ip_id,
) -> Logged:
    key = rule_trace_key(SYN._replace(ip_id=identity))
    message = TraceMessage(
        host="node2",
        identity=0,
        time_ns=5,
        table=table,
        chain=chain,
        report=report,
        mark=mark,
        header=Header(key, ends, 63),
    )
    return Logged(message, hook, number)


def walk(identity: int = SYN.ip_id) -> Walk:
    key = SYN._replace(ip_id=identity)
    messages = [
        point("node2", "pre_wire", key, SOCKET),
        point("node2", "pre_dnat", key, HALFWAY, mark=0x4000),
        point("node2", "fwd_last", key, HALFWAY, mark=0x4000),
        point("node2", "post_snat_before", key, HALFWAY, mark=0x4000),
        point("node2", "post_wire", key, BEHIND),
    ]
    return split(messages, TABLE)[0]


LINES = [
    line("raw", "PREROUTING", 1, PRE_ROUTING, report=Report.POLICY),
    line("nat", "PREROUTING", 1, PRE_ROUTING),
    line("nat", "KUBE-SEP-A", 1, PRE_ROUTING),
    line("nat", "KUBE-MARK-MASQ", 1, PRE_ROUTING, report=Report.RETURN),
    line("nat", "KUBE-SEP-A", 2, PRE_ROUTING, mark=0x4000),
    line("nat", "POSTROUTING", 1, POST_ROUTING, HALFWAY, mark=0x4000),
]


def told(found: Walk) -> list[tuple[str, int | None, str, str, int]]:
    return [(m.chain, m.index, m.verdict, m.target, m.mark) for m in found.messages]


def test_lines_stand_between_the_points_of_their_hooks_with_what_their_rules_decide():
    [found] = lay([walk()], LINES, {"node2": RULES})

    assert told(found) == [
        ("pre_wire", None, "CONTINUE", "", 0),
        ("PREROUTING", None, "ACCEPT", "", 0),
        ("PREROUTING", 1, "JUMP", "KUBE-SEP-A", 0),
        ("KUBE-SEP-A", 1, "JUMP", "KUBE-MARK-MASQ", 0),
        ("KUBE-MARK-MASQ", 1, "CONTINUE", "", 0x4000),
        ("KUBE-SEP-A", 2, "ACCEPT", "", 0x4000),
        ("pre_dnat", None, "CONTINUE", "", 0x4000),
        ("fwd_last", None, "CONTINUE", "", 0x4000),
        ("post_snat_before", None, "CONTINUE", "", 0x4000),
        ("POSTROUTING", 1, "ACCEPT", "", 0),
        ("post_wire", None, "CONTINUE", "", 0),
    ]


def test_beside_nftables_each_base_chain_has_its_own_place():
    key = SYN
    nft = {"table": "kube-proxy", "header": Header(rule_trace_key(key), SOCKET, 63)}
    messages = [
        point("node2", "pre_wire", key, SOCKET),
        hit("node2", "filter-prerouting-pre-dnat", 1, "JUMP", **nft),
        hit("node2", "firewall-check", 0, "CONTINUE", table="kube-proxy"),
        hit("node2", "nat-prerouting", 2, "JUMP", **nft),
        point("node2", "pre_dnat", key, SOCKET),
        hit("node2", "filter-forward", 3, "JUMP", **nft),
        point("node2", "fwd_last", key, SOCKET),
        point("node2", "post_snat_before", key, SOCKET),
        hit("node2", "nat-postrouting", 4, "JUMP", **nft),
        hit("node2", "masquerading", 5, "ACCEPT", table="kube-proxy"),
        point("node2", "post_wire", key, SOCKET),
    ]
    lines = [
        line("nat", "PREROUTING", 2, PRE_ROUTING, report=Report.POLICY),
        line("nat", "POSTROUTING", 1, POST_ROUTING),
    ]

    [found] = lay(split(messages, TABLE), lines, {"node2": RULES})

    assert [message.chain for message in found.messages] == [
        "pre_wire",
        "filter-prerouting-pre-dnat",
        "firewall-check",
        "PREROUTING",
        "nat-prerouting",
        "pre_dnat",
        "filter-forward",
        "fwd_last",
        "post_snat_before",
        "POSTROUTING",
        "nat-postrouting",
        "masquerading",
        "post_wire",
    ]


def test_a_step_finds_the_rule_by_its_number():
    [found] = lay([walk()], LINES, {"node2": RULES})

    hits = [rule_hit(message, RULES.book()) for message in found.messages if not message.is_point]

    dnat = next(hit for hit in hits if hit and hit.target == "DNAT")
    assert (dnat.index, dnat.handle, dnat.service) == (2, None, "default/web:http")
    assert dnat.endpoint == "10.244.1.2:8080"
    assert hits[0] is not None
    assert hits[0].is_policy


@pytest.mark.parametrize(
    ("number", "verdict", "target"),
    [
        pytest.param(1, "GOTO", "END", id="-g"),
        pytest.param(2, "DROP", "", id="REJECT"),
        pytest.param(3, "CONTINUE", "", id="an extension that lets the packet go on"),
        pytest.param(4, "DROP", "", id="the policy, behind the last rule"),
    ],
)
def test_a_target_tells_the_verdict(number: int, verdict: str, target: str):
    report = Report.POLICY if number == 4 else Report.RULE
    logged = line("filter", "INPUT", number, LOCAL_IN, HALFWAY, report=report)

    [found] = lay([walk()], [logged], {"node2": RULES})

    message = next(m for m in found.messages if m.chain == "INPUT")
    assert (message.verdict, message.target) == (verdict, target)


def test_a_rule_that_takes_every_packet_is_told_from_the_end_of_its_chain():
    logged = line("filter", "END", 1, LOCAL_IN, HALFWAY, report=Report.RETURN)
    end = line("filter", "END", 2, LOCAL_IN, HALFWAY, report=Report.RETURN)

    [found] = lay([walk()], [logged, end], {"node2": RULES})

    messages = [m for m in found.messages if m.chain == "END"]
    assert [(m.report, m.index, m.verdict) for m in messages] == [
        (Report.RULE, 1, "RETURN"),
        (Report.RETURN, None, ""),
    ]


def test_lines_go_to_the_walk_of_their_own_packet():
    other = [line("nat", "PREROUTING", 1, PRE_ROUTING, identity=9)]

    first, second = lay([walk(), walk(9)], [*LINES, *other], {"node2": RULES})

    assert len(first.messages) == len(walk().messages) + len(LINES)
    assert len(second.messages) == len(walk().messages) + 1


def test_equal_packets_share_the_lines_out_in_turn():
    found = lay([walk(), walk()], [*LINES, *LINES], {"node2": RULES})

    assert [len(one.messages) for one in found] == [11, 11]


def test_a_line_of_no_walk_is_left_out():
    stranger = line("nat", "PREROUTING", 1, PRE_ROUTING, BEHIND.reversed())

    assert lay([walk()], [stranger], {"node2": RULES}) == (walk(),)


def test_without_rules_a_line_still_has_its_number():
    [found] = lay([walk()], LINES[1:2], {})

    [message] = [m for m in found.messages if not m.is_point]
    hit = rule_hit(message, {})
    assert (hit.chain, hit.index, hit.text, hit.verdict) == ("PREROUTING", 1, "", "")
    assert RULES.find("nat", "KUBE-SEP-A", 3) is None
    assert isinstance(RULES.find("nat", "KUBE-SEP-A", 2), KnownRule)
