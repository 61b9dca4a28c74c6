"""Choose a node for each pod that has none.

Theory of operation
-------------------
As in kube-scheduler, nodes are filtered first and what is left is scored. Every filter says no in
kube-scheduler's words, and a pod that no node takes is told them all: in its condition
``PodScheduled`` and in an event ``FailedScheduling``.

Scores are compared one after the other: what the pod prefers, then how many pods of the same owner
the node has, then how many pods at all, then its name. So replicas spread over the nodes.

Pods that are alike in everything a filter looks at get one answer: a thousand replicas that fit
nowhere cost one look.

Source: Kubernetes, ``pkg/scheduler/schedule_one.go``.
"""

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from functools import partial
from typing import Final

from netlab.apiserver.changes import Change, Update, update_if_changed
from netlab.kube.conditions import with_condition
from netlab.kube.events import Record
from netlab.kube.objects import (
    Object,
    controller_of,
    items_of,
    labels_of,
    name_of,
    namespace_of,
    spec_of,
    status_of,
    with_spec,
    with_status,
)
from netlab.kube.resources import key_of
from netlab.kube.unreadable import UnreadableObjects
from netlab.scheduler import node_affinity, pod_affinity
from netlab.scheduler.filters import fit_error, objection
from netlab.scheduler.nodes import Cluster, NodeState

NAME: Final = "default-scheduler"

_GATED: Final = "Scheduling is blocked due to non-empty scheduling gates"
_SAYS_WHERE: Final = ("nodeSelector", "affinity", "tolerations", "topologySpreadConstraints")


def schedule(
    unbound: Iterable[Object],
    cluster: Cluster,
    now: float,
    unreadable: UnreadableObjects,
    *,
    limit: int = 1000,
) -> tuple[Change, ...]:
    """Return the bindings for pods without a node, and the reason for those that get none.

    Args:
        unbound: Oldest first; those of higher priority choose before the others.
        cluster: All nodes with their pods; the pods that are placed are added to it.
        now: Wall clock seconds.
        unreadable: Takes the pods that cannot be read; the others are placed.
        limit: Changes, after which the rest of the pods has to wait for the next look.
    """
    siblings = Counter(
        (_owner(pod), state.name) for state, pod in cluster.pods() if controller_of(pod)
    )
    changes: list[Change] = []
    refused: dict[str, tuple[str, str]] = {}
    related: set[str] = set()
    for pod in sorted(unbound, key=_priority, reverse=True):
        if len(changes) >= limit:
            break
        if spec_of(pod).get("schedulingGates"):
            changes += _unscheduled(pod, "SchedulingGated", _GATED, now)
            continue
        kind = _kind(pod)
        if kind not in refused:
            chosen, reason, why = _chosen(pod, cluster, siblings, unreadable)
            if chosen is not None:
                # A pod that was placed takes room; only what wants to be near it is better off.
                for one in related & refused.keys():
                    del refused[one]
                changes += _bind(pod, chosen, now)
                chosen.add(pod)
                siblings[_owner(pod), chosen.name] += 1
                continue
            refused[kind] = reason, why
            if pod_affinity.has_relations(pod):
                related.add(kind)
        changes += _unscheduled(pod, *refused[kind], now)
    return tuple(changes)


def _chosen(
    pod: Object,
    cluster: Cluster,
    siblings: Counter[tuple[str, str]],
    unreadable: UnreadableObjects,
) -> tuple[NodeState | None, str, str]:
    """Return the node for a pod, or None with the reason of its condition and the message."""
    key = key_of(pod)
    found = unreadable.read(key, partial(_choose, pod, cluster, siblings))
    if found is None:
        return None, "SchedulerError", f"running Filter plugins: {unreadable.reasons()[key]}"
    return found[0], "Unschedulable", found[1]


def _choose(
    pod: Object, cluster: Cluster, siblings: Counter[tuple[str, str]]
) -> tuple[NodeState | None, str]:
    """Return the node for a pod, or None and why."""
    reasons = {state.name: objection(pod, state) for state in cluster.nodes}
    reasons = {name: why for name, why in reasons.items() if why}
    for name, why in pod_affinity.objections(pod, cluster).items():
        reasons.setdefault(name, why)
    fitting = [state for state in cluster.nodes if state.name not in reasons]
    if not fitting:
        return None, fit_error(reasons, cluster.nodes)
    owner = _owner(pod)
    return min(
        fitting,
        key=lambda state: (
            -_preference(pod, state, cluster),
            siblings[owner, state.name],
            len(state.pods),
            state.name,
        ),
    ), ""


def _preference(pod: Object, state: NodeState, cluster: Cluster) -> int:
    soft = frozenset({"PreferNoSchedule"})
    total = node_affinity.preference(pod, state.node)
    if node_affinity.untolerated(pod, items_of(spec_of(state.node), "taints"), soft):
        total -= 100
    if pod_affinity.has_relations(pod):
        total += pod_affinity.preference(pod, state, cluster)
    return total


def _owner(pod: Object) -> str:
    controller = controller_of(pod)
    return controller["uid"] if controller is not None else ""


def _priority(pod: Object) -> int:
    return int(spec_of(pod).get("priority") or 0)


def _kind(pod: Object) -> str:
    """Return what is the same for pods that all nodes treat alike."""
    controller = controller_of(pod)
    if controller is not None and controller["kind"] == "ReplicaSet":
        return str(controller["uid"])  # its pods are all made of one template
    spec = spec_of(pod)
    said = {field: spec[field] for field in _SAYS_WHERE if spec.get(field)}
    asked = [
        [one.get("resources"), one.get("ports")]
        for field in ("containers", "initContainers")
        for one in items_of(spec, field)
    ]
    return json.dumps([namespace_of(pod), labels_of(pod), said, asked], sort_keys=True)


def _bind(pod: Object, state: NodeState, now: float) -> list[Change]:
    conditions = with_condition(items_of(status_of(pod), "conditions"), "PodScheduled", "True", now)
    bound = with_status(with_spec(pod, nodeName=state.name), conditions=conditions)
    message = f"Successfully assigned {namespace_of(pod)}/{name_of(pod)} to {state.name}"
    return [
        Update(object=bound),
        Record(object=pod, reason="Scheduled", message=message, component=NAME),
    ]


def _unscheduled(pod: Object, reason: str, message: str, now: float) -> Sequence[Change]:
    before = items_of(status_of(pod), "conditions")
    if any(_is_told(one, reason, message) for one in before):
        return ()
    conditions = with_condition(before, "PodScheduled", "False", now, reason, message)
    changed = update_if_changed(pod, with_status(pod, conditions=conditions))
    if not changed or reason == "SchedulingGated":
        return changed
    event = Record(
        object=pod, type="Warning", reason="FailedScheduling", message=message, component=NAME
    )
    return (*changed, event)


def _is_told(condition: Object, reason: str, message: str) -> bool:
    told = (condition.get("type"), condition.get("reason"), condition.get("message"))
    return told == ("PodScheduled", reason, message)
