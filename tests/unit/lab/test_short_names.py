"""One word for each address."""

from ipaddress import ip_address

from netlab.lab.short_names import cluster_ips, short_names
from netlab.model.hosts import Host, HostKind
from netlab.model.names import NetnsName

NODE = Host(
    name="node1",
    kind=HostKind.NODE,
    netns=NetnsName("n"),
    addresses=(ip_address("10.240.0.3"), ip_address("10.244.1.1")),
)


def service(name: str, namespace: str = "default", **spec: object) -> dict[str, object]:
    return {"metadata": {"name": name, "namespace": namespace}, "spec": spec}


def test_hosts_and_services_have_names():
    services = [
        service("web", clusterIP="10.0.0.9"),
        service("web", "prod", clusterIP="10.0.0.8", clusterIPs=["10.0.0.8", "fd00::8"]),
        service("headless", clusterIP="None"),
    ]

    named = short_names([NODE], services)

    assert {str(address): name for address, name in named.items()} == {
        "10.240.0.3": "node1",
        "10.244.1.1": "node1",
        "10.0.0.9": "svc/web",
        "10.0.0.8": "svc/prod/web",
        "fd00::8": "svc/prod/web",
    }


def test_a_service_without_an_address_has_none():
    assert cluster_ips(service("external", clusterIP="")) == []
