"""The table's rules by Service."""

from collections.abc import Callable

from netlab.kubeproxy.nftables.rule_groups import entries_by_service
from netlab.netfilter.nftables.table import Table

Lay = Callable[..., Table]
SPEC = {
    "name": "web",
    "namespace": "shop",
    "type": "LoadBalancer",
    "externalTrafficPolicy": "Local",
    "loadBalancerSourceRanges": ["198.51.100.0/24"],
    "ingress": [{"ip": "203.0.113.10"}],
    "ports": [{"name": "http", "port": 80, "targetPort": 8080, "nodePort": 30080}],
}


def test_rules_of_a_service_come_in_a_packets_order(lay: Lay):
    table = lay(SPEC, pods=[("10.244.2.2", "node2")])
    chains = [one.parent.name.partition("-")[0] for one in entries_by_service(table)["shop/web"]]
    assert list(dict.fromkeys(chains)) == ["firewall", "service", "external", "endpoint", "no"]


def test_everything_is_in_one_group_and_the_fixed_rules_in_that_of_no_service(lay: Lay):
    table = lay(SPEC)
    groups = entries_by_service(table)
    assert groups.keys() == {"", "shop/web"}
    rules = sum(len(chain.rules) for chain in table.chains)
    entries = sum(len(named.elements) for named in table.sets if named.is_map)
    assert sum(map(len, groups.values())) == rules + entries
    assert {"services", "masquerading"} <= {one.parent.name for one in groups[""]}


def test_an_entry_reads_as_nft_has_it(lay: Lay):
    table = lay({**SPEC, "externalTrafficPolicy": "Local"}, pods=[("10.244.2.2", "node2")])
    texts = [one.text for one in entries_by_service(table)["shop/web"]]
    assert 'tcp . 30080 comment "shop/web:http" : drop' in texts
    assert "ip saddr != { 198.51.100.0/24 } drop" in texts
