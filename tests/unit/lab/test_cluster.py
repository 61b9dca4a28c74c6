"""Services and endpoints out of plain Kubernetes objects."""

from ipaddress import ip_address

from netlab.lab.cluster import Body, Cluster, cluster_ips
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


def slice_of(name: str, *endpoints: Body, namespace: str = "default") -> Body:
    return {
        "metadata": {"namespace": namespace, "labels": {"kubernetes.io/service-name": name}},
        "ports": [{"port": 8080}],
        "endpoints": list(endpoints),
    }


class Lists:
    """The lists an API would answer with."""

    def __init__(self, services: list[Body], slices: list[Body]) -> None:
        node = {"metadata": {"name": "node1"}, "spec": {"podCIDR": "10.244.1.0/24"}}
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


def test_every_address_has_a_name_and_a_gateway_is_told_from_its_node():
    names = cluster([service("web")], []).names()
    assert {str(address): name for address, name in names.items()} == {
        "10.0.0.9": "Service web",
        "10.244.1.1": "node1 gateway",
        "10.240.0.3": "node1",
    }


def test_a_service_has_an_address_of_each_family_or_none():
    dual = service("web", clusterIPs=["10.0.0.9", "fd00::9"])

    assert [str(address) for address in cluster_ips(dual)] == ["10.0.0.9", "fd00::9"]
    assert cluster_ips(service("headless", clusterIP="None")) == []
    assert cluster_ips(service("external", clusterIP="")) == []


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
