"""HorizontalPodAutoscaler: stored; a lab measures nothing to scale by."""

from typing import Final

from netlab.kube.kinds.columns import AGE, NAME, UNKNOWN, column, in_spec, in_status
from netlab.kube.kinds.defaults import filled
from netlab.kube.kinds.kind import Kind
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
    is_only_stored=True,
)
