from dataclasses import replace

import pytest

from netlab.cni import sysctls
from netlab.model.kube_proxy import ProxyConfiguration, ProxyMode
from netlab.model.links import Sysctl
from netlab.model.topology import Topology


@pytest.fixture
def kinds(topology: Topology) -> list[tuple[Sysctl, ...]]:
    """Give the settings of a host, the router, a node, and a node in nftables mode."""
    nftables = replace(topology, proxy=ProxyConfiguration(mode=ProxyMode.NFTABLES))
    return [
        sysctls.host(topology),
        sysctls.router(topology),
        sysctls.node(topology),
        sysctls.node(nftables),
    ]


def value(settings: tuple[Sysctl, ...], key: str) -> str | None:
    return next((setting.value for setting in settings if setting.key == key), None)


@pytest.mark.parametrize(
    ("key", "host", "router", "node", "nftables_node"),
    [
        pytest.param("net.ipv4.ip_forward", "0", "1", "1", "1", id="who forwards"),
        pytest.param(
            "net.ipv4.conf.all.rp_filter", "0", "0", "0", "0", id="nobody checks the way back"
        ),
        pytest.param("net.ipv4.conf.all.send_redirects", "0", "0", "0", "0", id="nobody redirects"),
        pytest.param(
            "net.ipv4.conf.all.route_localnet",
            *("0", "0", "1", "0"),
            id="127.0.0.1 leaves a node in iptables mode only",
        ),
        pytest.param(
            "net.bridge.bridge-nf-call-iptables",
            *("0", "0", "1", "1"),
            id="bridged packets meet rules",
        ),
        pytest.param("net.ipv4.icmp_ratemask", "0", "0", "0", "0", id="refusals have no limit"),
        pytest.param(
            "net.ipv6.conf.all.disable_ipv6", "1", "1", "1", "1", id="no IPv6 unless asked for"
        ),
    ],
)
def test_each_kind_of_host_has_its_settings(
    kinds: list[tuple[Sysctl, ...]],
    key: str,
    host: str | None,
    router: str,
    node: str,
    nftables_node: str,
):
    assert [value(kind, key) for kind in kinds] == [host, router, node, nftables_node]


@pytest.mark.parametrize(
    ("key", "host", "router", "node"),
    [
        pytest.param("net.ipv6.conf.all.disable_ipv6", "0", "0", "0", id="every host has IPv6"),
        pytest.param("net.ipv6.conf.all.forwarding", "0", "1", "1", id="who forwards"),
        pytest.param(
            "net.ipv6.conf.default.accept_dad", "0", "0", "0", id="addresses serve at once"
        ),
        pytest.param("net.ipv6.icmp.ratemask", "255", "255", "255", id="refusals have no limit"),
    ],
)
def test_a_lab_with_ipv6_has_settings_of_its_own(
    dual_stack: Topology, key: str, host: str, router: str, node: str
):
    kinds = (sysctls.host(dual_stack), sysctls.router(dual_stack), sysctls.node(dual_stack))
    assert [value(kind, key) for kind in kinds] == [host, router, node]


def test_only_settings_of_a_part_of_the_kernel_may_be_absent(
    topology: Topology, dual_stack: Topology
):
    optional = {
        one: {
            "multipath" if "multipath" in setting.key else setting.key.split(".")[1]
            for setting in sysctls.node(lab)
            if setting.if_present
        }
        for one, lab in (("IPv4", topology), ("both", dual_stack))
    }
    assert optional == {
        "IPv4": {"bridge", "ipv6", "multipath"},
        "both": {"bridge", "multipath"},
    }


def test_connections_spread_by_addresses_and_ports_on_the_load_balancer(dual_stack: Topology):
    found = {
        setting.key: (setting.value, setting.fallback)
        for setting in sysctls.load_balancer(dual_stack)
        if "multipath" in setting.key
    }
    assert found == {
        f"net.{family}.fib_multipath_hash_{name}": values
        for family in ("ipv4", "ipv6")
        for name, values in (("fields", ("55", "")), ("policy", ("3", "1")))
    }


def test_no_setting_is_written_twice(kinds: list[tuple[Sysctl, ...]]):
    for kind in kinds:
        assert len({setting.key for setting in kind}) == len(kind)
