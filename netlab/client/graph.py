"""Read a running lab for a drawing, from its control plane."""

from collections.abc import Mapping, Sequence
from ipaddress import ip_address
from typing import Any

from netlab.client.api_client import Client
from netlab.kube.kinds.node_view import Node, node_of
from netlab.kube.kinds.pod.view import Pod, pod_of
from netlab.kube.kinds.service.view import (
    Endpoint,
    EndpointSlice,
    Service,
    ServicePort,
    endpoint_slice_of,
    service_of,
)
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
    pods = [pod_of(one) for one in client.list_("/api/v1/pods")]
    slices = [
        endpoint_slice_of(one) for one in client.list_("/apis/discovery.k8s.io/v1/endpointslices")
    ]
    routers = _hosts(report, "router")
    return LabGraph(
        lab=lab,
        topology=report["topology"],
        clients=_hosts(report, "client"),
        router=routers[0] if routers else None,
        balancers=_hosts(report, "lb"),
        nodes=tuple(_node(node_of(one), pods) for one in client.list_("/api/v1/nodes")),
        services=tuple(
            sorted(
                (_service(service_of(one), slices) for one in client.list_("/api/v1/services")),
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


def _node(node: Node, pods: Sequence[Pod]) -> GraphNode:
    ours = [pod for pod in pods if pod.node_name == node.name]
    return GraphNode(
        name=node.name,
        addresses=node.internal_ips,
        external=node.external_ips,
        gateways=node.gateways,
        pod_cidrs=node.pod_cidrs,
        pods=tuple(sorted(map(_pod, ours), key=lambda pod: pod.name)),
    )


def _pod(pod: Pod) -> GraphPod:
    return GraphPod(
        name=_typed(pod.namespace, pod.name),
        addresses=pod.addresses,
        is_ready=pod.is_ready,
        owner=_typed(pod.namespace, pod.owner) if pod.owner else "",
    )


def _service(service: Service, slices: Sequence[EndpointSlice]) -> GraphService:
    return GraphService(
        name=f"{service.namespace}/{service.name}",
        type=service.type,
        cluster_ips=service.cluster_ips,
        external=(*service.external_ips, *service.ingress_ips),
        policy=service.external_traffic_policy if service.is_external else "",
        ports=tuple(map(_port, service.ports)),
        endpoints=_endpoints(service, slices),
    )


def _port(port: ServicePort) -> GraphPort:
    return GraphPort(
        name=port.name, protocol=port.protocol, port=port.port, node_port=port.node_port
    )


def _endpoints(service: Service, slices: Sequence[EndpointSlice]) -> tuple[GraphEndpoint, ...]:
    found: dict[object, GraphEndpoint] = {}
    for piece in slices:
        if (piece.namespace, piece.service_name) == (service.namespace, service.name):
            ports = tuple(one.port for one in piece.ports if one.port is not None)
            for endpoint in piece.endpoints:
                for address in endpoint.addresses[:1]:
                    found.setdefault(address, _endpoint(piece.namespace, endpoint, ports))
    main = next((address.version for address in service.cluster_ips), 4)
    return tuple(
        sorted(found.values(), key=lambda e: (e.address.version != main, e.address.packed))
    )


def _endpoint(namespace: str, endpoint: Endpoint, ports: tuple[int, ...]) -> GraphEndpoint:
    return GraphEndpoint(
        address=endpoint.addresses[0],
        ports=ports,
        pod=_typed(namespace, endpoint.pod) if endpoint.pod else "",
        node=endpoint.node_name or "",
        is_ready=endpoint.ready,
    )


def _typed(namespace: str, name: str) -> str:
    return name if namespace == "default" else f"{namespace}/{name}"
