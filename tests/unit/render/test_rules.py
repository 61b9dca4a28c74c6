"""What ``netlab rules`` prints."""

from netlab.kubeproxy.rule_groups import group_by_service
from netlab.model.addresses import Family
from netlab.netfilter.iptables.counters import parse_counted
from netlab.netfilter.iptables.differences import Difference, Side
from netlab.render.rules import (
    differences_document,
    render_differences,
    render_rules,
    rules_document,
)

DISPATCH = (
    '-A KUBE-NODEPORTS -p tcp -m comment --comment "ns/web" -m tcp --dport 30080 -j KUBE-SVC-X'
)
TEXT = f"""\
*nat
:KUBE-NODEPORTS - [0:0]
:KUBE-SVC-X - [0:0]
:INPUT ACCEPT [0:0]
[12:720] {DISPATCH}
[3:180] -A INPUT -m comment --comment "\x1b[31m" -j ACCEPT
COMMIT
"""
GROUPS = group_by_service(parse_counted(TEXT, Family.IPV4))


def test_each_service_has_a_heading_and_each_rule_its_packets():
    assert render_rules(GROUPS, explain=False).splitlines() == [
        "Service ns/web",
        "        12  A packet for TCP port 30080 is given one endpoint of the whole cluster.",
        "",
        "Whatever Services there are",
        "         3  Every packet for the node itself is let through.",
    ]


def test_explained_rules_are_shown_and_a_comment_cannot_speak_to_the_terminal():
    lines = render_rules(GROUPS, explain=True).splitlines()
    assert lines[2].strip() == f"nat: {DISPATCH}"
    assert "\x1b" not in lines[-1]
    assert r"\x1b[31m" in lines[-1]


def test_the_json_form_says_the_same():
    document = rules_document("node1", GROUPS)
    assert (document["schema"], document["node"]) == ("netlab.rules/1", "node1")
    assert [group["service"] for group in document["groups"]] == ["ns/web", None]
    assert document["groups"][0]["rules"] == [
        {
            "table": "nat",
            "chain": "KUBE-NODEPORTS",
            "packets": 12,
            "bytes": 720,
            "says": "A packet for TCP port 30080 is given one endpoint of the whole cluster.",
            "rule": DISPATCH,
        }
    ]


FOUND = [
    Difference(table="nat", chain="A", only=Side.WANTED, text="-A A -j RETURN"),
    Difference(table="nat", chain="A", only=Side.KERNEL, text="-A A -j DROP"),
    Difference(table="nat", chain="B", only=Side.KERNEL, text=":B -"),
]


def test_differences_are_shown_as_diff_shows_them():
    assert render_differences(FOUND).splitlines() == [
        "table nat, chain A",
        "- -A A -j RETURN",
        "+ -A A -j DROP",
        "table nat, chain B",
        "+ :B -",
    ]


def test_differences_as_json_say_who_has_the_rule():
    document = differences_document("node1", FOUND)
    assert document["schema"] == "netlab.rules-diff/1"
    assert [one["only"] for one in document["differences"]] == ["wanted", "kernel", "kernel"]
