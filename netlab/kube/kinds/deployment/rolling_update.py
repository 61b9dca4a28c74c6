"""How a Deployment may replace its pods.

Source: Kubernetes, ``pkg/apis/apps/validation`` (ValidateDeploymentStrategy,
ValidateRollingUpdateDeployment, ValidateDeploymentSpec).
"""

from collections.abc import Mapping
from typing import Final

from netlab.documents.json_schema import mapping
from netlab.documents.problems import FieldPath, Report, invalid
from netlab.kube.field_checks import NEGATIVE, check_int_or_percent, is_zero, percent_of
from netlab.kube.metadata import check_choice, text_of

STRATEGIES: Final = ("Recreate", "RollingUpdate")


def check_strategy(spec: Mapping[str, object], path: FieldPath, report: Report) -> None:
    """Report what is wrong with the ``strategy`` and the deadline of a Deployment's ``spec``."""
    inside = (*path, "strategy")
    strategy = mapping(spec.get("strategy"))
    kind = text_of(strategy, "type", "RollingUpdate")
    check_choice(kind, STRATEGIES, (*inside, "type"), report)
    if kind == "Recreate" and strategy.get("rollingUpdate") is not None:
        message = "Forbidden: may not be specified when strategy `type` is 'Recreate'"
        report.add((*inside, "rollingUpdate"), message)
    elif kind == "RollingUpdate":
        _check_rolling(mapping(strategy.get("rollingUpdate")), (*inside, "rollingUpdate"), report)
    deadline, ready = spec.get("progressDeadlineSeconds"), spec.get("minReadySeconds") or 0
    at = (*path, "progressDeadlineSeconds")
    if isinstance(deadline, int) and deadline < 0:
        report.add(at, invalid(deadline, NEGATIVE))
    if isinstance(deadline, int) and isinstance(ready, int) and deadline <= ready:
        report.add(at, invalid(deadline, "must be greater than minReadySeconds"))


def _check_rolling(rolling: Mapping[str, object], path: FieldPath, report: Report) -> None:
    surge, unavailable = rolling.get("maxSurge", "25%"), rolling.get("maxUnavailable", "25%")
    check_int_or_percent(unavailable, (*path, "maxUnavailable"), report)
    check_int_or_percent(surge, (*path, "maxSurge"), report)
    if is_zero(unavailable) and is_zero(surge):
        why = "may not be 0 when `maxSurge` is 0"
        report.add((*path, "maxUnavailable"), invalid(unavailable, why))
    if (percent_of(unavailable) or 0) > 100:
        report.add((*path, "maxUnavailable"), invalid(unavailable, "must not be greater than 100%"))
