"""How pods are told from the rest, and what a port's chains do about it."""

from collections.abc import Callable
from dataclasses import replace
from ipaddress import ip_network

import pytest

from netlab.model.kube_proxy import DetectLocalMode, ProxyConfiguration
from netlab.netfilter.nftables.table import Table

Lay = Callable[..., Table]

CLUSTER = ProxyConfiguration(cluster_cidrs=(ip_network("10.244.0.0/16"),))
LOCAL = {
    "type": "NodePort",
    "externalTrafficPolicy": "Local",
    "ports": [{"port": 80, "targetPort": 8080, "nodePort": 31704}],
}
TOWARDS = "ip daddr 10.0.0.80"


def words_of(table: Table, prefix: str) -> list[str]:
    return [
        rule.words
        for chain in table.chains
        for rule in chain.rules
        if chain.name.startswith(prefix) and "/" in chain.name
    ]


@pytest.mark.parametrize(
    ("configuration", "elsewhere", "pods"),
    [
        (CLUSTER, "ip saddr != 10.244.0.0/16 ", "ip saddr 10.244.0.0/16 "),
        (
            replace(CLUSTER, detect_local_mode=DetectLocalMode.NODE_CIDR),
            "ip saddr != 10.244.1.0/24 ",
            "ip saddr 10.244.1.0/24 ",
        ),
        (
            ProxyConfiguration(
                detect_local_mode=DetectLocalMode.BRIDGE_INTERFACE, bridge_interface="cni0"
            ),
            'iifname != "cni0" ',
            'iifname "cni0" ',
        ),
        (
            ProxyConfiguration(
                detect_local_mode=DetectLocalMode.INTERFACE_NAME_PREFIX,
                interface_name_prefix="veth",
            ),
            'iifname != "veth*" ',
            'iifname "veth*" ',
        ),
    ],
    ids=["cluster CIDR", "node CIDR", "bridge", "interface prefix"],
)
def test_pods_are_told_from_the_rest_by(
    lay: Lay, configuration: ProxyConfiguration, elsewhere: str, pods: str
):
    table = lay(LOCAL, configuration=configuration)
    assert words_of(table, "service-")[0] == f"{TOWARDS} {elsewhere}jump mark-for-masquerade"
    assert words_of(table, "external-")[0].startswith(f"{pods}goto service-")


def test_without_a_detector_nobody_is_a_pod(lay: Lay):
    table = lay(LOCAL, configuration=ProxyConfiguration())
    assert [words.split()[0] for words in words_of(table, "service-")] == ["numgen"]
    assert words_of(table, "external-")[0] == "fib saddr type local jump mark-for-masquerade"


def test_masquerade_all_asks_for_no_source(lay: Lay):
    table = lay({}, configuration=replace(CLUSTER, masquerade_all=True))
    assert words_of(table, "service-")[0] == f"{TOWARDS} jump mark-for-masquerade"


def test_the_vip_itself_is_let_in_where_the_node_is(lay: Lay):
    spec = {
        "type": "LoadBalancer",
        "ingress": [{"ip": "203.0.113.10"}],
        "loadBalancerSourceRanges": ["10.240.0.0/24"],
    }
    assert words_of(lay(spec), "firewall-") == ["ip saddr != { 10.240.0.0/24, 203.0.113.10 } drop"]
    strict = {**spec, "loadBalancerSourceRanges": ["198.51.100.0/24"]}
    assert words_of(lay(strict), "firewall-") == ["ip saddr != { 198.51.100.0/24 } drop"]


def test_clients_stay_for_as_long_as_the_service_says(lay: Lay):
    config = {"clientIP": {"timeoutSeconds": 60}}
    table = lay({"sessionAffinity": "ClientIP", "sessionAffinityConfig": config})
    timeouts = [named.timeout_s for named in table.sets if named.name.startswith("affinity-")]
    assert timeouts == [60, 60]
