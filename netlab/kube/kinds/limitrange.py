"""LimitRange: stored; a lab gives no pod limits of its own.

Source: Kubernetes, ``pkg/apis/core/validation`` (ValidateLimitRange).
"""

from decimal import Decimal
from typing import Final

from netlab.documents.json_schema import mapping
from netlab.documents.problems import FieldPath, Report, check_unique, invalid
from netlab.kube.field_checks import check_quantity, check_required
from netlab.kube.kinds.columns import CREATED_AT, NAME
from netlab.kube.kinds.kind import ClusterContext, Kind
from netlab.kube.metadata import items_of, text_of
from netlab.kube.names import wrong_qualified_name
from netlab.kube.objects import Object
from netlab.kube.quantity import parse_quantity
from netlab.kube.resource import Resource

_TYPES: Final = ("Pod", "Container", "PersistentVolumeClaim")
_BOUNDS: Final = ("min", "max", "default", "defaultRequest", "maxLimitRequestRatio")
_ORDER: Final = (
    ("min", "max", "min value {} is greater than max value {}"),
    ("min", "defaultRequest", "min value {} is greater than default request value {}"),
    ("min", "default", "min value {} is greater than default value {}"),
    ("defaultRequest", "max", "default request value {} is greater than max value {}"),
    (
        "defaultRequest",
        "default",
        "default request value {} is greater than default limit value {}",
    ),
    ("default", "max", "default value {} is greater than max value {}"),
)
"""Of two bounds, the lower one first; what Kubernetes says where it is not."""


def _validate(obj: Object, path: FieldPath, report: Report, _: ClusterContext) -> None:
    limits = list(items_of(mapping(obj.get("spec")), "limits", (*path, "spec")))
    check_unique((((*at, "type"), text_of(one, "type")) for at, one in limits), report)
    for at, one in limits:
        if check_required(one, "type", at, report):
            _check_type(text_of(one, "type"), (*at, "type"), report)
        _check_limits(one, at, report)


def _check_type(name: str, path: FieldPath, report: Report) -> None:
    if why := wrong_qualified_name(name):
        report.add(path, invalid(name, why))
    elif "/" not in name and name not in _TYPES:
        report.add(path, invalid(name, "must be a standard limit type or fully qualified"))


def _check_limits(one: Object, path: FieldPath, report: Report) -> None:
    kind = text_of(one, "type")
    for field in _BOUNDS:
        for name, amount in mapping(one.get(field)).items():
            check_quantity(amount, (*path, field, name), report)
    if kind == "Pod":
        for field in ("default", "defaultRequest"):
            if one.get(field):
                why = "may not be specified when `type` is 'Pod'"
                report.add((*path, field), f"Forbidden: {why}")
    has_storage = any("storage" in mapping(one.get(field)) for field in ("min", "max"))
    if kind == "PersistentVolumeClaim" and not has_storage:
        why = "either minimum or maximum storage value is required, but neither was provided"
        report.add(path, f"Required value: {why}")
    for low, high, words in _ORDER:
        _check_order(one, low, high, words, path, report)
    _check_ratio(one, path, report)


def _check_order(
    one: Object, low: str, high: str, words: str, path: FieldPath, report: Report
) -> None:
    for name, amount in mapping(one.get(low)).items():
        other = mapping(one.get(high)).get(name)
        lower, higher = parse_quantity(amount), parse_quantity(other)
        if lower is not None and higher is not None and lower > higher:
            report.add((*path, low, name), invalid(str(amount), words.format(amount, other)))


def _check_ratio(one: Object, path: FieldPath, report: Report) -> None:
    for name, amount in mapping(one.get("maxLimitRequestRatio")).items():
        ratio = parse_quantity(amount)
        if ratio is None:
            continue
        inside = (*path, "maxLimitRequestRatio", name)
        if ratio < 1:
            report.add(inside, invalid(str(amount), f"ratio {amount} is less than 1"))
        low, high = (parse_quantity(mapping(one.get(field)).get(name)) for field in ("min", "max"))
        if low and high is not None and ratio > high / low:
            found = Decimal(high / low)
            why = f"ratio {amount} is greater than max/min = {found:f}"
            report.add(inside, invalid(str(amount), why))


KIND: Final = Kind(
    resource=Resource(kind="LimitRange", plural="limitranges", short_names=("limits",)),
    columns=(NAME, CREATED_AT),
    validate=_validate,
    is_only_stored=True,
)
