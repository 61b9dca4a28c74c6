"""Deployment: its words, columns and defaults.

Source: Kubernetes, ``pkg/apis/apps/v1/defaults.go``, ``pkg/apis/apps/validation``.
"""

from typing import Final

from netlab.documents.json_schema import mapping
from netlab.documents.problems import FieldPath, Report, invalid
from netlab.kube.field_checks import check_at_least_0, check_counts
from netlab.kube.kinds.columns import (
    AGE,
    CONTAINERS,
    NAME,
    SELECTOR,
    column,
    in_status,
    number,
)
from netlab.kube.kinds.defaults import filled
from netlab.kube.kinds.deployment.rolling_update import check_strategy
from netlab.kube.kinds.kind import ClusterContext, Kind, immutable
from netlab.kube.kinds.pod.defaults import template_with_defaults
from netlab.kube.kinds.pod.validation import check_replicated
from netlab.kube.objects import Object, spec_of, status_of
from netlab.kube.resource import Resource


def _validate(obj: Object, path: FieldPath, report: Report, context: ClusterContext) -> None:
    if isinstance(obj.get("spec"), dict):
        spec, inside = mapping(obj["spec"]), (*path, "spec")
        check_replicated(spec, inside, report, context.nodes)
        check_strategy(spec, inside, report)
        _check_deadline(spec, inside, report)


def _check_deadline(spec: Object, path: FieldPath, report: Report) -> None:
    check_at_least_0(spec, ("progressDeadlineSeconds",), path, report)
    deadline, ready = spec.get("progressDeadlineSeconds"), spec.get("minReadySeconds") or 0
    if isinstance(deadline, int) and isinstance(ready, int) and 0 <= deadline <= ready:
        why = "must be greater than minReadySeconds"
        report.add((*path, "progressDeadlineSeconds"), invalid(deadline, why))


def _validate_status(obj: Object, report: Report) -> None:
    counts = ("updatedReplicas", "readyReplicas", "availableReplicas")
    others = ("replicas", "observedGeneration", "unavailableReplicas", "collisionCount")
    check_counts(mapping(obj.get("status")), (*others, *counts), report, within=counts)


def _with_defaults(obj: Object) -> Object:
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
    spec = {**spec, "strategy": strategy, "template": template_with_defaults(spec)}
    return {**obj, "spec": spec, "status": status_of(obj)}


def _ready(obj: Object) -> str:
    return f"{status_of(obj).get('readyReplicas', 0)}/{spec_of(obj).get('replicas', 1)}"


KIND: Final = Kind(
    resource=Resource(
        kind="Deployment",
        plural="deployments",
        group="apps",
        short_names=("deploy",),
        categories=("all",),
        subresources=("scale", "status"),
        has_generation=True,
    ),
    columns=(
        NAME,
        column("Ready", _ready),
        number("Up-to-date", in_status("updatedReplicas")),
        number("Available", in_status("availableReplicas")),
        AGE,
        *CONTAINERS,
        SELECTOR,
    ),
    validate=_validate,
    validate_status=_validate_status,
    with_defaults=_with_defaults,
    forbidden_changes=immutable("spec", "selector"),
)
