from netlab.control_plane.outside_dns import outside_names
from netlab.kube.unreadable import UnreadableObjects
from tests.unit.topology_samples import topology_of


def test_clients_nodes_and_balancers_have_names():
    topology = topology_of("{nodes: 1, ipFamilies: [IPv4, IPv6]}")
    balanced = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"namespace": "shop", "name": "web"},
        "spec": {"type": "LoadBalancer"},
        "status": {"loadBalancer": {"ingress": [{"ip": "203.0.113.1"}]}},
    }
    pending = {**balanced, "metadata": {"namespace": "shop", "name": "late"}, "status": {}}
    assert outside_names(topology, [balanced, pending], UnreadableObjects()) == {
        "client.netlab.test": ("198.51.100.79", "2001:db8:198:51::79"),
        "node1.netlab.test": ("192.0.2.3", "2001:db8:192::3"),
        "web.shop.elb.netlab.test": ("203.0.113.1",),
    }
