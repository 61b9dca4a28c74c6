"""DaemonSet: its words, columns and defaults.

Source: Kubernetes, ``pkg/apis/apps/v1/defaults.go`` (SetDefaults_DaemonSet).
"""

from collections.abc import Mapping
from typing import Final

from netlab.documents.json_schema import mapping
from netlab.documents.problems import FieldPath, Report, invalid
from netlab.kube.field_checks import check_at_least_0, check_int_or_percent, is_zero, percent_of
from netlab.kube.kinds.columns import (
    AGE,
    CONTAINERS,
    NAME,
    SELECTOR,
    column,
    in_status,
    number,
    pairs,
)
from netlab.kube.kinds.defaults import filled
from netlab.kube.kinds.kind import ClusterContext, Kind, immutable
from netlab.kube.kinds.pod.defaults import template_with_defaults
from netlab.kube.kinds.pod.validation import check_replicated
from netlab.kube.metadata import check_choice
from netlab.kube.objects import Object, spec_of
from netlab.kube.resource import Resource


def _validate(obj: Object, path: FieldPath, report: Report, context: ClusterContext) -> None:
    if isinstance(obj.get("spec"), dict):
        check_replicated(mapping(obj["spec"]), (*path, "spec"), report, context.nodes)
        _check_strategy(mapping(mapping(obj["spec"]).get("updateStrategy")), path, report)


def _validate_status(obj: Object, report: Report) -> None:
    counts = (
        *("currentNumberScheduled", "desiredNumberScheduled", "numberMisscheduled", "numberReady"),
        *("updatedNumberScheduled", "numberAvailable", "numberUnavailable", "observedGeneration"),
    )
    check_at_least_0(mapping(obj.get("status")), counts, ("status",), report)


def _check_strategy(strategy: Mapping[str, object], path: FieldPath, report: Report) -> None:
    """Report how pods may not be replaced.

    Source: Kubernetes, ``pkg/apis/apps/validation`` (ValidateRollingUpdateDaemonSet).
    """
    inside = (*path, "spec", "updateStrategy")
    kinds = ("OnDelete", "RollingUpdate")
    check_choice(strategy.get("type"), kinds, (*inside, "type"), report)
    rolling, within = mapping(strategy.get("rollingUpdate")), (*inside, "rollingUpdate")
    unavailable, surge = rolling.get("maxUnavailable", 1), rolling.get("maxSurge", 0)
    check_int_or_percent(unavailable, (*within, "maxUnavailable"), report)
    check_int_or_percent(surge, (*within, "maxSurge"), report)
    for field, value in (("maxUnavailable", unavailable), ("maxSurge", surge)):
        if (percent_of(value) or 0) > 100:
            report.add((*within, field), invalid(value, "must not be greater than 100%"))
    if is_zero(unavailable) and is_zero(surge):
        why = "cannot be 0 when maxSurge is 0"
        report.add((*within, "maxUnavailable"), f"Required value: {why}")
    elif not is_zero(unavailable) and not is_zero(surge):
        why = "may not be set when maxUnavailable is non-zero"
        report.add((*within, "maxSurge"), invalid(surge, why))


def _with_defaults(obj: Object) -> Object:
    spec = filled(
        spec_of(obj), {"revisionHistoryLimit": 10, "updateStrategy": {"type": "RollingUpdate"}}
    )
    strategy = filled(spec["updateStrategy"], {"type": "RollingUpdate"})
    if strategy["type"] == "RollingUpdate":
        rolling = filled(strategy.get("rollingUpdate") or {}, {"maxUnavailable": 1, "maxSurge": 0})
        strategy = {**strategy, "rollingUpdate": rolling}
    spec = {**spec, "updateStrategy": strategy, "template": template_with_defaults(spec)}
    counts = ("currentNumberScheduled", "desiredNumberScheduled", "numberMisscheduled")
    status = obj.get("status") or dict.fromkeys((*counts, "numberReady"), 0)
    return {**obj, "spec": spec, "status": status}


def _node_selector(obj: Object) -> str:
    return pairs(spec_of(spec_of(obj).get("template") or {}).get("nodeSelector"))


KIND: Final = Kind(
    resource=Resource(
        kind="DaemonSet",
        plural="daemonsets",
        group="apps",
        short_names=("ds",),
        categories=("all",),
        subresources=("status",),
        has_generation=True,
    ),
    columns=(
        NAME,
        number("Desired", in_status("desiredNumberScheduled")),
        number("Current", in_status("currentNumberScheduled")),
        number("Ready", in_status("numberReady")),
        number("Up-to-date", in_status("updatedNumberScheduled")),
        number("Available", in_status("numberAvailable")),
        column("Node Selector", _node_selector),
        AGE,
        *CONTAINERS,
        SELECTOR,
    ),
    validate=_validate,
    validate_status=_validate_status,
    with_defaults=_with_defaults,
    forbidden_changes=immutable("spec", "selector"),
)
