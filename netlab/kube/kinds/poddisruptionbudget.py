"""PodDisruptionBudget: how many pods an eviction must leave running."""

from typing import Final

from netlab.documents.json_schema import mapping
from netlab.documents.problems import FieldPath, Report, invalid
from netlab.kube.field_checks import check_at_least_0, check_int_or_percent, percent_of
from netlab.kube.kinds.columns import AGE, NAME, column, in_spec, in_status, number
from netlab.kube.kinds.kind import ClusterContext, Kind
from netlab.kube.label_selector import check_label_selector
from netlab.kube.metadata import check_choice
from netlab.kube.objects import Object
from netlab.kube.resource import Resource


def _validate(obj: Object, path: FieldPath, report: Report, _: ClusterContext) -> None:
    """Report what is wrong with the limits and the selector.

    Source: Kubernetes, ``pkg/apis/policy/validation`` (ValidatePodDisruptionBudgetSpec).
    """
    spec, inside = mapping(obj.get("spec")), (*path, "spec")
    if spec.get("minAvailable") is not None and spec.get("maxUnavailable") is not None:
        why = "minAvailable and maxUnavailable cannot be both set"
        report.add(inside, invalid(spec, why))
    for field in ("minAvailable", "maxUnavailable"):
        value = spec.get(field)
        check_int_or_percent(value, (*inside, field), report)
        if (percent_of(value) or 0) > 100:
            report.add((*inside, field), invalid(value, "must not be greater than 100%"))
    policies = ("AlwaysAllow", "IfHealthyBudget")
    where = (*inside, "unhealthyPodEvictionPolicy")
    check_choice(spec.get("unhealthyPodEvictionPolicy"), policies, where, report)
    check_label_selector(spec.get("selector"), (*inside, "selector"), report)


def _validate_status(obj: Object, report: Report) -> None:
    counts = ("disruptionsAllowed", "currentHealthy", "desiredHealthy", "expectedPods")
    check_at_least_0(mapping(obj.get("status")), counts, ("status",), report)


KIND: Final = Kind(
    resource=Resource(
        kind="PodDisruptionBudget",
        plural="poddisruptionbudgets",
        group="policy",
        short_names=("pdb",),
        subresources=("status",),
        has_generation=True,
    ),
    validate=_validate,
    validate_status=_validate_status,
    columns=(
        NAME,
        column("Min Available", in_spec("minAvailable", "N/A")),
        column("Max Unavailable", in_spec("maxUnavailable", "N/A")),
        number("Allowed Disruptions", in_status("disruptionsAllowed")),
        AGE,
    ),
)
