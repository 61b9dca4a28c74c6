"""From the rules that a namespace holds to those it must hold, whatever its mode was and is."""

from dataclasses import replace
from ipaddress import ip_address, ip_network

import pytest

from netlab.cni.address_translation import IP_MASQ_AGENT
from netlab.cni.masquerade import masquerade_ruleset
from netlab.kube.kinds.service.view import (
    SERVICE_NAME_LABEL,
    ProxyNode,
    endpoint_slice_of,
    service_of,
)
from netlab.kubeproxy.iptables.compile import compile_ruleset
from netlab.kubeproxy.names import KUBE_PROXY
from netlab.kubeproxy.nftables.compile import compile_table
from netlab.model.addresses import Family
from netlab.model.kube_proxy import ProxyConfiguration
from netlab.netfilter import ruleset_change
from netlab.netfilter.iptables.canonical import merge
from netlab.netfilter.iptables.rules import Ruleset
from netlab.netfilter.nftables.table import Table
from netlab.netfilter.ruleset_change import HeldRules, NamespaceRules, RulesetChange

NOTHING = Ruleset(Family.IPV4, ())
MASQUERADE = masquerade_ruleset([ip_network("10.244.0.0/16")])


def inputs(*pods: str):
    piece = {
        "metadata": {"name": "web-1", "labels": {SERVICE_NAME_LABEL: "web"}},
        "ports": [{"port": 8080}],
        "endpoints": [{"addresses": [pod]} for pod in pods],
    }
    service = {
        "metadata": {"name": "web"},
        "spec": {"clusterIP": "10.0.0.8", "ports": [{"port": 80}]},
    }
    return (
        ProxyNode(name="node1", addresses=(ip_address("10.240.0.3"),)),
        [service_of(service)],
        [endpoint_slice_of(piece)],
        ProxyConfiguration(),
        Family.IPV4,
    )


def in_iptables(*pods: str) -> NamespaceRules:
    return NamespaceRules(iptables=compile_ruleset(*inputs(*pods)))


def in_nftables(*pods: str) -> NamespaceRules:
    return NamespaceRules(iptables=NOTHING, nftables=compile_table(*inputs(*pods)))


def change(want: NamespaceRules, have: HeldRules) -> tuple[RulesetChange, HeldRules]:
    return ruleset_change.change(want, have, KUBE_PROXY)


def held(rules: NamespaceRules) -> HeldRules:
    return change(rules, HeldRules(iptables=NOTHING))[1]


@pytest.mark.parametrize("rules", [in_iptables("10.244.1.2"), in_nftables("10.244.1.2")])
def test_what_is_there_is_not_written_again(rules: NamespaceRules):
    assert not change(rules, held(rules))[0]
    again = HeldRules(iptables=rules.iptables, nftables=rules.nftables, is_read=True)
    assert not change(rules, again)[0]


def test_nftables_mode_comes_before_iptables_mode_goes():
    one, holds = change(in_nftables("10.244.1.2"), held(in_iptables("10.244.1.2")))
    assert "add map ip kube-proxy service-ips" in one.tables
    assert "-X KUBE-SERVICES" in one.iptables
    assert one.removal == ""
    assert holds == held(in_nftables("10.244.1.2"))


@pytest.mark.parametrize("rules", [in_iptables("10.244.1.2"), in_nftables("10.244.1.2")])
def test_all_rules_go_where_none_are_wanted_any_more(rules: NamespaceRules):
    one, holds = change(NamespaceRules(iptables=NOTHING), held(rules))
    assert ("-X KUBE-SERVICES" in one.iptables) == (rules.nftables is None)
    assert ("delete table ip kube-proxy" in one.removal) == (rules.nftables is not None)
    assert holds == HeldRules(iptables=NOTHING)


def test_iptables_mode_comes_before_the_table_goes():
    one, holds = change(in_iptables("10.244.1.2"), held(in_nftables("10.244.1.2")))
    assert one.tables == ""
    assert "-A KUBE-SERVICES" in one.iptables
    assert one.removal == "add table ip kube-proxy\ndelete table ip kube-proxy\n"
    assert holds == held(in_iptables("10.244.1.2"))


@pytest.mark.parametrize("want", [in_iptables(), in_nftables(), NamespaceRules(iptables=NOTHING)])
def test_rules_of_another_owner_stay(want: NamespaceRules):
    both = merge(compile_ruleset(*inputs("10.244.1.2")), MASQUERADE)
    one, _ = change(want, HeldRules(iptables=both))
    assert one.iptables
    assert "IP-MASQ-AGENT" not in one.iptables


def test_an_owner_appends_its_jumps_or_puts_them_first():
    kube_proxy = compile_ruleset(*inputs("10.244.1.2"))
    mine = NamespaceRules(iptables=MASQUERADE)
    appended, holds = ruleset_change.change(mine, HeldRules(iptables=kube_proxy), IP_MASQ_AGENT)
    assert "-A POSTROUTING" in appended.iptables
    assert "KUBE-" not in appended.iptables
    assert not ruleset_change.change(mine, holds, IP_MASQ_AGENT)[0]
    assert "-I POSTROUTING" in change(in_iptables(), HeldRules(iptables=MASQUERADE))[0].iptables
    gone, _ = ruleset_change.change(
        NamespaceRules(iptables=NOTHING),
        HeldRules(iptables=merge(kube_proxy, MASQUERADE)),
        IP_MASQ_AGENT,
    )
    assert "-X IP-MASQ-AGENT" in gone.iptables
    assert "KUBE-" not in gone.iptables


def test_of_a_table_that_was_read_back_only_what_differs_is_written():
    want = in_nftables("10.244.1.2")
    spoilt = Table(family=Family.IPV4, chains=want.nftables.chains[1:], sets=want.nftables.sets)
    one, holds = change(want, HeldRules(iptables=NOTHING, nftables=spoilt, is_read=True))
    lost = want.nftables.chains[0]
    assert f"add chain ip kube-proxy {lost.name} " in one.tables
    assert one.tables.count("add rule") == len(lost.rules)
    assert holds.nftables == want.nftables


def test_a_chain_that_goes_is_held_until_it_is_deleted():
    want = in_nftables("10.244.1.2")
    one, holds = change(want, held(in_nftables("10.244.1.2", "10.244.2.2")))
    assert one.tables.count("flush chain ip kube-proxy endpoint-") == 1
    (waiting,) = set(holds.nftables.chains) - set(want.nftables.chains)
    assert waiting.name.startswith("endpoint-")
    assert waiting.rules == ()


def test_a_chain_that_waits_is_no_reason_to_write_the_table_again():
    want = in_nftables("10.244.1.2")
    _, holds = change(want, held(in_nftables("10.244.1.2", "10.244.2.2")))
    for have in (holds, replace(holds, is_read=True)):
        again, last = change(want, have)
        assert not again
        assert last == holds
