from ipaddress import ip_network

import pytest

from netlab.model.addresses import Family
from netlab.netfilter.iptables.matches import Comment, Destination, IpProtocol, Ports, Source
from netlab.netfilter.iptables.rules import Chain, Ruleset, Table, rule
from netlab.netfilter.iptables.targets import Drop


def test_rule_puts_its_own_fields_before_the_extensions():
    found = rule(
        "X",
        Comment("why"),
        None,
        Ports("tcp", 80),
        IpProtocol("tcp"),
        Destination(ip_network("192.0.2.1")),
        Source(ip_network("10.0.0.0/8")),
        target=Drop(),
    )
    assert str(found) == (
        "-A X -s 10.0.0.0/8 -d 192.0.2.1/32 -p tcp"
        " -m comment --comment why -m tcp --dport 80 -j DROP"
    )
    assert found.comment == "why"


def test_rule_without_a_target_only_counts():
    assert str(rule("X", Comment("why"))) == "-A X -m comment --comment why"
    assert rule("X").comment == ""


@pytest.mark.parametrize(
    "text",
    ['x" -j ACCEPT -m comment --comment "', "x\nCOMMIT\n*nat\n-F", "x" * 1000],
    ids=["closes the quote", "begins a line", "is too long"],
)
def test_hostile_comment_stays_a_comment(text: str):
    line = str(rule("X", Comment(text), target=Drop()))
    assert "\n" not in line
    assert line.endswith(" -j DROP")
    assert len(line) < 600


def test_chains_and_tables_are_found_by_name():
    chain = Chain("X", ())
    table = Table("nat", (chain,))
    ruleset = Ruleset(Family.IPV4, (table,))
    assert ruleset.table("nat") is table
    assert ruleset.table("raw") is None
    assert table.chain("X") is chain
    assert table.chain("Y") is None


def test_built_in_chain_declares_its_policy():
    assert str(Chain("INPUT", (), "DROP")) == ":INPUT DROP [0:0]"
    assert str(Chain("X", ())) == ":X - [0:0]"
