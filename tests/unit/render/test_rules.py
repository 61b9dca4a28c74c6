"""What ``netlab rules`` prints."""

import pytest

from netlab.kubeproxy.rule_groups import RuleGroup, group_by_service
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
        (
            "        12  A new connection for TCP port 30080 is given one endpoint of the whole"
            " cluster."
        ),
        "",
        "Whatever Services there are",
        "         3  Every new connection for the node itself is let through.",
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
            "says": (
                "A new connection for TCP port 30080 is given one endpoint of the whole cluster."
            ),
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


@pytest.mark.parametrize(
    ("rules", "said"),
    [
        pytest.param(
            [
                "KUBE-SVC-X -m statistic --mode random --probability 0.5 -j KUBE-SEP-A",
                "KUBE-SVC-X -j KUBE-SEP-B",
            ],
            "The rest is sent to endpoint 10.1.0.3:80.",
            id="of two endpoints the second gets what the first left",
        ),
        pytest.param(
            [
                "KUBE-SEP-A -s 10.1.0.2/32 -j KUBE-MARK-MASQ",
                "KUBE-SEP-A -p tcp -j DNAT --to-destination 10.1.0.2:80",
            ],
            "Every new connection for this endpoint has its destination rewritten to 10.1.0.2:80.",
            id="a mark takes nothing out",
        ),
        pytest.param(
            [
                "KUBE-POSTROUTING -m mark ! --mark 0x4000/0x4000 -j RETURN",
                "KUBE-POSTROUTING -j MASQUERADE --random-fully",
            ],
            "A new connection that comes this far gets the address of the interface that it leaves"
            " by as its source, and a random port.",
            id="behind a rule that returns the others",
        ),
        pytest.param(
            ["PREROUTING -j NETLAB-EXTERNAL-DNAT"],
            "Every incoming new connection is compared with the nodes' ExternalIPs.",
            id="the router's own chain is no endpoint",
        ),
    ],
)
def test_what_rules_before_took_out_is_not_spoken_of(rules: list[str], said: str):
    names = ("KUBE-SVC-X", "KUBE-SEP-A", "KUBE-SEP-B", "KUBE-MARK-MASQ", "KUBE-POSTROUTING")
    chains = "".join(f":{name} - [0:0]\n" for name in (*names, "NETLAB-EXTERNAL-DNAT"))
    others = (
        "[0:0] -A KUBE-SEP-B -p tcp -j DNAT --to-destination 10.1.0.3:80\n"
        "[0:0] -A NETLAB-EXTERNAL-DNAT -d 192.0.2.4/32 -j DNAT --to-destination 10.240.0.4\n"
    )
    if not any("-A KUBE-SEP-A -p" in rule for rule in rules):
        others += "[0:0] -A KUBE-SEP-A -p tcp -j DNAT --to-destination 10.1.0.2:80\n"
    text = "".join(f"[0:0] -A {rule}\n" for rule in rules)
    counted = parse_counted(
        f"*nat\n:PREROUTING ACCEPT [0:0]\n{chains}{text}{others}COMMIT\n", Family.IPV4
    )
    shown = render_rules([RuleGroup(service="", rules=tuple(counted))], explain=False)
    assert said in shown


def test_lines_keep_to_the_width_and_lose_no_word():
    whole = render_rules(GROUPS, explain=True)
    shown = render_rules(GROUPS, explain=True, width=80)
    assert max(map(len, shown.splitlines())) <= 80
    assert shown.split() == whole.split()
