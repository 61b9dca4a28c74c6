"""Have the scheduler look at pods that have no node, some at a time.

It looks at all of them together, so it has one item, whatever changed.
"""

from collections.abc import Iterator
from typing import Final

from netlab.apiserver.changes import Outcome
from netlab.controllers.controller import Changed, Controller, Objects
from netlab.kube.objects import Key, Object, is_terminating, labels_of, name_of, spec_of
from netlab.kube.unreadable import UnreadableObjects
from netlab.scheduler.nodes import cluster_of
from netlab.scheduler.schedule import NAME, schedule

_BATCH: Final = 100
_ALL: Final = Key("pods", "", "")


def sync(objects: Objects, key: Key, now: float) -> Outcome:
    """Look at the pods that have no node and say that this scheduler is theirs."""
    del key
    found = (objects.get(one) for one in objects.index.unbound())
    unbound = [pod for pod in found if pod is not None and _is_ours(pod)]
    if not unbound:
        return Outcome()
    bound = [pod for pod in objects.list_("pods") if spec_of(pod).get("nodeName")]
    namespaces = {name_of(one): labels_of(one) for one in objects.list_("namespaces")}
    unreadable = UnreadableObjects()
    cluster = cluster_of(objects.list_("nodes"), bound, namespaces, unreadable)
    changes = schedule(unbound, cluster, now, unreadable, limit=_BATCH)
    return Outcome(changes=changes, left_out=unreadable.reasons())


def _of_pod(objects: Objects, changed: Changed) -> Iterator[Key]:
    """Look again when a pod has no node, or one that had a node has left room."""
    del objects
    if any(not spec_of(state).get("nodeName") for state in changed.states) or changed.new is None:
        yield _ALL


def _of_node(objects: Objects, changed: Changed) -> Iterator[Key]:
    del objects
    if changed.old is None or changed.new is None or _seen(changed.old) != _seen(changed.new):
        yield _ALL


CONTROLLER: Final = Controller(
    name="scheduler", watches={"pods": _of_pod, "nodes": _of_node}, step=sync
)


def _is_ours(pod: Object) -> bool:
    return not is_terminating(pod) and spec_of(pod).get("schedulerName", NAME) == NAME


def _seen(node: Object) -> tuple[object, ...]:
    """Return what the scheduler looks at of a node; a heartbeat is nothing to it."""
    status = node.get("status") or {}
    conditions = [(one.get("type"), one.get("status")) for one in status.get("conditions") or ()]
    return labels_of(node), spec_of(node), status.get("allocatable"), conditions
