"""What Kubernetes fills in where a Service says nothing.

What is allocated, addresses and ports, is not here but in ``netlab.apiserver.registry.allocation``.

Source: Kubernetes, ``pkg/apis/core/v1/defaults.go`` (SetDefaults_Service).
"""

from netlab.kube.kinds.defaults import filled
from netlab.kube.objects import Object, spec_of


def with_defaults(obj: Object) -> Object:
    """Return a Service with every default that it does not say otherwise."""
    status = obj.get("status") or {"loadBalancer": {}}
    balancer = status.get("loadBalancer") or {}
    if balancer.get("ingress"):
        places = [
            filled(place, {"ipMode": "VIP"}) if place.get("ip") else place
            for place in balancer["ingress"]
        ]
        status = {**status, "loadBalancer": {**balancer, "ingress": places}}
    return {**obj, "spec": _service_spec(spec_of(obj)), "status": status}


def _service_spec(spec: Object) -> Object:
    spec = filled(spec, {"type": "ClusterIP", "sessionAffinity": "None"})
    if spec.get("ports"):
        spec = {**spec, "ports": [_service_port(port) for port in spec["ports"]]}
    if spec["sessionAffinity"] == "ClientIP":
        affinity = {"clientIP": {"timeoutSeconds": 10800}}
        spec = filled(spec, {"sessionAffinityConfig": affinity})
    elif spec["sessionAffinity"] == "None":
        spec = {field: value for field, value in spec.items() if field != "sessionAffinityConfig"}
    if spec["type"] != "ExternalName":
        spec = filled(spec, {"internalTrafficPolicy": "Cluster"})
    if spec["type"] in {"NodePort", "LoadBalancer"} or spec.get("externalIPs"):
        spec = filled(spec, {"externalTrafficPolicy": "Cluster"})
    if spec["type"] == "LoadBalancer" and spec.get("allocateLoadBalancerNodePorts") is None:
        spec = {**spec, "allocateLoadBalancerNodePorts": True}
    return spec


def _service_port(port: Object) -> Object:
    return filled(port, {"protocol": "TCP", "targetPort": port.get("port")})
