"""Tell how many of the pods that a PodDisruptionBudget protects may be evicted.

Source: Kubernetes, ``pkg/controller/disruption``.
"""

import math
from collections.abc import Iterator, Sequence
from typing import Final

from netlab.apiserver.changes import Outcome, update_if_changed
from netlab.controllers.controller import Changed, Controller, Objects, itself
from netlab.kube.conditions import is_true, with_condition
from netlab.kube.kinds.pod.status import is_finished
from netlab.kube.objects import (
    Key,
    Object,
    controller_of,
    is_terminating,
    items_of,
    labels_of,
    metadata_of,
    name_of,
    namespace_of,
    spec_of,
    status_of,
)
from netlab.kube.selectors import label_selector_matches


def step(budget: Object, pods: Sequence[Object], expected: int, now: float) -> Outcome:
    """Return the status of a PodDisruptionBudget.

    Args:
        budget: As stored.
        pods: Those its selector picks.
        expected: How many there should be, by those that make them.
        now: Wall clock seconds.
    """
    healthy = sum(is_true(pod, "Ready") and not is_terminating(pod) for pod in pods)
    desired = _desired(spec_of(budget), expected)
    allowed = max(0, healthy - desired) if expected else 0
    reason = "SufficientPods" if allowed else "InsufficientPods"
    conditions = with_condition(
        items_of(status_of(budget), "conditions"),
        "DisruptionAllowed",
        "True" if allowed else "False",
        now,
        reason,
    )
    generation = metadata_of(budget).get("generation")
    status = {
        **({"observedGeneration": generation} if generation else {}),
        "disruptionsAllowed": allowed,
        "currentHealthy": healthy,
        "desiredHealthy": desired,
        "expectedPods": expected,
        "conditions": conditions,
    }
    return Outcome(changes=update_if_changed(budget, {**budget, "status": status}))


def sync(objects: Objects, key: Key, now: float) -> Outcome:
    """Look at the PodDisruptionBudget at ``key``."""
    budget = objects.get(key)
    if budget is None or is_terminating(budget):
        return Outcome()
    selector = spec_of(budget).get("selector")
    pods = [
        pod
        for pod in objects.list_("pods", key.namespace)
        if selector is not None
        and label_selector_matches(selector, labels_of(pod))
        and not is_finished(pod)
    ]
    return step(budget, pods, _expected(objects, pods), now)


def _of_pod(objects: Objects, changed: Changed) -> Iterator[Key]:
    for budget in objects.list_("poddisruptionbudgets", changed.key.namespace):
        selector = spec_of(budget).get("selector") or {}
        if any(label_selector_matches(selector, labels_of(state)) for state in changed.states):
            yield Key("poddisruptionbudgets", namespace_of(budget), name_of(budget))


CONTROLLER: Final = Controller(
    name="disruption", watches={"poddisruptionbudgets": itself, "pods": _of_pod}, step=sync
)


def _expected(objects: Objects, pods: Sequence[Object]) -> int:
    """Return how many pods their controllers ask for; a pod without one counts for itself."""
    sizes: dict[str, int] = {}
    alone = 0
    for pod in pods:
        reference = controller_of(pod)
        held = objects.index.holder(reference["uid"]) if reference is not None else None
        controller = objects.get(held) if held is not None else None
        if reference is None or controller is None or "replicas" not in spec_of(controller):
            alone += 1
        else:
            sizes[reference["uid"]] = int(spec_of(controller)["replicas"])
    return alone + sum(sizes.values())


def _desired(spec: Object, expected: int) -> int:
    if spec.get("maxUnavailable") is not None:
        return max(0, expected - _pods(spec["maxUnavailable"], expected))
    return _pods(spec.get("minAvailable", 1), expected)


def _pods(limit: int | str, expected: int) -> int:
    if isinstance(limit, str):
        return math.ceil(int(limit.removesuffix("%")) * expected / 100)
    return limit
