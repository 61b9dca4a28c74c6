import pytest

from netlab.model.addresses import Family
from netlab.netfilter.iptables.canonical import merge
from netlab.netfilter.iptables.rules import Chain, Ruleset, Table, rule
from netlab.netfilter.iptables.targets import Accept, Jump


def ruleset(own: str, family: Family = Family.IPV4):
    hook = Chain("POSTROUTING", (rule("POSTROUTING", target=Jump(own)),), "ACCEPT")
    return Ruleset(family, (Table("nat", (hook, Chain(own, (rule(own, target=Accept()),)))),))


def test_merged_hooks_keep_the_order_of_the_rulesets():
    nat = merge(ruleset("B"), ruleset("A")).table("nat")
    assert [r.target for r in nat.chain("POSTROUTING").rules] == [Jump("B"), Jump("A")]
    assert [chain.name for chain in nat.chains] == ["POSTROUTING", "B", "A"]


@pytest.mark.parametrize(
    ("rulesets", "message"),
    [
        ([ruleset("A"), ruleset("A")], "chain A is in two rulesets"),
        ([ruleset("A"), ruleset("B", Family.IPV6)], "2 families"),
        ([], "0 families"),
    ],
    ids=["one chain twice", "two families", "nothing"],
)
def test_merge_refuses(rulesets: list[Ruleset], message: str):
    with pytest.raises(ValueError, match=message):
        merge(*rulesets)
