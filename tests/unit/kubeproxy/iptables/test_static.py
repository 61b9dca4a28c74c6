from collections.abc import Callable
from ipaddress import ip_network

import pytest

from netlab.model.addresses import Family
from netlab.model.kube_proxy import ProxyConfiguration
from netlab.netfilter.iptables.render import render
from netlab.netfilter.iptables.rules import Ruleset

Lay = Callable[..., Ruleset]


@pytest.mark.parametrize(
    ("configuration", "family", "are_dropped"),
    [
        (ProxyConfiguration(), Family.IPV4, True),
        (ProxyConfiguration(), Family.IPV6, False),
        (ProxyConfiguration(localhost_node_ports=False), Family.IPV4, False),
        (ProxyConfiguration(node_port_addresses=(ip_network("10.0.0.0/8"),)), Family.IPV4, False),
        (ProxyConfiguration(node_port_addresses=(ip_network("127.0.0.0/8"),)), Family.IPV4, True),
        (ProxyConfiguration(node_port_addresses=(ip_network("fd00::/8"),)), Family.IPV4, True),
    ],
    ids=[
        "by default",
        "IPv6",
        "no localhost NodePorts",
        "others only",
        "localhost only",
        "nothing about IPv4",
    ],
)
def test_strangers_are_kept_from_localhost(
    lay: Lay, configuration: ProxyConfiguration, family: Family, are_dropped: bool
):
    text = render(lay(configuration=configuration, family=family))
    assert ("block incoming localnet connections" in text) == are_dropped
    assert text.count("-j KUBE-FIREWALL\n") == 2


def test_masquerade_bit_decides_the_mark(lay: Lay):
    text = render(lay(configuration=ProxyConfiguration(masquerade_bit=3)))
    assert "-A KUBE-MARK-MASQ -j MARK --set-xmark 0x8/0x8\n" in text
    assert "0x4000" not in text


@pytest.mark.parametrize("random_fully", [True, False])
def test_source_ports_are_random_if_asked(lay: Lay, random_fully: bool):
    text = render(lay(configuration=ProxyConfiguration(random_fully=random_fully)))
    assert ("-j MASQUERADE --random-fully\n" in text) == random_fully


@pytest.mark.parametrize("liberal", [True, False])
def test_invalid_packets_pass_when_conntrack_is_liberal(lay: Lay, liberal: bool):
    text = render(lay(configuration=ProxyConfiguration(conntrack_tcp_be_liberal=liberal)))
    assert ("--ctstate INVALID -j DROP" in text) != liberal
