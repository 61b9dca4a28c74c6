"""Read a running lab for a drawing, from its control plane."""

from collections.abc import Mapping, Sequence
from ipaddress import ip_address, ip_network
from typing import Any

from netlab.client.api_client import Client
from netlab.client.cluster import cluster_ips, slice_family
from netlab.kube.objects import (
    Object,
    controller_of,
    items_of,
    labels_of,
    name_of,
    namespace_of,
    spec_of,
    status_of,
)
from netlab.model.addresses import Address
from netlab.model.graph import (
    GraphEndpoint,
    GraphHost,
    GraphNode,
    GraphPod,
    GraphPort,
    GraphService,
    LabGraph,
)


def read_graph(lab: str, client: Client) -> LabGraph:
    """Return the lab as it is now.

    Raises:
        LabError: The lab has no running control plane.
    """
    report = client.get("/netlab/v1/status")
    pods = client.list_("/api/v1/pods")
    slices = client.list_("/apis/discovery.k8s.io/v1/endpointslices")
    routers = _hosts(report, "router")
    return LabGraph(
        lab=lab,
        topology=report["topology"],
        clients=_hosts(report, "client"),
        router=routers[0] if routers else None,
        balancers=_hosts(report, "lb"),
        nodes=tuple(_node(node, pods) for node in client.list_("/api/v1/nodes")),
        services=tuple(
            sorted(
                (_service(one, slices) for one in client.list_("/api/v1/services")),
                key=lambda service: service.name,
            )
        ),
    )


def _hosts(report: Mapping[str, Any], kind: str) -> tuple[GraphHost, ...]:
    return tuple(
        GraphHost(name=host["name"], addresses=tuple(map(ip_address, host["addresses"])))
        for host in report["hosts"]
        if host["kind"] == kind
    )


def _node(node: Object, pods: Sequence[Object]) -> GraphNode:
    name = name_of(node)
    cidrs = tuple(map(ip_network, spec_of(node).get("podCIDRs") or ()))
    ours = [pod for pod in pods if spec_of(pod).get("nodeName") == name]
    return GraphNode(
        name=name,
        addresses=_addresses(node, "InternalIP"),
        external=_addresses(node, "ExternalIP"),
        gateways=tuple(cidr[1] for cidr in cidrs),
        pod_cidrs=cidrs,
        pods=tuple(sorted(map(_pod, ours), key=lambda pod: pod.name)),
    )


def _addresses(node: Object, kind: str) -> tuple[Address, ...]:
    found = items_of(status_of(node), "addresses")
    return tuple(ip_address(one["address"]) for one in found if one["type"] == kind)


def _pod(pod: Object) -> GraphPod:
    owner = controller_of(pod)
    conditions = {one["type"]: one["status"] for one in items_of(status_of(pod), "conditions")}
    return GraphPod(
        name=_typed(namespace_of(pod), name_of(pod)),
        addresses=tuple(ip_address(one["ip"]) for one in items_of(status_of(pod), "podIPs")),
        is_ready=conditions.get("Ready") == "True",
        owner=_typed(namespace_of(pod), owner["name"]) if owner else "",
    )


def _service(service: Object, slices: Sequence[Object]) -> GraphService:
    spec = spec_of(service)
    ingress = (status_of(service).get("loadBalancer") or {}).get("ingress") or []
    external = [*(spec.get("externalIPs") or []), *(one["ip"] for one in ingress if one.get("ip"))]
    return GraphService(
        name=f"{namespace_of(service)}/{name_of(service)}",
        type=spec.get("type", "ClusterIP"),
        cluster_ips=tuple(cluster_ips(service)),
        external=tuple(map(ip_address, external)),
        policy=spec.get("externalTrafficPolicy", ""),
        ports=tuple(map(_port, items_of(spec, "ports"))),
        endpoints=_endpoints(service, slices),
    )


def _port(port: Object) -> GraphPort:
    return GraphPort(
        name=port.get("name", ""),
        protocol=port.get("protocol", "TCP"),
        port=port["port"],
        node_port=port.get("nodePort"),
    )


def _endpoints(service: Object, slices: Sequence[Object]) -> tuple[GraphEndpoint, ...]:
    found: dict[Address, GraphEndpoint] = {}
    for piece in slices:
        owner = namespace_of(piece), labels_of(piece).get("kubernetes.io/service-name")
        if owner == (namespace_of(service), name_of(service)) and slice_family(piece):
            ports = tuple(one["port"] for one in items_of(piece, "ports") if one.get("port"))
            for endpoint in items_of(piece, "endpoints"):
                made = _endpoint(namespace_of(piece), endpoint, ports)
                found.setdefault(made.address, made)
    main = next((address.version for address in cluster_ips(service)), 4)
    return tuple(
        sorted(found.values(), key=lambda e: (e.address.version != main, e.address.packed))
    )


def _endpoint(namespace: str, endpoint: Object, ports: tuple[int, ...]) -> GraphEndpoint:
    target = endpoint.get("targetRef") or {}
    conditions = endpoint.get("conditions") or {}
    return GraphEndpoint(
        address=ip_address(endpoint["addresses"][0]),
        ports=ports,
        pod=_typed(namespace, target["name"]) if target.get("kind") == "Pod" else "",
        node=endpoint.get("nodeName") or "",
        # Kubernetes reads a condition that is not there as true.
        is_ready=conditions.get("ready") is not False,
    )


def _typed(namespace: str, name: str) -> str:
    return name if namespace == "default" else f"{namespace}/{name}"
