"""What Kubernetes fills in where an object says nothing.

Empty counts as absent: typed clients send empty structures for what they leave out. What depends on
other objects, such as a ClusterIP, is not here but in ``netlab.apiserver.registry.allocation``.

Source: Kubernetes, ``pkg/apis/core/v1/defaults.go``, ``pkg/apis/apps/v1/defaults.go``.
"""

from collections.abc import Callable
from typing import Any, Final

from netlab.kube.objects import Object, items_of, metadata_of, name_of, spec_of, status_of

_POD_SPEC: Final[Object] = {
    "restartPolicy": "Always",
    "terminationGracePeriodSeconds": 30,
    "dnsPolicy": "ClusterFirst",
    "securityContext": {},
    "schedulerName": "default-scheduler",
    "serviceAccountName": "default",
    "serviceAccount": "default",
    "enableServiceLinks": True,
    "preemptionPolicy": "PreemptLowerPriority",
    "priority": 0,
}

_TEMPLATE_SPEC: Final[Object] = {
    field: _POD_SPEC[field]
    for field in (
        "restartPolicy",
        "terminationGracePeriodSeconds",
        "dnsPolicy",
        "securityContext",
        "schedulerName",
    )
}

_CONTAINER: Final[Object] = {
    "resources": {},
    "terminationMessagePath": "/dev/termination-log",
    "terminationMessagePolicy": "File",
}

_PROBE: Final[Object] = {
    "timeoutSeconds": 1,
    "periodSeconds": 10,
    "successThreshold": 1,
    "failureThreshold": 3,
}


def with_defaults(obj: Object) -> Object:
    """Return the object with every default that it does not say otherwise."""
    metadata = {field: value for field, value in metadata_of(obj).items() if value is not None}
    obj = {**obj, "metadata": metadata}
    complete = _BY_KIND.get(obj["kind"])
    return complete(obj) if complete is not None else obj


def filled(part: Object, defaults: Object) -> Object:
    """Return ``part`` with defaults for what it lacks, or holds only as null or empty."""
    missing = {
        field: value for field, value in defaults.items() if part.get(field) in (None, "", {})
    }
    return {**part, **missing} if missing else part


def _pod(obj: Object) -> Object:
    return {**obj, "spec": _pod_spec(spec_of(obj), _POD_SPEC), "status": _pod_status(obj)}


def _pod_spec(spec: Object, defaults: Object) -> Object:
    spec = filled(spec, defaults)
    changed = {
        field: [_container(one) for one in items_of(spec, field)]
        for field in ("containers", "initContainers")
        if spec.get(field)
    }
    if spec.get("hostNetwork"):
        for one in changed.get("containers", ()):
            one["ports"] = [
                filled(port, {"hostPort": port["containerPort"]}) for port in items_of(one, "ports")
            ]
    return {**spec, **changed}


def _container(container: Object) -> Object:
    image = str(container.get("image", ""))
    tag = image.rsplit("/", 1)[-1]
    latest = "@" not in image and (":" not in tag or tag.endswith(":latest"))
    pull_policy = "Always" if latest else "IfNotPresent"
    new = filled(container, {**_CONTAINER, "imagePullPolicy": pull_policy})
    changed: dict[str, Any] = {}
    if new.get("ports"):
        changed["ports"] = [filled(port, {"protocol": "TCP"}) for port in new["ports"]]
    for probe in ("livenessProbe", "readinessProbe", "startupProbe"):
        if new.get(probe):
            changed[probe] = _probe(new[probe])
    return {**new, **changed}


def _probe(probe: Object) -> Object:
    probe = filled(probe, _PROBE)
    if probe.get("httpGet"):
        get = filled(probe["httpGet"], {"path": "/", "scheme": "HTTP"})
        probe = {**probe, "httpGet": get}
    return probe


def _pod_status(pod: Object) -> Object:
    return filled(status_of(pod), {"phase": "Pending", "qosClass": _qos_class(pod)})


def _qos_class(pod: Object) -> str:
    """Return ``BestEffort``, ``Burstable`` or ``Guaranteed``, by the containers' resources."""
    resources = [one.get("resources") or {} for one in items_of(spec_of(pod), "containers")]
    if not any(one.get("requests") or one.get("limits") for one in resources):
        return "BestEffort"
    guaranteed = all(
        {"cpu", "memory"} <= set(one.get("limits") or {})
        and (one.get("requests") or one["limits"]) == one["limits"]
        for one in resources
    )
    return "Guaranteed" if guaranteed else "Burstable"


def _template(spec: Object) -> Object:
    template: Object = spec.get("template") or {}
    metadata = {field: value for field, value in metadata_of(template).items() if value is not None}
    return {**template, "metadata": metadata, "spec": _pod_spec(spec_of(template), _TEMPLATE_SPEC)}


def _deployment(obj: Object) -> Object:
    spec = filled(
        spec_of(obj),
        {
            "replicas": 1,
            "strategy": {"type": "RollingUpdate"},
            "revisionHistoryLimit": 10,
            "progressDeadlineSeconds": 600,
        },
    )
    strategy = filled(spec["strategy"], {"type": "RollingUpdate"})
    if strategy["type"] == "RollingUpdate":
        rolling = strategy.get("rollingUpdate") or {}
        rolling = filled(rolling, {"maxSurge": "25%", "maxUnavailable": "25%"})
        strategy = {**strategy, "rollingUpdate": rolling}
    spec = {**spec, "strategy": strategy, "template": _template(spec)}
    return {**obj, "spec": spec, "status": status_of(obj)}


def _replicaset(obj: Object) -> Object:
    spec = filled(spec_of(obj), {"replicas": 1})
    spec = {**spec, "template": _template(spec)}
    if not spec.get("selector"):
        spec["selector"] = {"matchLabels": metadata_of(spec["template"]).get("labels", {})}
    return {**obj, "spec": spec, "status": obj.get("status") or {"replicas": 0}}


def _namespace(obj: Object) -> Object:
    labels = {**(metadata_of(obj).get("labels") or {}), "kubernetes.io/metadata.name": name_of(obj)}
    return {
        **obj,
        "metadata": {**metadata_of(obj), "labels": labels},
        "spec": filled(spec_of(obj), {"finalizers": ["kubernetes"]}),
        "status": filled(status_of(obj), {"phase": "Active"}),
    }


def _service(obj: Object) -> Object:
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
    if spec["type"] != "ExternalName":
        spec = filled(spec, {"internalTrafficPolicy": "Cluster"})
    if spec["type"] in {"NodePort", "LoadBalancer"} or spec.get("externalIPs"):
        spec = filled(spec, {"externalTrafficPolicy": "Cluster"})
    if spec["type"] == "LoadBalancer" and spec.get("allocateLoadBalancerNodePorts") is None:
        spec = {**spec, "allocateLoadBalancerNodePorts": True}
    return spec


def _service_port(port: Object) -> Object:
    return filled(port, {"protocol": "TCP", "targetPort": port.get("port")})


def _endpoint_port(port: Object) -> Object:
    # Clients follow the name as a pointer, so it is there even when it is empty.
    return {**port, "name": port.get("name") or "", "protocol": port.get("protocol") or "TCP"}


def _slice(obj: Object) -> Object:
    ports = [_endpoint_port(port) for port in items_of(obj, "ports")]
    return {**obj, "ports": ports, "endpoints": items_of(obj, "endpoints")}


def _endpoints(obj: Object) -> Object:
    if not obj.get("subsets"):
        return obj
    subsets = [
        {**subset, "ports": [filled(port, {"protocol": "TCP"}) for port in subset["ports"]]}
        if subset.get("ports")
        else subset
        for subset in obj["subsets"]
    ]
    return {**obj, "subsets": subsets}


_BY_KIND: Final[dict[str, Callable[[Object], Object]]] = {
    "Namespace": _namespace,
    "Pod": _pod,
    "Deployment": _deployment,
    "ReplicaSet": _replicaset,
    "Service": _service,
    "EndpointSlice": _slice,
    "Endpoints": _endpoints,
}
