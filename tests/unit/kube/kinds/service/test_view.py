from ipaddress import ip_address, ip_network

import pytest

from netlab.kube.kinds.service.view import (
    SERVICE_NAME_LABEL,
    Endpoint,
    EndpointPort,
    EndpointSlice,
    Service,
    ServicePort,
    endpoint_slice_of,
    service_of,
)
from netlab.model.packets import Protocol


def test_service_with_everything():
    obj = {
        "metadata": {"namespace": "prod", "name": "web"},
        "spec": {
            "type": "LoadBalancer",
            "clusterIPs": ["10.0.0.80", "fd00::80"],
            "clusterIP": "10.0.0.80",
            "ports": [
                {
                    "name": "http",
                    "protocol": "TCP",
                    "port": 80,
                    "targetPort": "web",
                    "nodePort": 31704,
                }
            ],
            "externalIPs": ["192.0.2.80"],
            "loadBalancerSourceRanges": [" 198.51.100.0/24 "],
            "internalTrafficPolicy": "Local",
            "externalTrafficPolicy": "Local",
            "healthCheckNodePort": 32000,
            "sessionAffinity": "ClientIP",
            "sessionAffinityConfig": {"clientIP": {"timeoutSeconds": 60}},
        },
        "status": {"loadBalancer": {"ingress": [{"ip": "203.0.113.10"}]}},
    }
    assert service_of(obj) == Service(
        namespace="prod",
        name="web",
        type="LoadBalancer",
        cluster_ips=(ip_address("10.0.0.80"), ip_address("fd00::80")),
        ports=(ServicePort(name="http", port=80, target_port="web", node_port=31704),),
        external_ips=(ip_address("192.0.2.80"),),
        load_balancer_vips=(ip_address("203.0.113.10"),),
        ingress_ips=(ip_address("203.0.113.10"),),
        balancer_addresses=(ip_address("203.0.113.10"),),
        load_balancer_source_ranges=(ip_network("198.51.100.0/24"),),
        internal_traffic_policy="Local",
        external_traffic_policy="Local",
        health_check_node_port=32000,
        session_affinity="ClientIP",
        session_affinity_timeout_s=60,
    )


def test_service_with_nothing_has_kubernetes_defaults():
    service = service_of({"metadata": {"name": "web"}, "spec": {"ports": [{"port": 80}]}})
    assert service == Service(
        namespace="default", name="web", ports=(ServicePort(port=80, target_port=80),)
    )
    assert service.session_affinity_timeout_s == 3 * 60 * 60


@pytest.mark.parametrize(
    "obj",
    [
        {},
        {"metadata": None, "spec": None, "status": None},
        {"metadata": [], "spec": "x", "status": {"loadBalancer": [1]}},
        {"spec": {"ports": [None, 7], "clusterIPs": [None], "externalIPs": ["x"], "type": 3}},
    ],
    ids=["empty", "nulls", "other types", "other types inside"],
)
def test_broken_objects_still_have_a_view(obj: dict[str, object]):
    assert service_of(obj) == Service(namespace="default", name="")
    assert endpoint_slice_of(obj) == EndpointSlice(namespace="default", name="", service_name="")


@pytest.mark.parametrize(
    ("spec", "proxied"),
    [
        ({"clusterIP": "10.0.0.80"}, True),
        ({"clusterIP": "None"}, False),
        ({"clusterIP": ""}, False),
        ({"type": "ExternalName", "clusterIP": "10.0.0.80"}, False),
    ],
    ids=["ClusterIP", "headless", "not yet allocated", "ExternalName"],
)
def test_who_has_rules(spec: dict[str, object], proxied: bool):
    assert service_of({"spec": spec}).is_proxied == proxied


@pytest.mark.parametrize(
    "label", ["service.kubernetes.io/service-proxy-name", "service.kubernetes.io/headless"]
)
@pytest.mark.parametrize("value", ["", "other"])
def test_a_label_keeps_kube_proxy_away(label: str, value: str):
    labels = {SERVICE_NAME_LABEL: "web", label: value}
    service = service_of({"metadata": {"labels": labels}, "spec": {"clusterIP": "10.0.0.80"}})
    assert not service.is_proxied
    piece = endpoint_slice_of({"metadata": {"labels": labels}})
    assert piece.is_skipped
    assert piece.service_name == "web"


def test_leading_zeros_are_decimal():
    service = service_of({"spec": {"clusterIP": "010.000.0.080", "externalIPs": ["fd00::010"]}})
    assert service.cluster_ips == (ip_address("10.0.0.80"),)
    assert service.external_ips == (ip_address("fd00::10"),)


def test_vips_belong_to_load_balancers():
    status = {"loadBalancer": {"ingress": [{"ip": "203.0.113.10"}]}}
    assert not service_of({"spec": {"type": "NodePort"}, "status": status}).load_balancer_vips


def test_endpoint_slice_with_everything():
    obj = {
        "metadata": {"namespace": "prod", "name": "web-1", "labels": {SERVICE_NAME_LABEL: "web"}},
        "addressType": "IPv6",
        "ports": [{"name": "dns", "protocol": "UDP", "port": 53}, {"name": "all"}],
        "endpoints": [
            {
                "addresses": ["fd00::1"],
                "nodeName": "node1",
                "zone": "a",
                "conditions": {"ready": False, "serving": True, "terminating": True},
                "hints": {"forZones": [{"name": "a"}], "forNodes": [{"name": "node1"}]},
            },
            {"addresses": ["fd00::2"], "conditions": {"ready": None}},
        ],
    }
    assert endpoint_slice_of(obj) == EndpointSlice(
        namespace="prod",
        name="web-1",
        service_name="web",
        address_type="IPv6",
        ports=(EndpointPort(name="dns", protocol=Protocol.UDP, port=53), EndpointPort(name="all")),
        endpoints=(
            Endpoint(
                addresses=(ip_address("fd00::1"),),
                node_name="node1",
                zone="a",
                ready=False,
                terminating=True,
                zone_hints=frozenset({"a"}),
                node_hints=frozenset({"node1"}),
            ),
            Endpoint(addresses=(ip_address("fd00::2"),)),
        ),
    )
