"""What Kubernetes fills in where a pod, or the template of one, says nothing.

Source: Kubernetes, ``pkg/apis/core/v1/defaults.go``.
"""

from typing import Any, Final

from netlab.kube.kinds.defaults import filled
from netlab.kube.objects import Object, items_of, metadata_of, spec_of, status_of

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
    """Return a pod with every default that it does not say otherwise."""
    return {**obj, "spec": _pod_spec(spec_of(obj), _POD_SPEC), "status": _pod_status(obj)}


def template_with_defaults(spec: Object) -> Object:
    """Return the pod template of a workload's ``spec`` with its defaults."""
    template: Object = spec.get("template") or {}
    metadata = {field: value for field, value in metadata_of(template).items() if value is not None}
    return {**template, "metadata": metadata, "spec": _pod_spec(spec_of(template), _TEMPLATE_SPEC)}


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
