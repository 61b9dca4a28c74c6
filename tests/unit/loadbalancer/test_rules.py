from dataclasses import replace
from ipaddress import ip_address, ip_network

from netlab.loadbalancer.balancer import Balancer, BalancerPort
from netlab.loadbalancer.rules import forward_ruleset
from netlab.model.addresses import Family
from netlab.model.topology import LoadBalancerClass

WEB = Balancer(
    namespace="default",
    name="web",
    kind=LoadBalancerClass.PASSTHROUGH,
    addresses=(ip_address("203.0.113.1"), ip_address("2001:db8:203::1")),
    ports=(
        BalancerPort(name="http", protocol="TCP", port=80, node_port=30080),
        BalancerPort(name="", protocol="UDP", port=53, node_port=None),
    ),
    health_port=10256,
)
VIPS = ip_network("203.0.113.0/24")


def test_only_the_ports_of_services_lead_on():
    proxied = replace(WEB, name="proxied", kind=LoadBalancerClass.PROXY)
    ruleset = forward_ruleset([WEB, proxied], VIPS, Family.IPV4)
    lines = [str(one) for chain in ruleset.tables[0].chains for one in chain.rules]
    assert lines == [f"-A {line}" for line in EXPECTED.splitlines()]


EXPECTED = """\
FORWARD -d 203.0.113.0/24 -m comment --comment "netlab: ports of load balancers" -j NETLAB-LB
NETLAB-LB -d 203.0.113.1/32 -p tcp {http} -m tcp --dport 80 -j RETURN
NETLAB-LB -d 203.0.113.1/32 -p udp {dns} -m udp --dport 53 -j RETURN
NETLAB-LB -m comment --comment "netlab: no Service has this port" -j REJECT
""".format(
    http='-m comment --comment "default/web:http loadbalancer IP"',
    dns='-m comment --comment "default/web loadbalancer IP"',
)
