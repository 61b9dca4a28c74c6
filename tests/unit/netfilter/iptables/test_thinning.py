"""Chains with many endpoints, made small."""

from fractions import Fraction
from ipaddress import ip_address

from netlab.model.addresses import Family
from netlab.netfilter.iptables.matches import Comment, IpProtocol, RecentCheck, Statistic
from netlab.netfilter.iptables.rules import Chain, Rule, Ruleset, Table, rule
from netlab.netfilter.iptables.targets import Dnat, Jump, Return
from netlab.netfilter.iptables.thinning import thin


def endpoint(number: int) -> Chain:
    to = Dnat(ip_address(f"10.244.1.{number}"), 8080)
    return Chain(f"SEP{number}", (rule(f"SEP{number}", target=to),))


def picks(count: int) -> tuple[Rule, ...]:
    """Return the rules that spread calls evenly over so many endpoints."""
    return tuple(
        rule(
            "SVC",
            Comment(f"web -> {number}"),
            Statistic(1 / (count - number)) if number < count - 1 else None,
            target=Jump(f"SEP{number}"),
        )
        for number in range(count)
    )


def ruleset(*chains: Chain) -> Ruleset:
    return Ruleset(Family.IPV4, (Table("nat", chains),))


def balanced(count: int, *before: Rule) -> Ruleset:
    return ruleset(
        Chain("SVC", (*before, *picks(count))), *(endpoint(number) for number in range(count))
    )


def chains(found: Ruleset) -> dict[str, tuple[Rule, ...]]:
    return {chain.name: chain.rules for table in found.tables for chain in table.chains}


def test_a_chain_with_few_endpoints_stays_as_it_is():
    assert thin(balanced(3), 3).ruleset == balanced(3)
    assert thin(balanced(3), 3).endpoints == {}


def test_the_first_endpoint_stands_for_many_and_the_others_go():
    mark = rule("SVC", target=Jump("MARK"))
    thinned = thin(balanced(5, mark), 3)

    left = chains(thinned.ruleset)
    assert left["SVC"] == (mark, rule("SVC", Comment("web -> 0"), target=Jump("SEP0")))
    assert set(left) == {"SVC", "SEP0"}


def test_what_it_stands_for_has_every_endpoint_with_its_chance():
    [(name, found)] = thin(balanced(5), 3).endpoints.items()

    assert name == "SVC"
    assert [str(to.address) for to, _ in found] == [f"10.244.1.{number}" for number in range(5)]
    assert [chance for _, chance in found] == [Fraction(1, 5)] * 5


def test_an_endpoint_that_another_chain_leads_to_stays():
    other = Chain("OTHER", (rule("OTHER", target=Jump("SEP4")),))
    table = balanced(5).tables[0]
    thinned = thin(ruleset(other, *table.chains), 3)

    assert set(chains(thinned.ruleset)) == {"OTHER", "SVC", "SEP0", "SEP4"}


def test_rules_that_ask_more_than_a_die_are_left_alone():
    asks = rule("SVC", IpProtocol("tcp"), Statistic(0.5), target=Jump("SEP0"))
    remembers = rule("SVC", RecentCheck("SEP0", 60), target=Jump("SEP0"))
    ends = rule("SVC", target=Return())
    table = balanced(5).tables[0].chains[1:]

    assert thin(ruleset(Chain("SVC", (asks, *picks(5)[1:])), *table), 3).endpoints == {}
    assert thin(ruleset(Chain("SVC", (*picks(5)[:4], ends)), *table), 3).endpoints == {}
    kept = chains(thin(balanced(5, remembers), 3).ruleset)["SVC"]
    assert kept[0] == remembers
