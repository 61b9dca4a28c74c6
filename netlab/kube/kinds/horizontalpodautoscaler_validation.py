"""What a HorizontalPodAutoscaler must be.

Source: Kubernetes, ``pkg/apis/autoscaling/validation``.
"""

from typing import Final

from netlab.documents.json_schema import mapping
from netlab.documents.problems import FieldPath, Report, invalid
from netlab.kube.field_checks import (
    NOT_POSITIVE,
    check_at_least_0,
    check_positive_quantity,
    check_reference,
    check_required,
    check_text,
)
from netlab.kube.kinds.kind import ClusterContext
from netlab.kube.label_selector import check_label_selector
from netlab.kube.metadata import check_choice, items_of, text_of
from netlab.kube.names import wrong_path_segment
from netlab.kube.objects import Object

_SOURCES: Final = {
    "ContainerResource": "containerResource",
    "External": "external",
    "Object": "object",
    "Pods": "pods",
    "Resource": "resource",
}
_TARGETS: Final = {
    "Utilization": "averageUtilization",
    "Value": "value",
    "AverageValue": "averageValue",
}
_LONGEST_WINDOW_S: Final = 3600
_LONGEST_PERIOD_S: Final = 1800


def validate(obj: Object, path: FieldPath, report: Report, _: ClusterContext) -> None:
    """Report what is wrong with an autoscaler."""
    spec, inside = mapping(obj.get("spec")), (*path, "spec")
    low, high = spec.get("minReplicas"), spec.get("maxReplicas")
    if isinstance(low, int) and low < 1:
        report.add((*inside, "minReplicas"), invalid(low, "must be greater than or equal to 1"))
    if not isinstance(high, int) or high < 1:
        report.add((*inside, "maxReplicas"), invalid(high or 0, "must be greater than 0"))
    elif isinstance(low, int) and high < low:
        why = "must be greater than or equal to `minReplicas`"
        report.add((*inside, "maxReplicas"), invalid(high, why))
    target = mapping(spec.get("scaleTargetRef"))
    check_reference(target, (*inside, "scaleTargetRef"), report)
    for at, metric in items_of(spec, "metrics", inside):
        _check_metric(metric, at, report)
    for direction in ("scaleUp", "scaleDown"):
        rules = mapping(spec.get("behavior")).get(direction)
        if rules is not None:
            _check_rules(mapping(rules), (*inside, "behavior", direction), report)


def _check_metric(metric: Object, path: FieldPath, report: Report) -> None:
    kind = text_of(metric, "type")
    if not kind:
        report.add((*path, "type"), "Required value: must specify a metric source type")
        return
    check_choice(kind, sorted(_SOURCES), (*path, "type"), report)
    expected = _SOURCES.get(kind, "")
    for source in _SOURCES.values():
        if source == expected and metric.get(source) is None:
            why = "must populate information for the given metric source"
            report.add((*path, source), f"Required value: {why}")
        elif source != expected and metric.get(source) is not None:
            report.add((*path, source), "Forbidden: must populate the given metric source only")
    if metric.get(expected) is not None:
        _check_source(kind, mapping(metric[expected]), (*path, expected), report)


def _check_source(kind: str, source: Object, path: FieldPath, report: Report) -> None:
    if "Resource" in kind:
        check_required(source, "name", path, report, "must specify a resource name")
    else:
        name = mapping(source.get("metric"))
        inside = (*path, "metric")
        if check_required(name, "name", inside, report, "must specify a metric name"):
            check_text(name["name"], wrong_path_segment, (*inside, "name"), report)
        check_label_selector(name.get("selector"), (*inside, "selector"), report)
    if kind == "ContainerResource":
        check_required(source, "container", path, report, "must specify a container")
    if kind == "Object":
        described = mapping(source.get("describedObject"))
        check_reference(described, (*path, "describedObject"), report)
    _check_target(mapping(source.get("target")), (*path, "target"), report)


def _check_target(target: Object, path: FieldPath, report: Report) -> None:
    kind = text_of(target, "type")
    if not kind:
        report.add((*path, "type"), "Required value: must specify a metric target type")
        return
    if kind not in _TARGETS:
        why = "must be either Utilization, Value, or AverageValue"
        report.add((*path, "type"), invalid(kind, why))
        return
    field = _TARGETS[kind]
    if target.get(field) is None:
        why = "must set either a target raw value or a target utilization"
        report.add((*path, field), f"Required value: {why}")
    for amount in ("value", "averageValue"):
        check_positive_quantity(target.get(amount), (*path, amount), report)
    share = target.get("averageUtilization")
    if isinstance(share, int) and share < 1:
        report.add((*path, "averageUtilization"), invalid(share, "must be greater than 0"))
    if share is not None and target.get("averageValue") is not None:
        why = "may not set both a target raw value and a target utilization"
        report.add((*path, "averageValue"), f"Forbidden: {why}")


def _check_rules(rules: Object, path: FieldPath, report: Report) -> None:
    window = rules.get("stabilizationWindowSeconds")
    check_at_least_0(rules, ("stabilizationWindowSeconds",), path, report)
    if isinstance(window, int) and window > _LONGEST_WINDOW_S:
        why = f"must be less than or equal to {_LONGEST_WINDOW_S}"
        report.add((*path, "stabilizationWindowSeconds"), invalid(window, why))
    choices = ("Disabled", "Max", "Min")
    check_choice(rules.get("selectPolicy"), choices, (*path, "selectPolicy"), report)
    for at, policy in items_of(rules, "policies", path):
        check_choice(text_of(policy, "type", "<none>"), ("Percent", "Pods"), (*at, "type"), report)
        for field in ("value", "periodSeconds"):
            number = policy.get(field)
            if isinstance(number, int) and number <= 0:
                report.add((*at, field), invalid(number, NOT_POSITIVE))
        period = policy.get("periodSeconds")
        if isinstance(period, int) and period > _LONGEST_PERIOD_S:
            why = f"must be less than or equal to {_LONGEST_PERIOD_S}"
            report.add((*at, "periodSeconds"), invalid(period, why))


def validate_status(obj: Object, report: Report) -> None:
    """Report counts that are negative."""
    counts = ("currentReplicas", "desiredReplicas")
    check_at_least_0(mapping(obj.get("status")), counts, ("status",), report)
