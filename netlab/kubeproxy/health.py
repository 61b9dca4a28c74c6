"""What kube-proxy answers to whoever asks for a node's health.

Two kinds ask. A load balancer asks the health check port of one Service whether the node has a
ready endpoint of its own for it; an endpoint that terminates does not count, so the balancer turns
away while the rules still serve. Cluster software asks kube-proxy's own port whether the rules
follow the objects.

Source: kube-proxy, ``pkg/proxy/healthcheck/service_health.go`` and ``proxy_health.go``.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import Final

from netlab.kube.kinds.service.view import ProxyNode
from netlab.kubeproxy.service_map import ServiceEndpoints
from netlab.model.addresses import Family, Network

HEALTH_TIMEOUT_S: Final = 60.0
"""Twice the sync period: an update that has waited longer makes kube-proxy unhealthy."""

EVERYWHERE: Final = {Family.IPV4: "0.0.0.0", Family.IPV6: "::"}  # noqa: S104 (of a node)

_JSON: Final = {"Content-Type": "application/json", "X-Content-Type-Options": "nosniff"}
TAINT_TO_BE_DELETED: Final = "ToBeDeletedByClusterAutoscaler"


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """An HTTP answer."""

    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    body: str


@dataclass(frozen=True, slots=True, kw_only=True)
class HealthCheck:
    """The health check port of one Service on one node."""

    namespace: str
    name: str
    port: int
    local_endpoints: int
    """Ready endpoints on the node; each address counts once, however many ports it serves."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProxyHealth:
    """Whether the rules of one node follow the objects; times are wall clock seconds."""

    updated_at: float
    """When the rules were last brought up to date."""
    queued_at: float | None = None
    """Since when a change waits; None when none does."""

    def is_healthy(self, now: float) -> bool:
        """Tell whether no change has waited for too long."""
        return self.queued_at is None or now - self.queued_at < HEALTH_TIMEOUT_S


def health_check(
    node: ProxyNode, served: ServiceEndpoints | None, family: Family
) -> HealthCheck | None:
    """Return the health check of one Service that ``node`` answers.

    Only a LoadBalancer with external policy Local has one.
    """
    if served is None:
        return None
    service = served.service
    if not (
        service.is_proxied
        and service.type == "LoadBalancer"
        and service.external_traffic_policy == "Local"
        and service.health_check_node_port
    ):
        return None
    local = {
        endpoint.addresses[0]
        for piece in served.slices
        if piece.address_type == family
        for endpoint in piece.endpoints
        if endpoint.ready and endpoint.node_name == node.name and endpoint.addresses
    }
    return HealthCheck(
        namespace=service.namespace,
        name=service.name,
        port=service.health_check_node_port,
        local_endpoints=len(local),
    )


def health_check_addresses(
    node: ProxyNode, networks: Sequence[Network], family: Family
) -> tuple[str, ...]:
    """Return the addresses at which the health check ports of ``node`` listen.

    Args:
        node: The node.
        networks: Where NodePorts answer; empty for all addresses.
        family: The address family.
    """
    if not networks:
        return (EVERYWHERE[family],)
    local = (*node.addresses, *map(ip_address, ("127.0.0.1", "::1")))
    found = (each for each in local if any(each in network for network in networks))
    return tuple(map(str, dict.fromkeys(found)))


def is_eligible(node: Mapping[str, object] | None) -> bool:
    """Tell whether balancers may use a node: a Node object that is to stay.

    Args:
        node: The Node object, as JSON decodes it; None when it is gone.
    """
    if node is None:
        return False
    metadata, spec = node.get("metadata"), node.get("spec")
    if isinstance(metadata, Mapping) and metadata.get("deletionTimestamp"):
        return False
    taints = spec.get("taints") if isinstance(spec, Mapping) else None
    return TAINT_TO_BE_DELETED not in {taint.get("key") for taint in taints or ()}


def health_check_answer(check: HealthCheck, *, proxy_is_healthy: bool) -> Answer:
    """Return what the health check port of a Service answers, to any path."""
    document = {
        "service": {"namespace": check.namespace, "name": check.name},
        "localEndpoints": check.local_endpoints,
        "serviceProxyHealthy": proxy_is_healthy,
    }
    return Answer(
        status=200 if check.local_endpoints and proxy_is_healthy else 503,
        headers={**_JSON, "X-Load-Balancing-Endpoint-Weight": str(check.local_endpoints)},
        body=json.dumps(document, indent="\t"),
    )


def proxy_health_answer(
    health: Mapping[Family, ProxyHealth],
    *,
    now: float,
    stamp: Callable[[float], str],
    eligible: bool | None,
) -> Answer:
    """Return what ``/healthz`` answers, or ``/livez``, which does not ask for eligibility.

    Args:
        health: The node's, by address family; it is healthy when it is so in each.
        now: Wall clock seconds.
        stamp: Turns wall clock seconds into text.
        eligible: Whether balancers may use the node; None for ``/livez``.
    """
    is_healthy = all(one.is_healthy(now) for one in health.values())
    is_well = is_healthy and eligible is not False
    updated_at = max(one.updated_at for one in health.values())
    document: dict[str, object] = {
        # A healthy proxy with nothing to do is as good as one that has just synced.
        "lastUpdated": stamp(now if is_healthy else updated_at),
        "currentTime": stamp(now),
    }
    if eligible is not None:
        document["nodeEligible"] = eligible
    document["healthy"] = is_well
    document["status"] = {
        str(family): {"lastUpdated": stamp(one.updated_at), "healthy": one.is_healthy(now)}
        for family, one in health.items()
    }
    body = json.dumps(document, separators=(",", ":"))
    return Answer(status=200 if is_well else 503, headers=_JSON, body=body)
