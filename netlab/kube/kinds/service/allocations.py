"""What a Service holds, or asks for, of what no two Services may have."""

from collections.abc import Iterator

from netlab.kube.objects import Object, items_of, spec_of


def cluster_ips(service: Object) -> list[str]:
    """Return the ClusterIPs of a Service, which may be ``None``."""
    spec = spec_of(service)
    addresses: list[str] = spec.get("clusterIPs") or []
    return addresses or ([spec["clusterIP"]] if spec.get("clusterIP") else [])


def ports_by_field(service: Object) -> Iterator[tuple[str, int]]:
    """Yield the NodePorts of a Service, and its healthCheckNodePort, each with its field."""
    spec = spec_of(service)
    for place, port in enumerate(items_of(spec, "ports")):
        if port.get("nodePort"):
            yield f"spec.ports[{place}].nodePort", port["nodePort"]
    if spec.get("healthCheckNodePort"):
        yield "spec.healthCheckNodePort", spec["healthCheckNodePort"]


def held_ports(service: Object) -> set[int]:
    """Return the ports that a Service has on every node."""
    return {number for _, number in ports_by_field(service)}
