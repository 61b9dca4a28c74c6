"""HorizontalPodAutoscaler: stored; a lab measures nothing to scale by."""

from typing import Final

from netlab.kube.kinds.columns import AGE, NAME, UNKNOWN, column, in_spec, in_status
from netlab.kube.kinds.defaults import filled
from netlab.kube.kinds.horizontalpodautoscaler_validation import validate, validate_status
from netlab.kube.kinds.kind import Kind, OtherVersion
from netlab.kube.objects import Object, items_of, spec_of, status_of
from netlab.kube.resource import Resource


def _with_defaults(obj: Object) -> Object:
    spec = filled(spec_of(obj), {"minReplicas": 1})
    return {**obj, "spec": spec, "status": filled(status_of(obj), {"desiredReplicas": 0})}


def _reference(obj: Object) -> str:
    target = spec_of(obj).get("scaleTargetRef") or {}
    return f"{target.get('kind', '')}/{target.get('name', '')}"


def _targets(obj: Object) -> str:
    metrics = items_of(spec_of(obj), "metrics")
    return ", ".join(_target(one) for one in metrics[:2]) or UNKNOWN


def _target(metric: Object) -> str:
    resource = metric.get("resource") or {}
    wanted = (resource.get("target") or {}).get("averageUtilization")
    if wanted is None:
        return UNKNOWN
    return f"{resource.get('name', '')}: {UNKNOWN}/{wanted}%"


def _to_v1(obj: Object) -> Object:
    """Return the object in version 1, which knows one metric: the CPU time of pods."""
    spec = {key: value for key, value in spec_of(obj).items() if key not in {"metrics", "behavior"}}
    for metric in items_of(spec_of(obj), "metrics"):
        share = _cpu_utilization(metric)
        if share is not None:
            spec["targetCPUUtilizationPercentage"] = share
    status = status_of(obj)
    counts = {field: status.get(field, 0) for field in ("currentReplicas", "desiredReplicas")}
    return {**obj, "apiVersion": "autoscaling/v1", "spec": spec, "status": counts}


def _cpu_utilization(metric: Object) -> int | None:
    resource = metric.get("resource") or {}
    if metric.get("type") != "Resource" or resource.get("name") != "cpu":
        return None
    share: int | None = (resource.get("target") or {}).get("averageUtilization")
    return share


def _from_v1(obj: Object) -> Object:
    obj = {**obj, "apiVersion": "autoscaling/v2"}
    if not isinstance(obj.get("spec"), dict):
        return obj
    spec = dict(obj["spec"])
    share = spec.pop("targetCPUUtilizationPercentage", None)
    if share is not None:
        target = {"type": "Utilization", "averageUtilization": share}
        spec["metrics"] = [{"type": "Resource", "resource": {"name": "cpu", "target": target}}]
    return {**obj, "spec": spec}


KIND: Final = Kind(
    resource=Resource(
        kind="HorizontalPodAutoscaler",
        plural="horizontalpodautoscalers",
        group="autoscaling",
        version="v2",
        short_names=("hpa",),
        categories=("all",),
        subresources=("status",),
    ),
    columns=(
        NAME,
        column("Reference", _reference),
        column("Targets", _targets),
        column("MinPods", in_spec("minReplicas", UNKNOWN)),
        column("MaxPods", in_spec("maxReplicas")),
        column("Replicas", in_status("currentReplicas")),
        AGE,
    ),
    with_defaults=_with_defaults,
    other_versions=(
        OtherVersion(
            resource=Resource(
                kind="HorizontalPodAutoscaler",
                plural="horizontalpodautoscalers",
                group="autoscaling",
                short_names=("hpa",),
                categories=("all",),
                subresources=("status",),
            ),
            to_version=_to_v1,
            from_version=_from_v1,
        ),
    ),
    validate=validate,
    validate_status=validate_status,
    is_only_stored=True,
)
