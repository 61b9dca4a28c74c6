"""Labs to draw: a small one, and one of ten nodes and a hundred pods."""

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
    address = ip_address(f"10.244.{number}.{at}")
    return GraphPod(name=name, address=address, is_ready=is_ready, owner=owner)


def node(number: int, *pods: GraphPod) -> GraphNode:
    return GraphNode(
        name=f"node{number}",
        addresses=(ip_address(f"10.240.0.{number + 2}"),),
        external=(ip_address(f"192.0.2.{number + 2}"),),
        gateway=ip_address(f"10.244.{number}.1"),
        pod_cidr=ip_network(f"10.244.{number}.0/24"),
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
                address=one.address,
                ports=(8080,),
                pod=one.name,
                node=where.name,
                is_ready=one.is_ready,
            )
            for where in nodes
            for one in where.pods
            if one.address is not None
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
