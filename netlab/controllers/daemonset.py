"""Keep one pod of a DaemonSet on every node that may have it.

Its pods name their node in an affinity and are bound by the scheduler.

Source: Kubernetes, ``pkg/controller/daemon``.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from netlab.apiserver.changes import Change, Outcome, update_if_changed
from netlab.controllers.controller import (
    Changed,
    Controller,
    Objects,
    itself,
    owner,
    owner_or_selecting,
)
from netlab.controllers.pod_control import (
    BATCH,
    claim,
    create_pod,
    delete_pod,
    is_available,
    new_pod,
    next_available,
    pods_of,
)
from netlab.controllers.revision_history import HASH_LABEL, revisions
from netlab.kube.conditions import is_true
from netlab.kube.kinds.pod.status import is_finished
from netlab.kube.objects import (
    Key,
    Object,
    is_terminating,
    items_of,
    labels_of,
    metadata_of,
    name_of,
    namespace_of,
    spec_of,
    uid_of,
    with_metadata,
    with_spec,
)
from netlab.scheduler.node_affinity import matches_node, taints_of, untolerated

NAME: Final = "daemonset-controller"

_TOLERATIONS: Final = tuple(
    {"key": f"node.kubernetes.io/{key}", "operator": "Exists", "effect": effect}
    for key, effect in (
        ("not-ready", "NoExecute"),
        ("unreachable", "NoExecute"),
        ("disk-pressure", "NoSchedule"),
        ("memory-pressure", "NoSchedule"),
        ("pid-pressure", "NoSchedule"),
        ("unschedulable", "NoSchedule"),
    )
)
_FILTERED: Final = frozenset({"NoSchedule", "NoExecute"})
_REQUIRED: Final = "requiredDuringSchedulingIgnoredDuringExecution"


@dataclass(frozen=True, slots=True, kw_only=True)
class DaemonState:
    """A DaemonSet and what belongs to it."""

    daemonset: Object
    nodes: Sequence[Object]
    pods: Sequence[Object]
    """Those it owns and those that match its selector."""
    history: Sequence[Object] = ()
    """Its ControllerRevisions."""


def step(state: DaemonState, now: float) -> Outcome:
    """Return what brings a DaemonSet to a pod a node, and its status."""
    daemonset = state.daemonset
    claims, mine = claim(daemonset, state.pods)
    used = {labels_of(pod).get(HASH_LABEL, "") for pod in mine}
    present = revisions(daemonset, state.history, used)
    by_node: dict[str, list[Object]] = {name_of(node): [] for node in state.nodes}
    for pod in mine:
        by_node.setdefault(_node_of(pod), []).append(pod)
    pod = _pod(daemonset, present.hash)
    wanted = {name_of(node) for node in state.nodes if _may_run(pod, node)}
    changes: list[Change] = []
    for node, pods in by_node.items():
        living = [one for one in pods if not is_terminating(one)]
        finished = [one for one in living if is_finished(one)]
        extra = living[1:] if node in wanted else living
        for one in {name_of(one): one for one in (*extra, *finished)}.values():
            changes += delete_pod(daemonset, one, NAME)
        if node in wanted and not pods:
            changes.append(create_pod(daemonset, _on_node(pod, node), NAME))
    changes = changes[:BATCH]
    changes += _replaced(daemonset, by_node, wanted, present.hash, now)
    status = _status(daemonset, by_node, wanted, present.hash, now)
    updates = update_if_changed(daemonset, {**daemonset, "status": status})
    wake_at = next_available(mine, spec_of(daemonset).get("minReadySeconds", 0), now)
    return Outcome(changes=(*claims, *present.changes, *changes, *updates), wake_at=wake_at)


def sync(objects: Objects, key: Key, now: float) -> Outcome:
    """Look at the DaemonSet at ``key``."""
    daemonset = objects.get(key)
    if daemonset is None or is_terminating(daemonset):
        return Outcome()
    state = DaemonState(
        daemonset=daemonset,
        nodes=objects.list_("nodes"),
        pods=pods_of(objects, daemonset, spec_of(daemonset)["selector"]),
        history=objects.owned(uid_of(daemonset), "controllerrevisions"),
    )
    return step(state, now)


def _all(objects: Objects, changed: Changed) -> Iterator[Key]:
    """Look at every DaemonSet when a node comes, goes or is labelled or tainted anew."""
    old, new = changed.old, changed.new
    if old is not None and new is not None:
        same = labels_of(old) == labels_of(new) and spec_of(old) == spec_of(new)
        if same and is_true(old, "Ready") == is_true(new, "Ready"):
            return
    for one in objects.list_("daemonsets"):
        yield Key("daemonsets", namespace_of(one), name_of(one))


CONTROLLER: Final = Controller(
    name="daemonset",
    watches={
        "daemonsets": itself,
        "pods": owner_or_selecting("daemonsets"),
        "controllerrevisions": owner("daemonsets"),
        "nodes": _all,
    },
    step=sync,
)


def _pod(daemonset: Object, digest: str) -> Object:
    pod = new_pod(daemonset, spec_of(daemonset)["template"])
    pod = with_metadata(pod, labels={**labels_of(pod), HASH_LABEL: digest})
    given = items_of(spec_of(pod), "tolerations")
    more = [dict(one) for one in _TOLERATIONS if one not in given]
    return with_spec(pod, tolerations=[*given, *more])


def _on_node(pod: Object, node: str) -> Object:
    """Return the pod with an affinity for one node, which replaces its other node affinity."""
    field = {"key": "metadata.name", "operator": "In", "values": [node]}
    affinity = spec_of(pod).get("affinity") or {}
    required = {_REQUIRED: {"nodeSelectorTerms": [{"matchFields": [field]}]}}
    node_affinity = {**(affinity.get("nodeAffinity") or {}), **required}
    return with_spec(pod, affinity={**affinity, "nodeAffinity": node_affinity})


def _may_run(pod: Object, node: Object) -> bool:
    asked = spec_of(pod).get("nodeName")
    if asked and asked != name_of(node):
        return False
    return matches_node(pod, node) and untolerated(pod, taints_of(node), _FILTERED) is None


def _node_of(pod: Object) -> str:
    """Return the node that a pod has, or is meant for."""
    spec = spec_of(pod)
    if spec.get("nodeName"):
        return str(spec["nodeName"])
    affinity = (spec.get("affinity") or {}).get("nodeAffinity") or {}
    for term in items_of(affinity.get(_REQUIRED) or {}, "nodeSelectorTerms"):
        for field in items_of(term, "matchFields"):
            return str((field.get("values") or [""])[0])
    return ""


def _replaced(
    daemonset: Object,
    by_node: Mapping[str, Sequence[Object]],
    wanted: set[str],
    digest: str,
    now: float,
) -> list[Change]:
    """Return the deletion of pods of an older template, as many as may be missing at once."""
    strategy = spec_of(daemonset).get("updateStrategy") or {}
    if strategy.get("type") == "OnDelete":
        return []
    least = spec_of(daemonset).get("minReadySeconds", 0)
    old: list[Object] = []
    missing = 0
    for node in sorted(wanted):
        living = [one for one in by_node[node] if not is_terminating(one)]
        if not living or not is_available(living[0], least, now):
            missing += 1
        if living and labels_of(living[0]).get(HASH_LABEL) != digest:
            old.append(living[0])
    budget = _max_unavailable(strategy, len(wanted)) - missing
    broken = [one for one in old if not is_available(one, least, now)]
    sound = [one for one in old if is_available(one, least, now)][: max(0, budget)]
    return [change for one in (*broken, *sound) for change in delete_pod(daemonset, one, NAME)]


def _max_unavailable(strategy: Object, nodes: int) -> int:
    limit = (strategy.get("rollingUpdate") or {}).get("maxUnavailable", 1)
    if isinstance(limit, str):
        return math.ceil(int(limit.removesuffix("%")) * nodes / 100)
    return int(limit) or 1


def _status(
    daemonset: Object,
    by_node: Mapping[str, Sequence[Object]],
    wanted: set[str],
    digest: str,
    now: float,
) -> Object:
    least = spec_of(daemonset).get("minReadySeconds", 0)
    here = [pods[0] for node in wanted if (pods := by_node[node])]
    available = sum(is_available(pod, least, now) for pod in here)
    updated = sum(labels_of(pod).get(HASH_LABEL) == digest for pod in here)
    optional = {
        "updatedNumberScheduled": updated,
        "numberAvailable": available,
        "numberUnavailable": len(wanted) - available,
    }
    return {
        "currentNumberScheduled": len(here),
        "desiredNumberScheduled": len(wanted),
        "numberMisscheduled": sum(bool(p) for node, p in by_node.items() if node not in wanted),
        "numberReady": sum(is_true(pod, "Ready") for pod in here),
        "observedGeneration": metadata_of(daemonset)["generation"],
        **{field: count for field, count in optional.items() if count},
    }
