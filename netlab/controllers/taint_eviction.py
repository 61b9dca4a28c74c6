"""Evict pods from a node with a taint NoExecute that they do not tolerate, or not for ever.

How long a toleration holds counts from when the taint was added, which is written into the taint.

Source: Kubernetes, ``pkg/controller/tainteviction``.
"""

from collections.abc import Iterator, Sequence
from typing import Final

from netlab.apiserver.changes import Change, Delete, Outcome, Update
from netlab.controllers.controller import Changed, Controller, Objects
from netlab.kube.events import Record
from netlab.kube.objects import (
    Key,
    Object,
    is_terminating,
    items_of,
    name_of,
    namespace_of,
    spec_of,
    with_spec,
)
from netlab.kube.resources import key_of
from netlab.kube.timestamps import seconds, timestamp
from netlab.scheduler.node_affinity import tolerations_of

_EFFECT: Final = "NoExecute"


def step(node: Object, pods: Sequence[Object], now: float) -> Outcome:
    """Return the eviction of the pods whose time on a node is over.

    Args:
        node: As stored.
        pods: Those on it.
        now: Wall clock seconds.
    """
    taints = [one for one in items_of(spec_of(node), "taints") if one.get("effect") == _EFFECT]
    if not taints:
        return Outcome()
    if any("timeAdded" not in one for one in taints):
        return Outcome(changes=[Update(object=_with_times(node, now))])
    changes: list[Change] = []
    wakes = []
    for pod in pods:
        until = None if is_terminating(pod) else _until(pod, taints)
        if until is None:
            continue
        if until > now:
            wakes.append(until)
            continue
        message = f"Marking for deletion Pod {namespace_of(pod)}/{name_of(pod)}"
        told = Record(
            object=pod,
            reason="TaintManagerEviction",
            message=message,
            component="taint-eviction-controller",
        )
        changes += [told, Delete(key=key_of(pod))]
    return Outcome(changes=changes, wake_at=min(wakes, default=None))


def sync(objects: Objects, key: Key, now: float) -> Outcome:
    """Look at the node at ``key``."""
    node = objects.get(key)
    if node is None or not _is_tainted(node):
        return Outcome()
    pods = [pod for pod in objects.list_("pods") if spec_of(pod).get("nodeName") == key.name]
    return step(node, pods, now)


def _of_node(objects: Objects, changed: Changed) -> Iterator[Key]:
    del objects
    if changed.new is not None and _is_tainted(changed.new):
        yield changed.key


def _of_pod(objects: Objects, changed: Changed) -> Iterator[Key]:
    node = spec_of(changed.new or {}).get("nodeName")
    key = Key("nodes", "", str(node))
    found = objects.get(key) if node else None
    if found is not None and _is_tainted(found):
        yield key


CONTROLLER: Final = Controller(
    name="taint-eviction", watches={"nodes": _of_node, "pods": _of_pod}, step=sync
)


def _is_tainted(node: Object) -> bool:
    return any(one.get("effect") == _EFFECT for one in items_of(spec_of(node), "taints"))


def _with_times(node: Object, now: float) -> Object:
    taints = [
        {"timeAdded": timestamp(now), **one} if one.get("effect") == _EFFECT else one
        for one in items_of(spec_of(node), "taints")
    ]
    return with_spec(node, taints=taints)


def _until(pod: Object, taints: Sequence[Object]) -> float | None:
    """Return until when a pod may stay, in wall clock seconds; None for ever."""
    ends: list[float] = []
    for taint in taints:
        added = seconds(taint["timeAdded"])
        held = [one.get("tolerationSeconds") for one in tolerations_of(pod, taint)]
        if not held:
            return added
        limited = [float(one) for one in held if one is not None]
        if limited:
            ends.append(added + max(0.0, min(limited)))
    return min(ends, default=None)
