"""What was predicted, held against what was seen."""

from dataclasses import replace
from fractions import Fraction
from ipaddress import ip_address

import pytest

from netlab.model.packets import AddrPort, Nat
from netlab.netfilter.iptables.rules import rule
from netlab.netfilter.verdicts import Hit
from netlab.trace.compare import compare
from netlab.trace.packet import RuleHit
from netlab.trace.predicted_path import End, PredictedPath, PredictedRewrite, PredictedVisit
from netlab.trace.trace import Trace
from tests.unit.trace_samples import BEHIND, HALFWAY, SOCKET, delivered, dropped


def hit(table: str, chain: str, index: int) -> Hit:
    return Hit(table, rule(chain), index)


HITS = (
    hit("nat", "PREROUTING", 1),
    hit("nat", "KUBE-NODEPORTS", 1),
    hit("nat", "KUBE-SEP-AAAA", 1),
    hit("nat", "POSTROUTING", 1),
)
REWRITES = (
    PredictedRewrite(kind=Nat.DNAT, before=SOCKET.destination, after=HALFWAY.destination),
    PredictedRewrite(kind=Nat.SNAT, before=SOCKET.source, after=BEHIND.source._replace(port=0)),
)


def way(
    *hosts: str, hits: tuple[Hit, ...] = HITS, rewrites: tuple[PredictedRewrite, ...] = REWRITES
) -> PredictedPath:
    visits = tuple(
        PredictedVisit(host=host, hits=hits, rewrites=rewrites)
        if host == "node2"
        else PredictedVisit(host=host)
        for host in hosts
    )
    return PredictedPath(
        chance=Fraction(1), visits=visits, end=End.DELIVERED, destination=HALFWAY.destination
    )


EQUAL = way("client", "node2", "web")


def kinds(trace: Trace, *paths: PredictedPath) -> list[tuple[str, str]]:
    return [(one.what, one.host) for one in compare(paths, trace).differences]


def test_what_was_predicted_and_seen_has_no_differences():
    found = compare([EQUAL], delivered())

    assert found.holds()
    assert found.differences == found.remarks == ()


@pytest.mark.parametrize(
    ("path", "differs"),
    [
        pytest.param(way("client", "node2", "node1", "web"), [("way", "")], id="another host"),
        pytest.param(
            way("client", "node2", "web", hits=HITS[:3]), [("rules", "node2")], id="a rule less"
        ),
        pytest.param(
            way("client", "node2", "web", hits=HITS[::-1]), [("rules", "node2")], id="another order"
        ),
        pytest.param(
            way("client", "node2", "web", rewrites=REWRITES[:1]),
            [("rewrites", "node2")],
            id="no SNAT",
        ),
        pytest.param(replace(EQUAL, end=End.DROPPED), [("end", "")], id="another end"),
    ],
)
def test_each_kind_of_difference_is_found_and_is_the_only_one(
    path: PredictedPath, differs: list[tuple[str, str]]
):
    assert kinds(delivered(), path) == differs


def test_a_difference_tells_both_sides():
    [found] = compare([way("client", "node2", "web", hits=HITS[:3])], delivered()).differences

    assert found.predicted == "none but the 3 that both have"
    assert found.observed == "nat POSTROUTING #1"


def test_rules_that_differ_in_their_order_alone_are_listed_from_where_they_do():
    [found] = compare([way("client", "node2", "web", hits=HITS[::-1])], delivered()).differences

    assert found.predicted.startswith("in another order, from rule 1 on: nat POSTROUTING #1, ")
    assert found.observed.startswith("in another order, from rule 1 on: nat ")
    assert found.observed.endswith(", nat POSTROUTING #1")


def test_of_several_ways_the_nearest_counts():
    other = replace(EQUAL, end=End.REJECTED, chance=Fraction(1, 2))

    found = compare([other, replace(EQUAL, chance=Fraction(1, 2))], delivered())

    assert (found.taken, found.holds()) == (1, True)
    assert found.endpoints() == {HALFWAY.destination: Fraction(1, 2)}


def test_a_masquerade_that_keeps_the_address_is_not_compared():
    same = PredictedRewrite(
        kind=Nat.SNAT, before=SOCKET.source, after=SOCKET.source._replace(port=0)
    )

    assert kinds(delivered(), way("client", "node2", "web", rewrites=(*REWRITES, same))) == []


@pytest.mark.parametrize(
    ("text", "differs"),
    [
        ("-A KUBE-NODEPORTS -m recent --rcheck --seconds 10800 --reap --name X -j X", []),
        ("ip saddr @affinity-X goto endpoint-X", []),
        ("-A KUBE-NODEPORTS -m statistic --mode random -j X", [("rules", "node2")]),
    ],
    ids=["iptables", "nftables", "a die"],
)
def test_a_client_that_affinity_knew_stands_for_the_die(text: str, differs: list[tuple[str, str]]):
    trace = delivered()
    request = trace.packets[0]
    sticky = tuple(
        replace(
            visit,
            steps=tuple(
                replace(step, index=7, text=text)
                if isinstance(step, RuleHit) and step.chain == "KUBE-NODEPORTS"
                else step
                for step in visit.steps
            ),
        )
        for visit in request.visits
    )
    trace = replace(trace, packets=(replace(request, visits=sticky), *trace.packets[1:]))

    assert kinds(trace, EQUAL) == differs


def test_rules_that_nobody_heard_are_a_remark_and_no_difference():
    trace = delivered()
    request = trace.packets[0]
    deaf = tuple(
        replace(visit, steps=tuple(s for s in visit.steps if not isinstance(s, RuleHit)))
        for visit in request.visits
    )
    trace = replace(trace, packets=(replace(request, visits=deaf), *trace.packets[1:]))

    found = compare([EQUAL], trace)

    assert found.holds()
    assert found.remarks == ("which rules matched on node2 was not heard",)


def test_a_drop_by_a_rule_is_the_same_end_on_both_sides():
    path = PredictedPath(
        chance=Fraction(1),
        visits=(
            PredictedVisit(host="client"),
            PredictedVisit(host="node2", hits=(hit("filter", "INPUT", 1),)),
        ),
        end=End.DROPPED,
        destination=AddrPort(ip_address("10.240.0.4"), 30080),
    )

    assert kinds(dropped(), path) == []


def test_nothing_predicted_is_no_agreement():
    found = compare([], delivered(), ["a rule that nobody knows"])

    assert not found.holds()
    assert found.remarks == ("a rule that nobody knows",)
