"""What a pod says of the nodes it goes to: tolerations, affinity, spreading.

Source: Kubernetes, ``pkg/apis/core/validation`` (ValidateTolerations, validateAffinity,
validateTopologySpreadConstraints).
"""

from collections.abc import Mapping
from typing import Final

from netlab.documents.json_schema import entries, mapping
from netlab.documents.problems import FieldPath, Report, check_unique, invalid
from netlab.kube.field_checks import NOT_POSITIVE, check_required, check_text
from netlab.kube.label_selector import check_label_selector, check_requirement
from netlab.kube.metadata import check_choice, check_labels, items_of, text_of
from netlab.kube.names import wrong_dns_label, wrong_label_key, wrong_label_value

EFFECTS: Final = ("NoExecute", "NoSchedule", "PreferNoSchedule")

_REQUIRED: Final = "requiredDuringSchedulingIgnoredDuringExecution"
_PREFERRED: Final = "preferredDuringSchedulingIgnoredDuringExecution"
_ALL_KEYS: Final = (
    'operator must be Exists when `key` is empty, which means "match all values and all keys"'
)
_NO_EXECUTE: Final = "effect must be 'NoExecute' when `tolerationSeconds` is set"
_ONE_FIELD_VALUE: Final = (
    "must be only one value when `operator` is 'In' or 'NotIn' for node field selector"
)
_NO_MIN_DOMAINS: Final = (
    "can only use minDomains if whenUnsatisfiable=DoNotSchedule, not ScheduleAnyway"
)


def check_scheduling(spec: Mapping[str, object], path: FieldPath, report: Report) -> None:
    """Report what is wrong with what a pod's spec says of nodes."""
    check_labels(spec.get("nodeSelector"), (*path, "nodeSelector"), report)
    for inside, toleration in items_of(spec, "tolerations", path):
        _check_toleration(toleration, inside, report)
    affinity, inside = mapping(spec.get("affinity")), (*path, "affinity")
    _check_node_affinity(mapping(affinity.get("nodeAffinity")), (*inside, "nodeAffinity"), report)
    for kind in ("podAffinity", "podAntiAffinity"):
        _check_pod_affinity(mapping(affinity.get(kind)), (*inside, kind), report)
    _check_spread(spec, path, report)


def _check_toleration(toleration: dict[str, object], path: FieldPath, report: Report) -> None:
    key, operator = toleration.get("key"), text_of(toleration, "operator", "Equal")
    check_text(key, wrong_label_key, (*path, "key"), report)
    if not key and operator != "Exists":
        report.add((*path, "operator"), invalid(toleration.get("operator") or "", _ALL_KEYS))
    effect = text_of(toleration, "effect")
    if toleration.get("tolerationSeconds") is not None and effect != "NoExecute":
        report.add((*path, "effect"), invalid(effect, _NO_EXECUTE))
    if operator == "Exists" and toleration.get("value"):
        why = "value must be empty when `operator` is 'Exists'"
        report.add((*path, "operator"), invalid(toleration, why))
    elif operator == "Equal":
        check_text(toleration.get("value"), wrong_label_value, (*path, "value"), report)
    else:
        check_choice(operator, ("Equal", "Exists"), (*path, "operator"), report)
    check_choice(effect, EFFECTS, (*path, "effect"), report)


def _check_node_affinity(affinity: Mapping[str, object], path: FieldPath, report: Report) -> None:
    required = affinity.get(_REQUIRED)
    if isinstance(required, dict):
        inside = (*path, _REQUIRED)
        why = "must have at least one node selector term"
        check_required(required, "nodeSelectorTerms", inside, report, why)
        for at, term in items_of(required, "nodeSelectorTerms", inside):
            _check_node_term(term, at, report)
    for inside, one in items_of(affinity, _PREFERRED, path):
        _check_weight(one, inside, report)
        _check_node_term(mapping(one.get("preference")), (*inside, "preference"), report)


def _check_node_term(term: Mapping[str, object], path: FieldPath, report: Report) -> None:
    for inside, expression in items_of(term, "matchExpressions", path):
        check_requirement(expression, inside, report, numeric=("Gt", "Lt"))
    for inside, field in items_of(term, "matchFields", path):
        operator, values = field.get("operator"), entries(field.get("values"))
        if operator not in ("In", "NotIn"):
            report.add((*inside, "operator"), invalid(operator, "not a valid selector operator"))
        elif len(values) != 1:
            why = (
                "must be only one value when `operator` is 'In' or 'NotIn' for node field selector"
            )
            report.add((*inside, "values"), f"Required value: {why}")
        if field.get("key") != "metadata.name":
            why = "not a valid field selector key"
            report.add((*inside, "key"), invalid(field.get("key"), why))


def _check_pod_affinity(affinity: Mapping[str, object], path: FieldPath, report: Report) -> None:
    for inside, term in items_of(affinity, _REQUIRED, path):
        _check_pod_term(term, inside, report)
    for inside, one in items_of(affinity, _PREFERRED, path):
        _check_weight(one, inside, report)
        _check_pod_term(mapping(one.get("podAffinityTerm")), (*inside, "podAffinityTerm"), report)


def _check_pod_term(term: Mapping[str, object], path: FieldPath, report: Report) -> None:
    if check_required(term, "topologyKey", path, report, "can not be empty"):
        check_text(term["topologyKey"], wrong_label_key, (*path, "topologyKey"), report)
    for field in ("labelSelector", "namespaceSelector"):
        check_label_selector(term.get(field), (*path, field), report)
    for index, namespace in enumerate(entries(term.get("namespaces"))):
        check_text(namespace, wrong_dns_label, (*path, "namespaces", index), report)


def _check_weight(one: Mapping[str, object], path: FieldPath, report: Report) -> None:
    weight = one.get("weight")
    if isinstance(weight, int) and not 1 <= weight <= 100:
        report.add((*path, "weight"), invalid(weight, "must be in the range 1-100"))


def _check_spread(spec: Mapping[str, object], path: FieldPath, report: Report) -> None:
    constraints = list(items_of(spec, "topologySpreadConstraints", path))
    for inside, one in constraints:
        for field in ("maxSkew", "minDomains"):
            number = one.get(field)
            if isinstance(number, int) and number <= 0:
                report.add((*inside, field), invalid(number, NOT_POSITIVE))
        if check_required(one, "topologyKey", inside, report, "can not be empty"):
            check_text(one["topologyKey"], wrong_label_key, (*inside, "topologyKey"), report)
        policy = text_of(one, "whenUnsatisfiable")
        choices = ("DoNotSchedule", "ScheduleAnyway")
        check_choice(policy, choices, (*inside, "whenUnsatisfiable"), report)
        if one.get("minDomains") is not None and policy == "ScheduleAnyway":
            report.add((*inside, "minDomains"), invalid(one["minDomains"], _NO_MIN_DOMAINS))
        for field in ("nodeAffinityPolicy", "nodeTaintsPolicy"):
            check_choice(one.get(field), ("Honor", "Ignore"), (*inside, field), report)
        check_label_selector(one.get("labelSelector"), (*inside, "labelSelector"), report)
    pairs = (
        (inside, f"{{{text_of(one, 'topologyKey')}, {text_of(one, 'whenUnsatisfiable')}}}")
        for inside, one in constraints
    )
    check_unique(pairs, report)
