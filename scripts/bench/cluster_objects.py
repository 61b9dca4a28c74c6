"""Services with two endpoints each, as Kubernetes objects of any number."""

from collections.abc import Iterator
from ipaddress import ip_address

Object = dict[str, object]

CLUSTER_IPS = ip_address("10.0.0.0")
PODS = ip_address("10.244.0.0")
SPARE_PODS = ip_address("10.248.0.0")
"""Addresses of endpoints that come in place of others."""
POD_PORT = 8080


def services(count: int) -> Iterator[Object]:
    """Yield ``count`` Services; rules are laid in this order."""
    for number in range(count):
        yield {
            "metadata": {"namespace": "default", "name": name(number)},
            "spec": {
                "clusterIP": cluster_ip(number),
                "ports": [{"name": "http", "port": 80, "targetPort": POD_PORT}],
            },
        }


def slices(count: int) -> Iterator[Object]:
    """Yield the EndpointSlice of each Service."""
    for number in range(count):
        yield endpoint_slice(number, *endpoints(number))


def endpoint_slice(number: int, *addresses: str) -> Object:
    """Return the EndpointSlice of one Service."""
    service = name(number)
    return {
        "metadata": {
            "namespace": "default",
            "name": f"{service}-abcde",
            "labels": {"kubernetes.io/service-name": service},
        },
        "addressType": "IPv4",
        "ports": [{"name": "http", "port": POD_PORT}],
        "endpoints": [
            {"addresses": [address], "nodeName": f"node{place + 1}"}
            for place, address in enumerate(addresses)
        ],
    }


def name(number: int) -> str:
    """Return the name of a Service; names sort as numbers do."""
    return f"app-{number:05}"


def cluster_ip(number: int) -> str:
    """Return the ClusterIP of a Service."""
    return str(CLUSTER_IPS + number + 1)


def endpoints(number: int) -> tuple[str, str]:
    """Return the endpoints of a Service at the beginning."""
    return str(PODS + 2 * number), str(PODS + 2 * number + 1)
