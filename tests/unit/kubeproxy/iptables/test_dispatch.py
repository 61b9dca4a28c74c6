from collections.abc import Callable
from ipaddress import ip_network

import pytest

from netlab.model.addresses import Family
from netlab.model.kube_proxy import ProxyConfiguration
from netlab.netfilter.iptables.render import render
from netlab.netfilter.iptables.rules import Ruleset

Lay = Callable[..., Ruleset]

BALANCED = {
    "type": "LoadBalancer",
    "ports": [{"port": 80, "nodePort": 31704}],
    "externalTrafficPolicy": "Local",
    "healthCheckNodePort": 32000,
}
LAST = (
    '-m comment --comment "kubernetes service nodeports; '
    'NOTE: this must be the last rule in this chain" '
)


def lines(ruleset: Ruleset, chain: str, table: str = "nat") -> list[str]:
    return [line for line in table_text(ruleset, table) if line.startswith(f"-A {chain} ")]


def table_text(ruleset: Ruleset, name: str) -> list[str]:
    tables = tuple(table for table in ruleset.tables if table.name == name)
    return render(Ruleset(ruleset.family, tables)).splitlines()


@pytest.mark.parametrize(
    ("ingress", "has_rule"),
    [
        ({"ip": "203.0.113.10"}, True),
        ({"ip": "203.0.113.10", "ipMode": "VIP"}, True),
        ({"ip": "203.0.113.10", "ipMode": "Proxy"}, False),
        ({"hostname": "lb.example.com"}, False),
    ],
    ids=["no ipMode", "ipMode VIP", "ipMode Proxy", "a hostname"],
)
def test_vip_rule(lay: Lay, ingress: dict[str, str], has_rule: bool):
    text = render(lay({**BALANCED, "ingress": [ingress]}))
    assert ("loadbalancer IP" in text) == has_rule


@pytest.mark.parametrize(
    ("addresses", "localhost", "family", "expected"),
    [
        ((), True, Family.IPV4, ["-m addrtype --dst-type LOCAL"]),
        ((), False, Family.IPV4, ["! -d 127.0.0.0/8 -m addrtype --dst-type LOCAL"]),
        ((), True, Family.IPV6, ["! -d ::1/128 -m addrtype --dst-type LOCAL"]),
        (("0.0.0.0/0",), True, Family.IPV4, ["-m addrtype --dst-type LOCAL"]),
        (("10.240.0.0/24",), True, Family.IPV4, ["-d 10.240.0.3/32"]),
        (("127.0.0.0/8",), True, Family.IPV4, ["-d 127.0.0.1/32"]),
        (("127.0.0.0/8",), False, Family.IPV4, []),
        (("192.0.2.0/24",), True, Family.IPV4, []),
        (("fd00:240::/64", "::1/128"), True, Family.IPV6, ["-d fd00:240::3/128"]),
        (("fd00:240::/64",), True, Family.IPV4, ["-m addrtype --dst-type LOCAL"]),
        (("10.240.0.0/24",), True, Family.IPV6, ["! -d ::1/128 -m addrtype --dst-type LOCAL"]),
        (("10.0.0.0/8", "0.0.0.0/0"), True, Family.IPV4, ["-m addrtype --dst-type LOCAL"]),
    ],
    ids=[
        "all addresses",
        "all but localhost",
        "IPv6 never has localhost",
        "a network of all addresses",
        "the node's network",
        "localhost only",
        "localhost only, but not allowed",
        "a network the node is not in",
        "IPv6 networks",
        "nothing about IPv4",
        "nothing about IPv6",
        "all addresses, and a network beside",
    ],
)
def test_addresses_that_answer_for_node_ports(
    lay: Lay, addresses: tuple[str, ...], localhost: bool, family: Family, expected: list[str]
):
    configuration = ProxyConfiguration(
        node_port_addresses=tuple(map(ip_network, addresses)), localhost_node_ports=localhost
    )
    found = lines(lay(configuration=configuration, family=family), "KUBE-SERVICES")
    bare = [line.removeprefix("-A KUBE-SERVICES ").replace(LAST, "") for line in found]
    assert bare == [f"{matches} -j KUBE-NODEPORTS" for matches in expected]


@pytest.mark.parametrize(
    ("policy", "pods", "ending"),
    [
        ("Cluster", [], "-j REJECT"),
        ("Local", [], "-j REJECT"),
        ("Local", [("10.244.2.2", "node2")], "-j DROP"),
    ],
    ids=["no endpoint", "no endpoint under Local", "no local endpoint"],
)
def test_outsiders_are_refused(lay: Lay, policy: str, pods: list[tuple[str, str]], ending: str):
    spec = {**BALANCED, "externalTrafficPolicy": policy, "ingress": [{"ip": "203.0.113.10"}]}
    vip, node_port = lines(lay(spec, pods=pods), "KUBE-EXTERNAL-SERVICES", "filter")
    assert "-d 203.0.113.10/32 -p tcp" in vip
    assert "-m addrtype --dst-type LOCAL -m tcp --dport 31704" in node_port
    assert vip.endswith(ending)
    assert node_port.endswith(ending)


def test_health_check_port_is_open_without_endpoints(lay: Lay):
    (line,) = lines(lay(BALANCED, pods=[]), "KUBE-NODEPORTS", "filter")
    assert line.endswith("--dport 32000 -j ACCEPT")


def test_policy_cluster_has_no_health_check_port(lay: Lay):
    ruleset = lay({**BALANCED, "externalTrafficPolicy": "Cluster"})
    assert lines(ruleset, "KUBE-NODEPORTS", "filter") == []
