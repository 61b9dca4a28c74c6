"""A lab as JSON, ``netlab.graph/1``; ``netlab/render/graph.schema.json`` describes it."""

from collections.abc import Sequence
from typing import Any, Final

from netlab.model.addresses import Address, Network
from netlab.model.graph import GraphHost, GraphNode, GraphService, LabGraph

SCHEMA: Final = "netlab.graph/1"

_Json = dict[str, Any]


def graph_document(graph: LabGraph) -> _Json:
    """Return the document; no pod is folded."""
    return {
        "schema": SCHEMA,
        "lab": graph.lab,
        "topology": graph.topology,
        "clients": [_host(client) for client in graph.clients],
        "router": None if graph.router is None else _host(graph.router),
        "load_balancers": [_host(balancer) for balancer in graph.balancers],
        "nodes": [_node(node) for node in graph.nodes],
        "services": [_service(service) for service in graph.services],
    }


def _host(host: GraphHost) -> _Json:
    return {"name": host.name, "addresses": [str(address) for address in host.addresses]}


def _node(node: GraphNode) -> _Json:
    return {
        "name": node.name,
        "addresses": [str(address) for address in node.addresses],
        "external": [str(address) for address in node.external],
        **_by_family("gateway", "gateways", node.gateways),
        **_by_family("pod_cidr", "pod_cidrs", node.pod_cidrs),
        "pods": [
            {
                "name": pod.name,
                **_by_family("address", "addresses", pod.addresses),
                "ready": pod.is_ready,
                "owner": pod.owner or None,
            }
            for pod in node.pods
        ],
    }


def _by_family(one: str, several: str, values: Sequence[Address | Network]) -> _Json:
    """Return the main family's value as field ``one``, and of two families all as ``several``."""
    texts = [str(value) for value in values]
    return {one: texts[0] if texts else None} | ({several: texts} if len(texts) > 1 else {})


def _service(service: GraphService) -> _Json:
    return {
        "name": service.name,
        "type": service.type,
        "cluster_ips": [str(address) for address in service.cluster_ips],
        "external": [str(address) for address in service.external],
        "external_traffic_policy": service.policy or None,
        "ports": [
            {
                "name": port.name or None,
                "protocol": port.protocol,
                "port": port.port,
                "node_port": port.node_port,
            }
            for port in service.ports
        ],
        "endpoints": [
            {
                "address": str(endpoint.address),
                "ports": list(endpoint.ports),
                "pod": endpoint.pod or None,
                "node": endpoint.node or None,
                "ready": endpoint.is_ready,
            }
            for endpoint in service.endpoints
        ],
    }
