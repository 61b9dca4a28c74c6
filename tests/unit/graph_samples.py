"""Labs to draw: a small one, and one of ten nodes and a hundred pods."""

from dataclasses import replace
from ipaddress import ip_address, ip_network

from netlab.model.graph import (
    GraphEndpoint,
    GraphHost,
    GraphNode,
    GraphPod,
    GraphPort,
    GraphService,
    LabGraph,
)

ROUTER = GraphHost(name="router", addresses=(ip_address("10.240.0.1"), ip_address("198.51.100.1")))
BALANCER = GraphHost(name="lb", addresses=(ip_address("10.240.0.2"),))
CLIENT = GraphHost(name="client", addresses=(ip_address("198.51.100.79"),))


def pod(number: int, at: int, name: str, owner: str = "", *, is_ready: bool = True) -> GraphPod:
    """Return the pod of node ``number`` with the address ``at``."""
    addresses = (ip_address(f"10.244.{number}.{at}"),)
    return GraphPod(name=name, addresses=addresses, is_ready=is_ready, owner=owner)


def node(number: int, *pods: GraphPod) -> GraphNode:
    return GraphNode(
        name=f"node{number}",
        addresses=(ip_address(f"10.240.0.{number + 2}"),),
        external=(ip_address(f"192.0.2.{number + 2}"),),
        gateways=(ip_address(f"10.244.{number}.1"),),
        pod_cidrs=(ip_network(f"10.244.{number}.0/24"),),
        pods=pods,
    )


def service(name: str, *nodes: GraphNode, policy: str = "Cluster") -> GraphService:
    """Return a NodePort Service of all pods of ``nodes``."""
    return GraphService(
        name=f"default/{name}",
        type="NodePort",
        cluster_ips=(ip_address("10.0.55.247"),),
        policy=policy,
        ports=(GraphPort(name="http", protocol="TCP", port=80, node_port=31704),),
        endpoints=tuple(
            GraphEndpoint(
                address=address,
                ports=(8080,),
                pod=one.name,
                node=where.name,
                is_ready=one.is_ready,
            )
            for where in nodes
            for one in where.pods
            for address in one.addresses
        ),
    )


def lab(*nodes: GraphNode, services: tuple[GraphService, ...] = ()) -> LabGraph:
    return LabGraph(
        lab="blue",
        topology="any",
        clients=(CLIENT,),
        router=ROUTER,
        balancers=(BALANCER,),
        nodes=nodes,
        services=services,
    )


WEB = node(1, pod(1, 2, "web-1"), pod(1, 3, "web-2", is_ready=False))
EMPTY = node(2)
SMALL = lab(
    WEB,
    EMPTY,
    services=(
        service("web", WEB),
        GraphService(name="default/none", type="ClusterIP", cluster_ips=()),
    ),
)


def large() -> LabGraph:
    """Return ten nodes with ten pods each: nine of one Deployment, and one of its own."""
    owner = "storefront-746d9df86c"
    nodes = [
        node(
            number,
            pod(number, 2, f"agent-{number}"),
            *(pod(number, at, f"{owner}-{number:02}{at:02}x", owner) for at in range(3, 12)),
        )
        for number in range(1, 11)
    ]
    return lab(*nodes, services=(service("storefront", *nodes), service("agents", policy="Local")))


HOSTILE = "x\"];</script><script>alert('&');\n  end\x1b[31m --> \\"
"""A name that would break out of any form that does not escape it."""


def hostile() -> LabGraph:
    made = node(1, pod(1, 2, HOSTILE))
    return lab(made, services=(service(HOSTILE, made),))


def dual() -> LabGraph:
    """Return a node with a pod of IPv4 and IPv6, and a Service of both."""
    both = GraphNode(
        name="node1",
        addresses=(ip_address("10.240.0.3"), ip_address("fd00:10:240::3")),
        external=(ip_address("192.0.2.3"), ip_address("2001:db8:192::3")),
        gateways=(ip_address("10.244.1.1"), ip_address("fd00:10:244:1::1")),
        pod_cidrs=(ip_network("10.244.1.0/24"), ip_network("fd00:10:244:1::/64")),
        pods=(
            GraphPod(
                name="web-1",
                addresses=(ip_address("10.244.1.2"), ip_address("fd00:10:244:1::2")),
                is_ready=False,
            ),
        ),
    )
    made = service("web", both)
    cluster_ips = (*made.cluster_ips, ip_address("fd00:10:96::577e"))
    return lab(both, services=(replace(made, cluster_ips=cluster_ips),))
