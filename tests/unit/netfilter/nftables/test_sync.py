"""What is written when something changed, and what is not."""

from collections.abc import Callable
from dataclasses import replace

from netlab.model.addresses import Family
from netlab.netfilter.nftables.parse_rule import parse_rule
from netlab.netfilter.nftables.render import render
from netlab.netfilter.nftables.sync import full_sync, partial_sync, removal_text
from netlab.netfilter.nftables.table import Chain, NamedSet, Table

Lay = Callable[..., Table]

WEB = {"name": "web", "clusterIP": "10.0.0.80"}
IDLE = {"name": "idle", "clusterIP": "10.0.0.81"}
STICKY = {**WEB, "sessionAffinity": "ClientIP"}


def test_nothing_changed_writes_nothing(lay: Lay):
    change = partial_sync(lay(WEB, STICKY), lay(WEB, STICKY))
    assert change.text == ""


def test_another_policy_writes_its_own_service_only(lay: Lay):
    text = partial_sync(lay({**WEB, "internalTrafficPolicy": "Local"}, IDLE), lay(WEB, IDLE)).text
    assert "10.0.0.80" in text
    assert "add chain ip kube-proxy local-" in text
    assert "idle" not in text
    assert "cluster-ips" not in text


def test_a_chain_that_goes_is_emptied_first_and_deleted_by_the_next_change(lay: Lay):
    first = partial_sync(lay(WEB), lay(WEB, IDLE))
    again = partial_sync(lay(WEB), first.holds)
    last = partial_sync(lay(WEB), again.holds)

    assert "flush chain ip kube-proxy service-" in first.text
    assert "delete chain" not in first.text
    assert "delete element ip kube-proxy service-ips { 10.0.0.81 . tcp . 80 }" in first.text
    assert {line.split()[0] for line in again.text.splitlines()} == {"delete"}
    assert "idle" in again.text
    assert last.text == ""
    assert last.holds == lay(WEB)


def test_a_chain_that_comes_back_before_it_was_deleted_is_filled_again(lay: Lay):
    gone = partial_sync(lay(WEB), lay(WEB, IDLE)).holds
    back = partial_sync(lay(WEB, IDLE), gone)
    assert "add chain" not in back.text
    assert "delete chain" not in back.text
    assert back.holds == lay(WEB, IDLE)


def test_another_verdict_for_a_key_replaces_the_old_one(lay: Lay):
    text = partial_sync(lay(WEB, pods=[]), lay(WEB)).text
    assert "delete element ip kube-proxy service-ips { 10.0.0.80 . tcp . 80 }" in text
    rejected = '{ 10.0.0.80 . tcp . 80 comment "default/web" : goto reject-chain }'
    assert f"add element ip kube-proxy no-endpoint-services {rejected}" in text


def test_affinity_comes_and_goes_with_its_sets(lay: Lay):
    to = partial_sync(lay(STICKY), lay(WEB)).text
    fro = partial_sync(lay(WEB), lay(STICKY)).text
    assert to.count("add set ip kube-proxy affinity-") == 2
    assert fro.count("delete set ip kube-proxy affinity-") == 2
    # The rules that look a set up must be gone before it is.
    assert fro.rindex("flush chain") < fro.index("delete set")


def test_members_of_affinity_sets_are_never_written(lay: Lay):
    longer = {**STICKY, "sessionAffinityConfig": {"clientIP": {"timeoutSeconds": 60}}}
    text = partial_sync(lay(longer), lay(STICKY)).text
    assert text.count("timeout 60s") == 2
    assert "flush set" not in render(lay(STICKY)).partition("affinity-")[2].splitlines()[1]


def test_a_full_sync_takes_care_of_what_others_left(lay: Lay):
    want = lay(WEB)
    old = NamedSet(name="affinity-OLD/x", type="ipv4_addr", timeout_s=1)
    stale = Chain(name="service-OLD/x", rules=(parse_rule("drop"),))
    early = replace(want.chains[0], name="early")
    have = replace(want, chains=(early, *want.chains, stale), sets=(*want.sets, old))
    change = full_sync(want, have)

    assert change.text.splitlines() == [
        "delete chain ip kube-proxy early",
        "flush chain ip kube-proxy service-OLD/x",
        "delete set ip kube-proxy affinity-OLD/x",
    ]
    assert change.holds == replace(want, chains=(*want.chains, Chain(name="service-OLD/x")))


def test_a_full_sync_of_what_acts_as_it_should_writes_nothing(lay: Lay):
    ranges = ["10.1.0.0/24", "10.0.0.0/24"]
    spec = {**WEB, "type": "LoadBalancer", "ingress": [{"ip": "203.0.113.10"}]}
    want = lay({**spec, "loadBalancerSourceRanges": ranges}, IDLE)
    listed = lay({**spec, "loadBalancerSourceRanges": ranges[::-1]}, IDLE)
    assert listed.chains != want.chains
    have = replace(
        listed,
        chains=tuple(replace(chain, comment="") for chain in listed.chains[::-1]),
        sets=tuple(replace(one, elements=one.elements[::-1]) for one in listed.sets[::-1]),
    )
    change = full_sync(want, have)
    assert change.text == ""
    assert change.holds == want


def test_a_full_sync_writes_only_the_chain_that_was_emptied(lay: Lay):
    want = lay(WEB, IDLE)
    number, chain = next(
        (number, chain) for number, chain in enumerate(want.chains) if chain.name == "services"
    )
    emptied = (*want.chains[:number], replace(chain, rules=()), *want.chains[number + 1 :])
    lines = full_sync(want, replace(want, chains=emptied)).text.splitlines()
    assert lines[0] == "flush chain ip kube-proxy services"
    assert [line.split()[:5] for line in lines[1:]] == [
        ["add", "rule", "ip", "kube-proxy", "services"] for _ in chain.rules
    ]


def test_a_full_sync_fills_a_map_that_lost_a_member_whole(lay: Lay):
    want = lay(WEB, IDLE)
    spoilt = tuple(
        replace(one, elements=one.elements[1:]) if one.name == "service-ips" else one
        for one in want.sets
    )
    lines = full_sync(want, replace(want, sets=spoilt)).text.splitlines()
    assert lines[0] == "flush map ip kube-proxy service-ips"
    assert [line[:40] for line in lines[1:]] == ["add element ip kube-proxy service-ips { "] * 2


def test_a_full_sync_keeps_the_clients_of_an_affinity_set_with_another_timeout(lay: Lay):
    want = lay(STICKY)
    hasty = tuple(
        replace(one, timeout_s=1) if one.name.startswith("affinity-") else one for one in want.sets
    )
    lines = full_sync(want, replace(want, sets=hasty)).text.splitlines()
    assert [line.split()[:5] for line in lines] == [
        ["add", "set", "ip", "kube-proxy", one.name]
        for one, was in zip(want.sets, hasty, strict=True)
        if one != was
    ]
    assert lines


def test_a_full_sync_makes_a_base_chain_at_another_place_anew(lay: Lay):
    want = lay(WEB)
    base = want.chains[0]
    assert base.hook is not None
    late = replace(base, hook=replace(base.hook, priority=base.hook.priority + 1))
    lines = full_sync(want, replace(want, chains=(late, *want.chains[1:]))).text.splitlines()
    assert lines[0] == f"delete chain ip kube-proxy {base.name}"
    assert lines[1].startswith(f"add chain ip kube-proxy {base.name} {{ type {base.hook.type} hook")
    assert len(lines) == 2 + len(base.rules)


def test_a_table_with_a_plain_chain_in_the_way_of_a_base_chain_is_made_anew(lay: Lay):
    want = lay(WEB)
    plain = replace(want.chains[0], hook=None)
    change = full_sync(want, replace(want, chains=(plain, *want.chains[1:])))
    assert change.text == removal_text(Family.IPV4) + render(want)


def test_a_table_with_something_else_in_the_way_is_made_anew(lay: Lay):
    want = lay(WEB)
    other = replace(want.sets[0], type="ipv6_addr")
    change = full_sync(want, replace(want, sets=(other, *want.sets[1:])))
    assert change.text == removal_text(Family.IPV4) + render(want)
    assert change.holds == want


def test_removal_works_whether_the_table_is_there_or_not():
    assert removal_text(Family.IPV6).splitlines() == [
        "add table ip6 kube-proxy",
        "delete table ip6 kube-proxy",
    ]
