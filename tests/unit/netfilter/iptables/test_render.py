from netlab.model.addresses import Family
from netlab.netfilter.iptables.matches import Comment
from netlab.netfilter.iptables.render import render
from netlab.netfilter.iptables.rules import Chain, Ruleset, Table, rule
from netlab.netfilter.iptables.targets import Accept, Jump


def test_chains_are_declared_before_rules_jump_to_them():
    hook = Chain("INPUT", (rule("INPUT", Comment("ours"), target=Jump("X")),), "ACCEPT")
    own = Chain("X", (rule("X", target=Accept()),))
    ruleset = Ruleset(Family.IPV4, (Table("filter", (hook, own)), Table("mangle", ())))
    assert render(ruleset) == (
        "*filter\n"
        ":INPUT ACCEPT [0:0]\n"
        ":X - [0:0]\n"
        "-A INPUT -m comment --comment ours -j X\n"
        "-A X -j ACCEPT\n"
        "COMMIT\n"
        "*mangle\n"
        "COMMIT\n"
    )


def test_nothing_renders_to_nothing():
    assert render(Ruleset(Family.IPV4, ())) == ""
