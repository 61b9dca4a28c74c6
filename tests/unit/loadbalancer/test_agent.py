from ipaddress import ip_address

from netlab.cni import cloud
from netlab.loadbalancer.agent import vips_in
from netlab.model.links import NextHop
from netlab.model.vips import Vip
from tests.unit.topology_samples import topology_of


def test_what_the_balancers_host_holds_is_read_back():
    topology = topology_of("{nodes: 2, ipFamilies: [IPv4, IPv6]}")
    one, two = (NextHop(gateway=node.addresses[0]) for node in topology.nodes)
    vips = (
        Vip(address=ip_address("203.0.113.1"), nexthops=(one, two)),
        Vip(address=ip_address("203.0.113.2"), nexthops=(one,)),
        Vip(address=ip_address("203.0.113.3"), is_local=True),
        Vip(address=ip_address("2001:db8:203::3"), is_local=True),
    )
    assert vips_in(cloud.load_balancer("default", topology, vips)) == vips
