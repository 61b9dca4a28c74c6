from ipaddress import ip_address, ip_network
from typing import Any

import pytest

from netlab.loadbalancer.balancer import (
    BalancerPort,
    addresses_of,
    balanced_nodes,
    balancer_of,
    class_of,
)
from netlab.model.topology import LoadBalancerClass

PASSTHROUGH, PROXY = LoadBalancerClass
VIP = {"loadBalancer": {"ingress": [{"ip": "203.0.113.1", "ipMode": "VIP"}]}}


def service(status: object = VIP, annotations: object = None, **spec: object) -> dict[str, Any]:
    ports = [{"name": "http", "port": 80, "nodePort": 30080, "appProtocol": "http"}, {"port": 443}]
    return {
        "metadata": {"namespace": "default", "name": "web", "annotations": annotations},
        "spec": {"type": "LoadBalancer", "ports": ports, **spec},
        "status": status,
    }


@pytest.mark.parametrize(
    ("spec", "kind"),
    [
        pytest.param({}, PASSTHROUGH, id="none that is asked for"),
        pytest.param({"loadBalancerClass": "netlab/proxy"}, PROXY, id="one of netlab's"),
        pytest.param({"loadBalancerClass": "example.com/other"}, None, id="somebody else's"),
        pytest.param({"type": "NodePort"}, None, id="no load balancer"),
    ],
)
def test_a_service_is_served_by_the_balancer_of_its_class(
    spec: dict[str, object], kind: LoadBalancerClass | None
):
    assert class_of(service(**spec), PASSTHROUGH) is kind
    found = balancer_of(service(**spec), PASSTHROUGH)
    assert (found.kind if found is not None else None) is kind


def test_a_balancer_is_read_from_its_service():
    found = balancer_of(
        service(
            annotations={"netlab/proxy-protocol": "v2"},
            loadBalancerSourceRanges=["198.51.100.0/24", " 10.0.0.0/8 "],
            sessionAffinity="ClientIP",
        ),
        PROXY,
    )
    assert found is not None
    assert found.key == "default/web"
    assert found.addresses == (ip_address("203.0.113.1"),)
    assert found.ports == (
        BalancerPort(name="http", protocol="TCP", port=80, node_port=30080, is_http=True),
        BalancerPort(name="", protocol="TCP", port=443, node_port=None),
    )
    assert found.source_ranges == (ip_network("198.51.100.0/24"), ip_network("10.0.0.0/8"))
    assert (found.proxy_protocol, found.is_sticky) == ("v2", True)
    assert found.health_port == 10256


def test_nodes_are_asked_at_the_services_own_port_where_its_policy_is_local():
    found = balancer_of(
        service(externalTrafficPolicy="Local", healthCheckNodePort=31000), PASSTHROUGH
    )
    assert found is not None
    assert found.health_port == 31000


@pytest.mark.parametrize(
    ("status", "annotations", "addresses"),
    [
        pytest.param(VIP, None, ["203.0.113.1"], id="an address"),
        pytest.param(
            {"loadBalancer": {"ingress": [{"ip": "203.0.113.1"}, {"ip": "2001:db8:203::1"}]}},
            None,
            ["203.0.113.1", "2001:db8:203::1"],
            id="one of each family",
        ),
        pytest.param(
            {"loadBalancer": {"ingress": [{"hostname": "a.example"}]}},
            {"netlab/load-balancer-ip": "203.0.113.1,2001:db8:203::1"},
            ["203.0.113.1", "2001:db8:203::1"],
            id="a host name",
        ),
        pytest.param({"loadBalancer": {}}, None, [], id="pending"),
        pytest.param({}, {"netlab/load-balancer-ip": "203.0.113.1"}, [], id="no longer"),
        pytest.param({"loadBalancer": {"ingress": [{"ip": "x"}]}}, None, [], id="nonsense"),
    ],
)
def test_the_addresses_stand_in_the_status(
    status: object, annotations: object, addresses: list[str]
):
    assert addresses_of(service(status, annotations)) == tuple(map(ip_address, addresses))


def node(
    name: str, ready: str = "True", labels: dict[str, str] | None = None, **spec: object
) -> dict[str, Any]:
    status = {
        "addresses": [
            {"type": "InternalIP", "address": f"10.240.0.{name[-1]}"},
            {"type": "ExternalIP", "address": f"192.0.2.{name[-1]}"},
        ],
        "conditions": [{"type": "Ready", "status": ready}],
    }
    return {
        "metadata": {"name": name, "labels": labels},
        "spec": spec,
        "status": status,
    }


def test_nodes_that_are_ready_and_are_to_stay_take_part():
    exclude = {"node.kubernetes.io/exclude-from-external-load-balancers": ""}
    doomed = [{"key": "ToBeDeletedByClusterAutoscaler", "effect": "NoSchedule"}]
    found = balanced_nodes(
        [
            node("node3", unschedulable=True),
            node("node1"),
            node("node2", ready="False"),
            node("node4", labels=exclude),
            node("node5", taints=doomed),
        ]
    )
    assert [(one.name, *map(str, one.addresses)) for one in found] == [
        ("node1", "10.240.0.1"),
        ("node3", "10.240.0.3"),
    ]
