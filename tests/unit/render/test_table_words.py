"""kube-proxy's nftables table in sentences."""

import pytest

from netlab.kubeproxy.nftables.rule_groups import TableEntry, entries_by_service
from netlab.kubeproxy.rule_groups import with_table
from netlab.netfilter.nftables.parse import parse_listing
from netlab.netfilter.nftables.parse_rule import parse_rule
from netlab.netfilter.nftables.table import Chain
from netlab.render.rules import render_rules, rules_document
from netlab.render.table_words import table_sentence
from tests.unit.kubeproxy.nftables.listed import LISTING

TABLE = parse_listing(LISTING).table
GROUPS = entries_by_service(TABLE)
SAID = [table_sentence(one) for one in GROUPS["default/web"]]


@pytest.mark.parametrize(
    "sentence",
    [
        (
            "A packet for 203.0.113.10 at TCP port 80 is let in if its source is in"
            " loadBalancerSourceRanges."
        ),
        (
            "A packet for a load balancer address of the Service from outside 198.51.100.0/24 or"
            " 203.0.113.9 is dropped."
        ),
        "A new connection for 10.0.0.80 at TCP port 80 is given one endpoint of the whole cluster.",
        "A new connection for TCP port 30080 is treated as one that comes from outside.",
        (
            "A new connection for the Service from an address in set"
            " affinity-SVLGPL42-default/web/tcp/http__10.244.1.2/8080 is sent to endpoint"
            " 10.244.1.2:8080."
        ),
        (
            "Every new connection for the Service is sent to one of 2 endpoints, each as likely:"
            " 10.244.1.2:8080, 10.244.2.2:8080."
        ),
        "Its source is remembered for this endpoint.",
        "Every new connection for this endpoint has its destination rewritten to 10.244.1.2:8080.",
    ],
)
def test_a_service_is_told_in_sentences(sentence: str):
    assert sentence in SAID


def test_a_service_without_endpoints_says_why_it_refuses():
    assert [table_sentence(one) for one in GROUPS["default/lone"]] == [
        (
            "A packet for 10.0.0.81 at TCP port 80 is rejected, and its sender is told, because the"
            " Service has no endpoint."
        ),
        (
            "A packet for TCP port 30081 is rejected, and its sender is told, because the"
            " Service has no endpoint."
        ),
    ]


def test_every_rule_and_entry_has_a_sentence():
    for one in (entry for group in GROUPS.values() for entry in group):
        said = table_sentence(one)
        assert said.startswith(("A packet ", "A new ", "An ", "Every ", "The rest ", "Its source "))
        assert said.endswith(".")


def test_a_rule_of_somebody_else_is_called_that():
    parent = Chain(name="services")
    one = TableEntry(parent=parent, member=parse_rule("ip ttl 1 drop"))
    assert table_sentence(one) == "This rule of services is none of kube-proxy's."


def test_nothing_is_said_of_packets_that_nobody_counts():
    groups = with_table([], TABLE)
    assert [group.service for group in groups] == ["default/lone", "default/web", ""]
    lines = render_rules(groups, explain=True).splitlines()
    assert lines[:3] == [
        "Service default/lone",
        (
            "         -  A packet for 10.0.0.81 at TCP port 80 is rejected, and its sender is told,"
            " because the Service has no endpoint."
        ),
        (
            "            kube-proxy no-endpoint-services: 10.0.0.81 . tcp . 80 comment"
            ' "default/lone" : goto reject-chain'
        ),
    ]
    first = rules_document("node1", groups)["groups"][0]["rules"][0]
    assert (first["map"], first["packets"]) == ("no-endpoint-services", None)
