from ipaddress import ip_address, ip_network

import pytest

from netlab.kube.kinds.node_view import Node, node_of
from netlab.kube.kinds.pod.view import Pod, pod_of


def test_a_node_has_addresses_and_gateways():
    node = node_of(
        {
            "metadata": {"name": "node1", "labels": {"topology.kubernetes.io/zone": "east"}},
            "spec": {"podCIDR": "10.244.1.0/24", "podCIDRs": ["10.244.1.0/24", "fd00:1::/64"]},
            "status": {
                "addresses": [
                    {"type": "InternalIP", "address": "10.240.0.3"},
                    {"type": "ExternalIP", "address": "192.0.2.3"},
                    {"type": "Hostname", "address": "node1"},
                ]
            },
        }
    )
    assert node == Node(
        name="node1",
        internal_ips=(ip_address("10.240.0.3"),),
        external_ips=(ip_address("192.0.2.3"),),
        pod_cidrs=(ip_network("10.244.1.0/24"), ip_network("fd00:1::/64")),
        zone="east",
    )
    assert [str(one) for one in node.gateways] == ["10.244.1.1", "fd00:1::1"]


def test_a_pod_is_where_its_status_says():
    pod = pod_of(
        {
            "metadata": {
                "name": "web-1",
                "namespace": "prod",
                "ownerReferences": [{"name": "x"}, {"name": "web", "controller": True}],
            },
            "spec": {"nodeName": "node1", "hostNetwork": True},
            "status": {
                "podIPs": [{"ip": "10.240.0.3"}],
                "conditions": [{"type": "Ready", "status": "True"}],
            },
        }
    )
    assert pod == Pod(
        namespace="prod",
        name="web-1",
        node_name="node1",
        addresses=(ip_address("10.240.0.3"),),
        is_ready=True,
        is_on_host=True,
        owner="web",
    )


@pytest.mark.parametrize(
    "obj",
    [
        {},
        {"metadata": None, "spec": None, "status": None},
        {"metadata": [], "spec": "x", "status": {"podIPs": [1], "addresses": {}}},
        {"status": {"podIPs": [{"ip": "fe80::1%x"}], "conditions": [None]}},
        {"spec": {"podCIDRs": [1]}},
    ],
)
def test_a_broken_object_still_has_a_view(obj: dict[str, object]):
    assert pod_of(obj) == Pod(namespace="default", name="")
    assert node_of(obj) == Node(name="")
