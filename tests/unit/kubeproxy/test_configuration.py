from collections.abc import Callable
from ipaddress import ip_network

import pytest

from netlab.model.kube_proxy import DetectLocalMode, ProxyConfiguration
from netlab.netfilter.iptables.rules import Ruleset
from netlab.netfilter.iptables.targets import Jump


@pytest.mark.parametrize(
    ("configuration", "expected"),
    [
        (ProxyConfiguration(), []),
        (ProxyConfiguration(cluster_cidrs=(ip_network("fd00::/8"),)), []),
        (
            ProxyConfiguration(cluster_cidrs=(ip_network("10.244.0.0/16"),)),
            ["! -s 10.244.0.0/16 -d 10.0.0.80/32"],
        ),
        (
            ProxyConfiguration(detect_local_mode=DetectLocalMode.NODE_CIDR),
            ["! -s 10.244.1.0/24 -d 10.0.0.80/32"],
        ),
        (
            ProxyConfiguration(
                detect_local_mode=DetectLocalMode.BRIDGE_INTERFACE, bridge_interface="cni0"
            ),
            ["-d 10.0.0.80/32 ! -i cni0"],
        ),
        (
            ProxyConfiguration(
                detect_local_mode=DetectLocalMode.INTERFACE_NAME_PREFIX,
                interface_name_prefix="veth",
            ),
            ["-d 10.0.0.80/32 ! -i veth+"],
        ),
        (
            ProxyConfiguration(detect_local_mode=DetectLocalMode.INTERFACE_NAME_PREFIX),
            [],
        ),
        (ProxyConfiguration(masquerade_all=True), ["-d 10.0.0.80/32"]),
    ],
    ids=[
        "ClusterCIDR without a CIDR",
        "ClusterCIDR of the other family",
        "ClusterCIDR",
        "NodeCIDR",
        "BridgeInterface",
        "InterfaceNamePrefix",
        "InterfaceNamePrefix without a prefix",
        "masqueradeAll",
    ],
)
def test_who_is_masqueraded_towards_a_cluster_ip(
    lay: Callable[..., Ruleset], configuration: ProxyConfiguration, expected: list[str]
):
    nat = lay({}, configuration=configuration).table("nat")
    assert nat is not None
    marks = [
        rule.specification.partition(" -p tcp ")[0].strip()
        for chain in nat.chains
        for rule in chain.rules
        if chain.name.startswith("KUBE-SVC-") and rule.target == Jump("KUBE-MARK-MASQ")
    ]
    assert marks == expected
