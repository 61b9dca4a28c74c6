"""The rules of a host that has those of iptables and kube-proxy's table of nftables."""

from fractions import Fraction
from ipaddress import ip_address

import pytest

from netlab.errors import SpecError
from netlab.model.addresses import Family
from netlab.netfilter.verdicts import Outcome, Packet
from netlab.trace.host_rules import HostRules, ListedRules, parse_host_rules

IPTABLES = """*nat
:POSTROUTING ACCEPT [0:0]
:AGENT - [0:0]
-A POSTROUTING -j AGENT
-A AGENT -d 10.244.0.0/16 -j RETURN
-A AGENT -j MASQUERADE
COMMIT
*filter
:FORWARD ACCEPT [0:0]
-A FORWARD -s 192.0.2.66/32 -j DROP
COMMIT
"""
KUBE_PROXY = """table ip kube-proxy {
	map service-ips {
		type ipv4_addr . inet_proto . inet_service : verdict
		elements = { 10.0.0.80 . tcp . 80 : goto service-A-ns/web/tcp/ }
	}
	chain nat-prerouting {
		type nat hook prerouting priority dstnat; policy accept;
		ip daddr . meta l4proto . th dport vmap @service-ips
	}
	chain nat-postrouting {
		type nat hook postrouting priority srcnat; policy accept;
		masquerade fully-random
	}
	chain filter-forward {
		type filter hook forward priority filter; policy accept;
		ip saddr 192.0.2.66 reject
	}
	chain service-A-ns/web/tcp/ {
		numgen random mod 3 vmap { 0 : goto end-1, 1 : goto end-2, 2 : goto end-3 }
	}
	chain end-1 {
		meta l4proto tcp dnat to 10.244.0.1:8080
	}
	chain end-2 {
		meta l4proto tcp dnat to 10.244.0.2:8080
	}
	chain end-3 {
		meta l4proto tcp dnat to 10.244.0.3:8080
	}
}
"""


def rules(*tables: str) -> HostRules:
    listed = ListedRules(iptables=IPTABLES, kube_proxy=KUBE_PROXY, tables=tables)
    return parse_host_rules(listed, Family.IPV4)


def walked(
    found: HostRules,
    source: str = "10.244.0.9",
    to: str = "10.0.0.80",
    most_ways: int = 9,
) -> list[Outcome]:
    packet = Packet(
        source=ip_address(source),
        destination=ip_address(to),
        protocol="TCP",
        destination_port=80,
    )
    return list(found.walker([], None, most_ways).walk(packet))


def places(outcome: Outcome) -> list[str]:
    return [f"{hit.table} {hit.rule.chain} #{hit.index}" for hit in outcome.hits]


def test_both_kinds_are_walked_hook_by_hook():
    ways = walked(rules("kube-proxy", "nat", "filter"))

    assert [str(way.endpoint) for way in ways] == [f"10.244.0.{n}:8080" for n in (1, 2, 3)]
    assert {way.chance for way in ways} == {Fraction(1, 3)}
    assert places(ways[0]) == [
        "kube-proxy nat-prerouting #1",
        "kube-proxy service-A-ns/web/tcp/ #1",
        "kube-proxy end-1 #1",
        "nat POSTROUTING #1",
        "nat AGENT #1",
        "kube-proxy nat-postrouting #1",
    ]


@pytest.mark.parametrize(
    ("tables", "masquerades", "refuses"),
    [
        (("kube-proxy", "nat", "filter"), "nat AGENT #2", "filter FORWARD #1"),
        (("nat", "filter", "kube-proxy"), "kube-proxy nat-postrouting #1",
         "kube-proxy filter-forward #1"),
        ((), "nat AGENT #2", "filter FORWARD #1"),
    ],
    ids=["iptables is newer", "kube-proxy is newer", "unknown: iptables counts as newer"],
)  # fmt: skip
def test_of_equal_priorities_the_newest_table_comes_first(
    tables: tuple[str, ...], masquerades: str, refuses: str
):
    [out] = walked(rules(*tables), to="198.51.100.7")
    [bad] = walked(rules(*tables), source="192.0.2.66", to="198.51.100.7")

    assert out.is_masqueraded
    assert places(out)[-1] == masquerades
    assert places(bad) == [refuses]


def test_tables_of_iptables_legacy_are_older_or_newer_and_nobody_can_tell():
    ways = walked(rules("kube-proxy"), to="198.51.100.7")

    assert [places(way)[-1] for way in ways] == ["nat AGENT #2", "kube-proxy nat-postrouting #1"]
    assert {way.chance for way in ways} == {Fraction(1, 2)}


def test_one_way_stands_for_a_choice_of_many_and_what_it_stands_for_is_told():
    [way] = walked(rules(), most_ways=2)
    assert str(way.endpoint) == "10.244.0.1:8080"
    assert any(hit.rule.chain == "service-A-ns/web/tcp/" for hit in way.hits)
    assert [(str(end), chance) for end, chance in way.alike] == [
        (f"10.244.0.{n}:8080", Fraction(1, 3)) for n in (1, 2, 3)
    ]
    assert len(walked(rules(), most_ways=3)) == 3


def test_tables_that_no_text_has_are_foreign():
    listed = ListedRules(tables=("kube-proxy", "nat", "inet nat", "mine"))

    assert listed.foreign() == ("inet nat", "mine")


def test_kube_proxy_is_known_by_its_table_or_by_its_chain():
    bare = parse_host_rules(ListedRules(iptables=IPTABLES), Family.IPV4)
    chained = IPTABLES.replace(":AGENT", ":KUBE-SERVICES - [0:0]\n:AGENT", 1)

    assert not bare.has_kube_proxy()
    assert rules().has_kube_proxy()
    assert parse_host_rules(ListedRules(iptables=chained), Family.IPV4).has_kube_proxy()


def test_a_text_of_something_else_is_refused():
    with pytest.raises(SpecError, match="no listing"):
        parse_host_rules(ListedRules(kube_proxy="table ip mine {\n}\n"), Family.IPV4)
