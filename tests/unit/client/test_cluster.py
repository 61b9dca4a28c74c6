"""Services and endpoints out of plain Kubernetes objects."""

from ipaddress import ip_address

import pytest

from netlab.client.address_names import address_names
from netlab.client.cluster import Body, Cluster
from netlab.kube.kinds.service.view import service_of
from netlab.model.addresses import Family
from netlab.model.hosts import Host, HostKind
from netlab.model.names import NetnsName


def service(name: str, **spec: object) -> Body:
    ports = [{"port": 80, "targetPort": 8080}]
    return {
        "metadata": {"name": name, "namespace": "default"},
        "spec": {"clusterIP": "10.0.0.9", "ports": ports} | spec,
    }


def endpoint(address: str, node: str, **conditions: bool | None) -> Body:
    return {"addresses": [address], "nodeName": node, "conditions": conditions}


def slice_of(name: str, *endpoints: Body, namespace: str = "default", family: str = "IPv4") -> Body:
    return {
        "addressType": family,
        "metadata": {"namespace": namespace, "labels": {"kubernetes.io/service-name": name}},
        "ports": [{"port": 8080}],
        "endpoints": list(endpoints),
    }


class Lists:
    """The lists an API would answer with."""

    def __init__(self, services: list[Body], slices: list[Body]) -> None:
        cidrs = ["10.244.1.0/24", "fd00:10:244:1::/64"]
        addresses = [
            {"type": "InternalIP", "address": "10.240.0.3"},
            {"type": "ExternalIP", "address": "192.0.2.3"},
            {"type": "ExternalIP", "address": "2001:db8:192::3"},
        ]
        node = {
            "metadata": {"name": "node1"},
            "spec": {"podCIDR": cidrs[0], "podCIDRs": cidrs},
            "status": {"addresses": addresses},
        }
        self._lists = {
            "/api/v1/services": services,
            "/apis/discovery.k8s.io/v1/endpointslices": slices,
            "/api/v1/nodes": [node, {"metadata": {"name": "node2"}, "spec": {}}],
        }

    def get(self, path: str, /) -> Body:
        return {"items": self._lists[path]}

    def create(self, path: str, body: Body, /) -> Body:
        raise AssertionError(f"{path} {body}: only reading is expected")

    def patch(self, path: str, body: Body, content_type: str, /) -> Body:
        raise AssertionError(f"{path} {body} {content_type}: only reading is expected")

    def delete(self, path: str, /) -> Body:
        raise AssertionError(f"{path}: only reading is expected")


NODE = Host(
    name="node1",
    kind=HostKind.NODE,
    netns=NetnsName("n"),
    addresses=(ip_address("10.240.0.3"), ip_address("10.244.1.1")),
)


def cluster(services: list[Body], slices: list[Body]) -> Cluster:
    return Cluster(lab="t", objects=Lists(services, slices), read_hosts=lambda: (NODE,))


def test_only_ready_endpoints_of_the_service_itself_are_backends():
    ours = slice_of(
        "web",
        endpoint("10.244.1.2", "node1", ready=True),
        endpoint("10.244.1.3", "node1", ready=False),
        endpoint("10.244.2.2", "node2"),
    )
    other = slice_of("web", endpoint("10.244.9.9", "node1", ready=True), namespace="prod")
    [port] = cluster([service("web")], [ours, other]).service_ports()
    assert [str(backend.address) for backend in port.backends] == ["10.244.1.2", "10.244.2.2"]
    assert port.has_backend_on("node2")
    assert not port.has_backend_on("node3")


def test_services_that_no_tcp_call_can_reach_are_left_out():
    services = [
        service("headless", clusterIP="None"),
        service("external", clusterIP=""),
        service("dns", ports=[{"port": 53, "protocol": "UDP"}]),
        service("web", ports=[{"name": "http", "port": 80, "nodePort": 30080}]),
    ]
    [port] = cluster(services, []).service_ports()
    assert (port.key, port.node_port, port.backends) == ("default/web:http", 30080, ())


def test_a_name_stands_for_one_address_of_each_family():
    router = Host(
        name="router",
        kind=HostKind.ROUTER,
        netns=NetnsName("netlab-x-router"),
        addresses=tuple(map(ip_address, ("10.240.0.1", "fd00:10:240::1", "198.51.100.1"))),
    )
    names = address_names(cluster([], []), [router], [])
    assert names["10.240.0.1"] == names["fd00:10:240::1"] == "router"
    assert names["198.51.100.1"] == "router(198.51.100.1)"


def test_a_service_has_an_address_of_each_family_or_none():
    dual = service("web", clusterIPs=["10.0.0.9", "fd00::9"])

    assert [str(address) for address in service_of(dual).cluster_ips] == ["10.0.0.9", "fd00::9"]
    assert service_of(service("headless", clusterIP="None")).cluster_ips == ()
    assert service_of(service("external", clusterIP="")).cluster_ips == ()


def test_ports_of_other_protocols_are_there_when_asked_for():
    ports = [{"name": "a", "port": 53, "protocol": "UDP"}, {"name": "b", "port": 53}]
    piece = slice_of("dns", endpoint("10.244.1.2", "node1", ready=True))
    piece["ports"] = [{"name": "a", "port": 5353, "protocol": "UDP"}]
    found = cluster([service("dns", ports=ports)], [piece])

    assert [port.protocol for port in found.service_ports()] == ["TCP"]
    both = found.service_ports("TCP", "UDP")
    assert [(port.key, [b.port for b in port.backends]) for port in both] == [
        ("default/dns:b", []),
        ("default/dns:a", [5353]),
    ]


DUAL = service("web", clusterIP="10.0.0.9", clusterIPs=["10.0.0.9", "fd00::9"])
SLICES = [
    slice_of("web", endpoint("fd00:10:244:1::2", "node1", ready=True), family="IPv6"),
    slice_of("web", endpoint("10.244.1.2", "node1", ready=True)),
    slice_of("web", endpoint("web.example", "node1", ready=True), family="FQDN"),
]


@pytest.mark.parametrize(
    ("family", "cluster_ip", "backend"),
    [
        (None, "10.0.0.9", "10.244.1.2:8080"),
        (Family.IPV4, "10.0.0.9", "10.244.1.2:8080"),
        (Family.IPV6, "fd00::9", "[fd00:10:244:1::2]:8080"),
    ],
)
def test_a_service_of_two_families_is_seen_in_one(
    family: Family | None, cluster_ip: str, backend: str
):
    [port] = cluster([DUAL], SLICES).service_ports(family=family)

    assert str(port.cluster_ip) == cluster_ip
    assert [str(one) for one in port.backends] == [backend]


def test_a_service_without_the_family_is_left_out():
    only = service("old")
    ports = cluster([DUAL, only], SLICES).service_ports(family=Family.IPV6)
    assert [port.name for port in ports] == ["web"]


def test_every_address_of_a_trace_has_a_short_name():
    balanced = {
        **DUAL,
        "spec": {**DUAL["spec"], "type": "LoadBalancer", "externalIPs": ["192.0.2.99"]},
        "status": {"loadBalancer": {"ingress": [{"ip": "2001:db8:203::5"}]}},
    }
    services = [balanced, {**service("dns"), "metadata": {"name": "dns", "namespace": "prod"}}]
    services[1]["spec"]["clusterIP"] = "10.0.0.10"

    assert address_names(cluster(services, []), [NODE], map(service_of, services)) == {
        "10.240.0.3": "node1",
        "10.244.1.1": "node1(gateway)",
        "fd00:10:244:1::1": "node1(gateway)",
        "192.0.2.3": "node1(external)",
        "2001:db8:192::3": "node1(external)",
        "10.0.0.9": "svc/web",
        "fd00::9": "svc/web",
        "192.0.2.99": "svc/web",
        "2001:db8:203::5": "svc/web",
        "10.0.0.10": "svc/prod/dns",
    }
