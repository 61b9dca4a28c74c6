"""From the rules that a namespace holds to those it must hold, whatever its mode was and is."""

from dataclasses import replace
from ipaddress import ip_address, ip_network

import pytest

from netlab.cni.masquerade import masquerade_ruleset
from netlab.model.packets import Family
from netlab.model.services import SERVICE_NAME_LABEL, ProxyNode, endpoint_slice_of, service_of
from netlab.netfilter.normal import merge
from netlab.netfilter.rules import Ruleset
from netlab.proxy.configuration import ProxyConfiguration
from netlab.proxy.iptables import compile_ruleset
from netlab.proxy.nftables import compile_table
from netlab.proxy.nftables.table import Table
from netlab.proxy.node_rules import HeldRules, NodeRules, change, tidying_text

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


def in_iptables(*pods: str) -> NodeRules:
    return NodeRules(iptables=merge(compile_ruleset(*inputs(*pods)), MASQUERADE))


def in_nftables(*pods: str) -> NodeRules:
    return NodeRules(iptables=MASQUERADE, nftables=compile_table(*inputs(*pods)))


def held(rules: NodeRules) -> HeldRules:
    return change(rules, HeldRules(iptables=NOTHING)).holds


@pytest.mark.parametrize("rules", [in_iptables("10.244.1.2"), in_nftables("10.244.1.2")])
def test_what_is_there_is_not_written_again(rules: NodeRules):
    assert not change(rules, held(rules))
    again = HeldRules(iptables=rules.iptables, nftables=rules.nftables, is_read=True)
    assert not change(rules, again)


def test_nftables_mode_comes_before_iptables_mode_goes():
    one = change(in_nftables("10.244.1.2"), held(in_iptables("10.244.1.2")))
    assert "add map ip kube-proxy service-ips" in one.tables
    assert "-X KUBE-SERVICES" in one.iptables
    assert "IP-MASQ-AGENT" not in one.iptables
    assert one.removal == ""
    assert one.holds == held(in_nftables("10.244.1.2"))


def test_iptables_mode_comes_before_the_table_goes():
    one = change(in_iptables("10.244.1.2"), held(in_nftables("10.244.1.2")))
    assert one.tables == ""
    assert "-A KUBE-SERVICES" in one.iptables
    assert one.removal == "add table ip kube-proxy\ndelete table ip kube-proxy\n"
    assert one.holds == held(in_iptables("10.244.1.2"))


def test_the_cnis_rules_are_repaired_while_those_of_iptables_mode_go():
    kube_proxy = compile_ruleset(*inputs("10.244.1.2"))
    one = change(in_nftables("10.244.1.2"), HeldRules(iptables=kube_proxy))
    assert "-X KUBE-SERVICES" in one.iptables
    assert "-A IP-MASQ-AGENT" in one.iptables
    assert not change(in_nftables("10.244.1.2"), one.holds)


def test_a_table_that_was_read_back_is_written_whole_where_it_differs():
    want = in_nftables("10.244.1.2")
    spoilt = Table(family=Family.IPV4, chains=want.nftables.chains[1:], sets=want.nftables.sets)
    one = change(want, HeldRules(iptables=MASQUERADE, nftables=spoilt, is_read=True))
    assert one.tables.count("add rule") == sum(len(c.rules) for c in want.nftables.chains)
    assert one.holds.nftables == want.nftables


def test_a_chain_that_waits_is_no_reason_to_write_the_table_again():
    one = change(in_nftables("10.244.1.2"), held(in_nftables("10.244.1.2", "10.244.2.2")))
    for have in (one.holds, replace(one.holds, tidied=None, is_read=True)):
        again = change(in_nftables("10.244.1.2"), have)
        assert not again
        assert tidying_text(again.holds) == tidying_text(one.holds) != ""


def test_an_empty_chain_waits_and_is_then_deleted():
    one = change(in_nftables("10.244.1.2"), held(in_nftables("10.244.1.2", "10.244.2.2")))
    assert one.tables.count("flush chain ip kube-proxy endpoint-") == 1
    assert tidying_text(one.holds).startswith("delete chain ip kube-proxy endpoint-")
    assert tidying_text(held(in_nftables("10.244.1.2"))) == ""
    assert tidying_text(held(in_iptables("10.244.1.2"))) == ""
