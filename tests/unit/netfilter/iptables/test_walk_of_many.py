"""Walks through chains with many endpoints, of which the first stands for all."""

from fractions import Fraction
from ipaddress import ip_address

from netlab.model.addresses import Family
from netlab.netfilter.hooks import HookWalker
from netlab.netfilter.iptables.matches import Comment, IpProtocol, RecentCheck, Statistic
from netlab.netfilter.iptables.rules import Chain, Rule, Ruleset, Table, rule
from netlab.netfilter.iptables.targets import Dnat, Jump, Return, SetMark
from netlab.netfilter.iptables.walk import base_chains
from netlab.netfilter.verdicts import Outcome, Packet


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


def ruleset(*chains: Chain, to: str = "SVC") -> Ruleset:
    begin = Chain("PREROUTING", (rule("PREROUTING", target=Jump(to)),), "ACCEPT")
    return Ruleset(Family.IPV4, (Table("nat", (begin, *chains)),))


def balanced(count: int, *before: Rule) -> Ruleset:
    return ruleset(
        Chain("MARK", (rule("MARK", target=SetMark(0x4000, 0x4000)),)),
        Chain("SVC", (*before, *picks(count))),
        *(endpoint(number) for number in range(count)),
    )


def walked(found: Ruleset, most_ways: int) -> tuple[Outcome, ...]:
    packet = Packet(
        source=ip_address("10.244.9.9"),
        destination=ip_address("10.0.0.80"),
        protocol="TCP",
        destination_port=80,
    )
    return HookWalker(base_chains(found, [], most_ways), []).walk(packet)


def test_each_of_few_endpoints_is_a_way_of_its_own():
    ways = walked(balanced(3), 3)

    assert [str(way.destination) for way in ways] == ["10.244.1.0", "10.244.1.1", "10.244.1.2"]
    assert [way.chance for way in ways] == [Fraction(1, 3)] * 3
    assert {way.alike for way in ways} == {()}


def test_the_first_endpoint_stands_for_many_and_the_others_are_not_walked():
    mark = rule("SVC", target=Jump("MARK"))
    [way] = walked(balanced(5, mark), 3)

    assert way.endpoint == "10.244.1.0:8080"
    assert way.chance == 1
    hits = [hit.rule for hit in way.hits]
    assert [hit.chain for hit in hits] == ["PREROUTING", "SVC", "MARK", "SVC", "SEP0"]
    assert (hits[1], hits[3].leads_to) == (mark, "SEP0")


def test_what_it_stands_for_has_every_endpoint_with_its_chance():
    [way] = walked(balanced(5), 3)

    assert [str(to.address) for to, _ in way.alike] == [f"10.244.1.{number}" for number in range(5)]
    assert {to.port for to, _ in way.alike} == {8080}
    assert [chance for _, chance in way.alike] == [Fraction(1, 5)] * 5


def test_an_endpoint_that_another_chain_leads_to_is_reached_by_it():
    other = Chain("OTHER", (rule("OTHER", target=Jump("SEP4")),))
    chains = balanced(5).tables[0].chains[1:]
    [way] = walked(ruleset(other, *chains, to="OTHER"), 3)

    assert (way.endpoint, way.alike) == ("10.244.1.4:8080", ())


def test_rules_that_ask_more_than_a_die_are_walked_one_by_one():
    asks = rule("SVC", IpProtocol("tcp"), Statistic(0.5), target=Jump("SEP0"))
    remembers = rule("SVC", RecentCheck("SEP0", 60), target=Jump("SEP0"))
    ends = rule("SVC", target=Return())
    endpoints = [endpoint(number) for number in range(5)]

    asked = walked(ruleset(Chain("SVC", (*picks(5)[:2], asks, *picks(5)[3:])), *endpoints), 3)
    left = walked(ruleset(Chain("SVC", (*picks(5)[:4], ends)), *endpoints), 3)
    [kept] = walked(balanced(5, remembers), 3)

    assert len(asked) == len(left) == 5
    assert {way.alike for way in (*asked, *left)} == {()}
    assert len(kept.alike) == 5
