"""A lab as JSON, ``netlab.graph/1``; ``netlab/render/graph.schema.json`` describes it."""

from typing import Any, Final

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
        "gateway": str(node.gateway) if node.gateway else None,
        "pod_cidr": str(node.pod_cidr) if node.pod_cidr else None,
        "pods": [
            {
                "name": pod.name,
                "address": str(pod.address) if pod.address else None,
                "ready": pod.is_ready,
                "owner": pod.owner or None,
            }
            for pod in node.pods
        ],
    }


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
