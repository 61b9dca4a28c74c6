"""Choose a node for each pod that has none."""

from collections import Counter
from collections.abc import Sequence

from netlab.apiserver.changes import Change, Update, update_if_changed
from netlab.kube.conditions import is_true, with_condition
from netlab.kube.objects import (
    Object,
    controller_of,
    items_of,
    labels_of,
    name_of,
    spec_of,
    status_of,
    with_spec,
    with_status,
)


def step(
    unbound: Sequence[Object], nodes: Sequence[Object], bound: Sequence[Object], now: float
) -> tuple[Change, ...]:
    """Return the bindings for pods without a node, and the reason for those that get none.

    A pod goes to the Ready node that its ``nodeSelector`` allows, with the fewest pods of the same
    owner, then with the fewest pods, then the first by name. A pod that asks for a node by
    ``nodeName`` never comes here.

    Args:
        unbound: In the order in which they are to choose.
        nodes: All nodes, by name.
        bound: Every pod that has a node.
        now: Wall clock seconds.
    """
    crowd = Counter(spec_of(pod)["nodeName"] for pod in bound)
    siblings = Counter((_owner(pod), spec_of(pod)["nodeName"]) for pod in bound)
    changes: list[Change] = []
    for pod in unbound:
        fitting = [node for node in nodes if not _objection(pod, node, crowd)]
        if not fitting:
            changes.extend(_unschedulable(pod, nodes, crowd, now))
            continue
        owner = _owner(pod)
        names = [name_of(node) for node in fitting]
        chosen = min(names, key=lambda name: (siblings[owner, name], crowd[name]))
        crowd[chosen] += 1
        siblings[owner, chosen] += 1
        changes.append(Update(object=_bound(pod, chosen, now)))
    return tuple(changes)


def _owner(pod: Object) -> str:
    controller = controller_of(pod)
    return controller["uid"] if controller is not None else ""


def _objection(pod: Object, node: Object, crowd: Counter[str]) -> str:
    """Return why a node does not take a pod, in Kubernetes' words; empty if it does."""
    if spec_of(node).get("unschedulable"):
        return "node(s) were unschedulable"
    if not is_true(node, "Ready"):
        return "node(s) had untolerated taint {node.kubernetes.io/not-ready: }"
    wanted = spec_of(pod).get("nodeSelector") or {}
    if not wanted.items() <= labels_of(node).items():
        return "node(s) didn't match Pod's node affinity/selector"
    room = (status_of(node).get("allocatable") or {}).get("pods")
    if room is not None and crowd[name_of(node)] >= int(room):
        return "Too many pods"
    return ""


def _bound(pod: Object, node: str, now: float) -> Object:
    conditions = with_condition(items_of(status_of(pod), "conditions"), "PodScheduled", "True", now)
    return with_status(with_spec(pod, nodeName=node), conditions=conditions)


def _unschedulable(
    pod: Object, nodes: Sequence[Object], crowd: Counter[str], now: float
) -> tuple[Change, ...]:
    reasons = Counter(_objection(pod, node, crowd) for node in nodes)
    told = ", ".join(f"{count} {reason}" for reason, count in sorted(reasons.items()))
    message = f"0/{len(nodes)} nodes are available: {told}." if nodes else "no nodes available"
    conditions = with_condition(
        items_of(status_of(pod), "conditions"),
        "PodScheduled",
        "False",
        now,
        "Unschedulable",
        message,
    )
    return update_if_changed(pod, with_status(pod, conditions=conditions))
