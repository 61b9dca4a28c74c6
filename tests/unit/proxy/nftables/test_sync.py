"""What is written when something changed, and what is not."""

from collections.abc import Callable
from dataclasses import replace

from netlab.model.addresses import Family
from netlab.proxy.nftables.parse import parse
from netlab.proxy.nftables.render import render
from netlab.proxy.nftables.sync import full_sync, partial_sync, removal_text
from netlab.proxy.nftables.table import Chain, NamedSet, Rule, Table

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
    stale = Chain(name="service-OLD/x", rules=(Rule(words="drop"),))
    have = replace(want, chains=(*want.chains, stale), sets=(*want.sets, old))
    change = full_sync(want, have)

    assert change.text.startswith(render(want))
    assert change.text.removeprefix(render(want)).splitlines() == [
        "flush chain ip kube-proxy service-OLD/x",
        "delete set ip kube-proxy affinity-OLD/x",
    ]
    assert Chain(name="service-OLD/x") in change.holds.chains
    assert parse(change.text) == want


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
