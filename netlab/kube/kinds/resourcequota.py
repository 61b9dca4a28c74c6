"""ResourceQuota: stored; a lab counts nothing against it.

Source: Kubernetes, ``pkg/apis/core/validation`` (ValidateResourceQuota).
"""

from collections.abc import Iterator
from typing import Final

from netlab.documents.json_schema import entries, mapping
from netlab.documents.problems import FieldPath, Report, invalid
from netlab.kube.field_checks import check_quantity
from netlab.kube.field_error import Cause, invalid_value
from netlab.kube.kinds.kind import ClusterContext, Kind
from netlab.kube.metadata import items_of
from netlab.kube.names import wrong_qualified_name
from netlab.kube.objects import Object, spec_of
from netlab.kube.quantity import parse_quantity
from netlab.kube.resource import Resource

_COUNTED: Final = frozenset(
    {
        *("pods", "services", "replicationcontrollers", "resourcequotas", "secrets", "configmaps"),
        *("persistentvolumeclaims", "services.nodeports", "services.loadbalancers"),
    }
)
_MEASURED: Final = frozenset(
    {
        *("cpu", "memory", "storage", "ephemeral-storage", "requests.cpu", "requests.memory"),
        *("requests.storage", "requests.ephemeral-storage", "limits.cpu", "limits.memory"),
        "limits.ephemeral-storage",
    }
)
_SCOPES: Final = (
    *("BestEffort", "CrossNamespacePodAffinity", "NotBestEffort", "NotTerminating"),
    *("PriorityClass", "Terminating", "VolumeAttributesClass"),
)
_CONFLICTS: Final = ({"BestEffort", "NotBestEffort"}, {"Terminating", "NotTerminating"})


def _validate(obj: Object, path: FieldPath, report: Report, _: ClusterContext) -> None:
    spec, inside = mapping(obj.get("spec")), (*path, "spec")
    check_amounts(mapping(spec.get("hard")), (*inside, "hard"), report)
    scopes = entries(spec.get("scopes"))
    if any(scope not in _SCOPES for scope in scopes):
        report.add((*inside, "scopes"), invalid(scopes, "unsupported scope"))
    if any(both <= {scope for scope in scopes if isinstance(scope, str)} for both in _CONFLICTS):
        report.add((*inside, "scopes"), invalid(scopes, "conflicting scopes"))
    selector = mapping(spec.get("scopeSelector"))
    for at, one in items_of(selector, "matchExpressions", (*inside, "scopeSelector")):
        _check_expression(one, at, report)


def check_amounts(amounts: Object, path: FieldPath, report: Report) -> None:
    """Report names that no quota knows, and amounts that are none."""
    for name, amount in amounts.items():
        if why := wrong_qualified_name(name):
            report.add((*path, name), invalid(name, why))
        elif "/" not in name and not _is_known(name):
            report.add((*path, name), invalid(name, "must be a standard resource for quota"))
        check_quantity(amount, (*path, name), report)
        number = parse_quantity(amount)
        if name in _COUNTED and number is not None and number != number.to_integral_value():
            report.add((*path, name), invalid(str(amount), "must be an integer"))


def _is_known(name: str) -> bool:
    is_prefixed = name.startswith(("hugepages-", "requests.hugepages-"))
    return name in _COUNTED or name in _MEASURED or is_prefixed


def _check_expression(one: Object, path: FieldPath, report: Report) -> None:
    if one.get("scopeName") not in _SCOPES:
        scope = one.get("scopeName")
        report.add((*path, "scopeName"), invalid(scope, "unsupported scope"))
    operator, has_values = one.get("operator"), bool(one.get("values"))
    if operator not in ("In", "NotIn", "Exists", "DoesNotExist"):
        report.add((*path, "operator"), invalid(operator, "not a valid selector operator"))
    elif operator in ("In", "NotIn") and not has_values:
        why = "must be at least one value when `operator` is 'In' or 'NotIn' for scope selector"
        report.add((*path, "values"), f"Required value: {why}")
    elif operator in ("Exists", "DoesNotExist") and has_values:
        why = "must be no value when `operator` is 'Exist' or 'DoesNotExist' for scope selector"
        report.add((*path, "values"), invalid(one["values"], why))


def _validate_status(obj: Object, report: Report) -> None:
    for field in ("hard", "used"):
        amounts = mapping(mapping(obj.get("status")).get(field))
        check_amounts(amounts, ("status", field), report)


def _forbidden_changes(old: Object, new: Object) -> Iterator[Cause]:
    scopes = spec_of(new).get("scopes")
    if sorted(spec_of(old).get("scopes") or ()) != sorted(scopes or ()):
        yield invalid_value("spec.scopes", scopes, "field is immutable")


KIND: Final = Kind(
    resource=Resource(
        kind="ResourceQuota",
        plural="resourcequotas",
        short_names=("quota",),
        subresources=("status",),
        returns_deleted=True,
    ),
    validate=_validate,
    validate_status=_validate_status,
    forbidden_changes=_forbidden_changes,
    is_only_stored=True,
)
