"""Evictions: deletions of pods that PodDisruptionBudgets may forbid.

Source: Kubernetes, ``pkg/registry/core/pod/storage/eviction.go``,
``pkg/controller/disruption/disruption.go``.
"""

import math
from collections.abc import Sequence
from typing import Final

from netlab.apiserver.registry.deletion import delete
from netlab.apiserver.store import Store
from netlab.kube.conditions import is_true
from netlab.kube.field_error import Cause
from netlab.kube.kinds.pod.status import is_finished
from netlab.kube.objects import (
    Object,
    is_terminating,
    labels_of,
    name_of,
    namespace_of,
    spec_of,
    status_of,
)
from netlab.kube.resources import key_of
from netlab.kube.selectors import label_selector_matches
from netlab.kube.status import too_many_requests

_MESSAGE: Final = "Cannot evict pod as it would violate the pod's disruption budget."


def evict(store: Store, pod: Object, now: float, options: Object, *, is_dry_run: bool) -> None:
    """Delete a pod, unless a budget needs it.

    Args:
        store: Where it is.
        pod: To be evicted.
        now: Wall clock seconds.
        options: DeleteOptions, of which the grace period counts.
        is_dry_run: Whether to stop before the deletion.

    Raises:
        StatusError: A budget would be overdrawn (``TooManyRequests``).
    """
    if not (is_terminating(pod) or is_finished(pod) or status_of(pod).get("phase") == "Pending"):
        for budget in _budgets(store, pod):
            _check(budget, _covered(store, budget), is_ready=is_true(pod, "Ready"))
    grace = options.get("gracePeriodSeconds")
    if not is_dry_run:
        delete(store, key_of(pod), now, grace if isinstance(grace, int) else None)


def _budgets(store: Store, pod: Object) -> list[Object]:
    budgets = store.list_("poddisruptionbudgets", namespace_of(pod))
    return [one for one in budgets if _selects(one, pod)]


def _selects(budget: Object, pod: Object) -> bool:
    selector = spec_of(budget).get("selector")
    return selector is not None and label_selector_matches(selector, labels_of(pod))


def _covered(store: Store, budget: Object) -> list[Object]:
    pods = store.list_("pods", namespace_of(budget))
    return [pod for pod in pods if _selects(budget, pod) and not is_finished(pod)]


def _check(budget: Object, pods: Sequence[Object], *, is_ready: bool) -> None:
    """Refuse the eviction of a pod that a budget needs; one that is not ready it may not need."""
    healthy = sum(is_true(pod, "Ready") and not is_terminating(pod) for pod in pods)
    wanted = desired_healthy(budget, len(pods))
    always = spec_of(budget).get("unhealthyPodEvictionPolicy") == "AlwaysAllow"
    if not is_ready and (always or healthy >= wanted > 0):
        return
    if healthy - 1 < wanted:
        message = (
            f"The disruption budget {name_of(budget)} needs {wanted} healthy pods and has "
            f"{healthy} currently"
        )
        cause = Cause(reason="DisruptionBudget", message=message, field="")
        raise too_many_requests(_MESSAGE, (cause,))


def desired_healthy(budget: Object, expected: int) -> int:
    """Return how many of ``expected`` pods a budget wants healthy."""
    spec = spec_of(budget)
    if spec.get("maxUnavailable") is not None:
        return max(0, expected - _scaled(spec["maxUnavailable"], expected))
    return _scaled(spec.get("minAvailable", 1), expected)


def _scaled(value: int | str, total: int) -> int:
    """Return a count, or a share of ``total``, rounded up."""
    if isinstance(value, int):
        return value
    return math.ceil(int(value.removesuffix("%")) * total / 100)
