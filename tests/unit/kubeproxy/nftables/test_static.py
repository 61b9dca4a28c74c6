"""The chains and sets that every node has."""

from collections.abc import Callable
from dataclasses import replace
from ipaddress import ip_network

import pytest

from netlab.model.addresses import Family
from netlab.model.kube_proxy import ProxyConfiguration
from netlab.netfilter.nftables.table import Table

Lay = Callable[..., Table]


@pytest.mark.parametrize(
    ("networks", "addresses"),
    [
        ([], ["10.240.0.3"]),
        (["10.240.0.0/24"], ["10.240.0.3"]),
        (["10.0.0.0/8"], ["10.240.0.3", "10.244.1.1"]),
        (["192.0.2.0/24"], []),
        (["127.0.0.0/8"], []),
    ],
    ids=["no networks", "one address's", "two addresses'", "nobody's", "loopback"],
)
def test_node_ports_answer_on_the_addresses_of(lay: Lay, networks: list[str], addresses: list[str]):
    configuration = ProxyConfiguration(node_port_addresses=tuple(map(ip_network, networks)))
    table = lay(configuration=configuration)
    (found,) = (named.elements for named in table.sets if named.name == "nodeport-ips")
    assert [one.key for one in found] == addresses


@pytest.mark.parametrize(
    ("family", "network", "words"),
    [
        (Family.IPV4, "0.0.0.0/0", "ip daddr != 127.0.0.0/8"),
        (Family.IPV6, "::/0", "ip6 daddr != ::1"),
        (Family.IPV4, "fd00:240::/64", "ip daddr != 127.0.0.0/8"),
        (Family.IPV6, "10.240.0.0/24", "ip6 daddr != ::1"),
    ],
)
def test_the_widest_network_or_none_of_the_family_means_every_local_address(
    lay: Lay, family: Family, network: str, words: str
):
    configuration = ProxyConfiguration(node_port_addresses=(ip_network(network),))
    table = lay(configuration=configuration, family=family)
    said = {rule.words for chain in table.chains for rule in chain.rules}
    by_port = f"{words} meta l4proto . th dport vmap"
    assert f"fib daddr type local {by_port} @service-nodeports" in said
    assert f"{by_port} @no-endpoint-nodeports" in said
    assert "nodeport-ips" not in {named.name for named in table.sets}


def test_another_bit_is_used_throughout(lay: Lay):
    table = lay(configuration=replace(ProxyConfiguration(), masquerade_bit=5))
    said = " ".join(rule.words for chain in table.chains for rule in chain.rules)
    assert said.count("0x20") == 3
    assert "0x4000" not in said


def test_filter_chains_say_no_after_dnat_and_the_firewall_before(lay: Lay):
    # kubernetes/kubernetes#132456: a node's own packet must be translated before it is judged.
    priorities = {chain.name: chain.hook.priority for chain in lay().chains if chain.hook}
    assert priorities["filter-output-pre-dnat"] < priorities["nat-output"]
    assert priorities["nat-output"] < priorities["filter-output"]
    assert priorities["filter-prerouting-pre-dnat"] < priorities["nat-prerouting"]
