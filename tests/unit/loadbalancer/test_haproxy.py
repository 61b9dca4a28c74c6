"""HAProxy's configuration, judged by HAProxy where it is installed."""

import shutil
import subprocess
from dataclasses import replace
from ipaddress import ip_address, ip_network
from pathlib import Path

import pytest

from netlab.loadbalancer.balancer import BalancedNode, Balancer, BalancerPort
from netlab.loadbalancer.haproxy import haproxy_configuration, served_addresses
from netlab.model.topology import LoadBalancerClass

NODES = tuple(
    BalancedNode(
        name=f"node{number}",
        addresses=(ip_address(f"10.240.0.{number}"), ip_address(f"fd00:10:240::{number}")),
    )
    for number in (1, 2)
)
WEB = Balancer(
    namespace="default",
    name="web",
    kind=LoadBalancerClass.PROXY,
    addresses=(ip_address("203.0.113.1"),),
    ports=(BalancerPort(name="http", protocol="TCP", port=80, node_port=30080),),
    health_port=10256,
)


def sections(*balancers: Balancer, nodes: tuple[BalancedNode, ...] = NODES) -> str:
    text = haproxy_configuration(balancers, {one.key: nodes for one in balancers})
    return text[text.index("frontend") :]


def test_a_connection_is_spread_over_the_nodes_ports():
    assert sections(WEB) == (
        "frontend default.web:80:IPv4\n"
        "    bind 203.0.113.1:80\n"
        "    mode tcp\n"
        "    option tcplog\n"
        "    default_backend default.web:80:IPv4\n"
        "\n"
        "backend default.web:80:IPv4\n"
        "    mode tcp\n"
        "    balance roundrobin\n"
        "    server node1 10.240.0.1:30080\n"
        "    server node2 10.240.0.2:30080\n"
    )


HTTP = replace(WEB, ports=(replace(WEB.ports[0], is_http=True),))
IPV6 = replace(HTTP, addresses=(ip_address("2001:db8:203::1"),))
RANGES = (ip_network("198.51.100.0/24"), ip_network("2001:db8::/32"))


@pytest.mark.parametrize(
    ("balancer", "said"),
    [
        pytest.param(HTTP, "option forwardfor", id="http tells the client"),
        pytest.param(HTTP, 'set-header Forwarded "for=%[src];', id="and in the standard's form"),
        pytest.param(IPV6, "bind [2001:db8:203::1]:80", id="an address of IPv6"),
        pytest.param(IPV6, r"for=\"[%[src]]\"", id="which is quoted"),
        pytest.param(IPV6, "server node1 [fd00:10:240::1]:30080", id="and leads to IPv6"),
        pytest.param(
            replace(WEB, proxy_protocol="v1"), ":30080 send-proxy\n", id="PROXY protocol 1"
        ),
        pytest.param(replace(WEB, proxy_protocol="v2"), ":30080 send-proxy-v2\n", id="and 2"),
        pytest.param(replace(WEB, is_sticky=True), "balance source", id="session affinity"),
        pytest.param(
            replace(WEB, source_ranges=RANGES),
            "tcp-request connection reject unless { src 198.51.100.0/24 }",
            id="source ranges",
        ),
        pytest.param(
            replace(WEB, source_ranges=RANGES[1:]),
            "tcp-request connection reject\n",
            id="source ranges of the other family let nobody in",
        ),
    ],
)
def test_what_a_service_asks_for_is_in_its_section(balancer: Balancer, said: str):
    assert said in sections(balancer)


@pytest.mark.parametrize(
    "ports",
    [
        pytest.param((BalancerPort(name="", protocol="UDP", port=53, node_port=30053),), id="UDP"),
        pytest.param((BalancerPort(name="", protocol="TCP", port=80, node_port=None),), id="none"),
    ],
)
def test_a_port_that_a_proxy_cannot_serve_has_no_section(ports: tuple[BalancerPort, ...]):
    text = haproxy_configuration([replace(WEB, ports=ports)], {WEB.key: NODES})
    assert "frontend" not in text


def test_the_order_of_balancers_does_not_matter():
    other = replace(WEB, name="other", addresses=(ip_address("203.0.113.2"),))
    assert sections(WEB, other) == sections(other, WEB)


def test_who_is_sent_to_is_read_back_from_the_text():
    six = replace(IPV6, name="six")
    text = haproxy_configuration([WEB, six], {one.key: NODES for one in (WEB, six)})
    assert served_addresses(text) == {
        "default/web": {"10.240.0.1", "10.240.0.2"},
        "default/six": {"fd00:10:240::1", "fd00:10:240::2"},
    }
    assert served_addresses("") == {}


def test_haproxy_takes_it(tmp_path: Path):
    program = shutil.which("haproxy", path="/usr/sbin:/usr/bin")
    if program is None:
        pytest.skip("haproxy is not installed: apt-get install haproxy")
    balancers = [
        WEB,
        replace(HTTP, name="http", source_ranges=RANGES, proxy_protocol="v1"),
        replace(IPV6, name="six", source_ranges=RANGES[1:], proxy_protocol="v2", is_sticky=True),
        replace(WEB, name="empty"),
    ]
    path = tmp_path / "haproxy.cfg"
    nodes_of = {one.key: NODES for one in balancers[:-1]}
    path.write_text(haproxy_configuration(balancers, nodes_of))
    done = subprocess.run(
        [program, "-c", "-f", path], capture_output=True, text=True, check=False, timeout=30
    )
    assert done.returncode == 0, done.stderr
    assert "WARNING" not in done.stderr
