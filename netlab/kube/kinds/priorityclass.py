"""PriorityClass: stored; no pod of a lab is preempted.

Source: Kubernetes, ``pkg/apis/scheduling/validation`` (ValidatePriorityClass).
"""

from collections.abc import Iterator
from typing import Final

from netlab.documents.json_schema import mapping
from netlab.documents.problems import FieldPath, Report
from netlab.kube.field_error import Cause, forbidden_value, invalid_value
from netlab.kube.kinds.columns import AGE, NAME, column, number
from netlab.kube.kinds.defaults import filled
from netlab.kube.kinds.kind import ClusterContext, Kind
from netlab.kube.metadata import check_choice, text_of
from netlab.kube.objects import Object
from netlab.kube.resource import Resource

_HIGHEST: Final = 1_000_000_000
_SYSTEM: Final = {"system-cluster-critical": 2_000_000_000, "system-node-critical": 2_000_001_000}


def _validate(obj: Object, path: FieldPath, report: Report, _: ClusterContext) -> None:
    name, value = text_of(mapping(obj.get("metadata")), "name"), obj.get("value")
    if name.startswith("system-"):
        if _SYSTEM.get(name) != value:
            why = "priority class names with 'system-' prefix are reserved for system use only"
            report.add((*path, "metadata", "name"), f"Forbidden: {why}")
    elif isinstance(value, int) and value > _HIGHEST:
        why = f"maximum allowed value of a user defined priority is {_HIGHEST}"
        report.add((*path, "value"), f"Forbidden: {why}")
    policies = ("Never", "PreemptLowerPriority")
    check_choice(obj.get("preemptionPolicy"), policies, (*path, "preemptionPolicy"), report)


def _forbidden_changes(old: Object, new: Object) -> Iterator[Cause]:
    if old.get("value") != new.get("value"):
        yield forbidden_value("value", "may not be changed in an update.")
    policy = new.get("preemptionPolicy")
    if old.get("preemptionPolicy") != policy:
        yield invalid_value("preemptionPolicy", policy, "field is immutable")


KIND: Final = Kind(
    resource=Resource(
        kind="PriorityClass",
        plural="priorityclasses",
        group="scheduling.k8s.io",
        namespaced=False,
        short_names=("pc",),
        has_generation=True,
    ),
    columns=(
        NAME,
        number("Value", lambda obj: int(obj.get("value") or 0)),
        column("Global-Default", lambda obj: str(bool(obj.get("globalDefault"))).lower()),
        AGE,
        column("PreemptionPolicy", lambda obj: str(obj.get("preemptionPolicy", ""))),
    ),
    with_defaults=lambda obj: filled(obj, {"preemptionPolicy": "PreemptLowerPriority"}),
    validate=_validate,
    forbidden_changes=_forbidden_changes,
    is_only_stored=True,
)
