"""Which Services have ports on every node."""

from collections.abc import Mapping


def holds_node_ports(spec: Mapping[str, object]) -> bool:
    """Return whether a Service of this spec has NodePorts of its own accord."""
    kind = spec.get("type")
    return kind == "NodePort" or (
        kind == "LoadBalancer" and spec.get("allocateLoadBalancerNodePorts") is not False
    )


def holds_health_check_port(spec: Mapping[str, object]) -> bool:
    """Return whether a Service of this spec tells load balancers which nodes have endpoints."""
    return spec.get("type") == "LoadBalancer" and spec.get("externalTrafficPolicy") == "Local"
