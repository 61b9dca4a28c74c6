"""What controllers of pods share: whose pods they are, new pods, and which to give up first.

Source: Kubernetes, ``pkg/controller/controller_utils.go`` and ``controller_ref_manager.go``.
"""

from collections import Counter
from collections.abc import Sequence
from typing import Final

from netlab.apiserver.changes import Change, Create, Delete, Update
from netlab.controllers.controller import Objects
from netlab.errors import SpecError
from netlab.kube.conditions import condition, is_true
from netlab.kube.events import Record
from netlab.kube.kinds.pod.status import is_finished
from netlab.kube.objects import (
    Object,
    annotations_of,
    controller_of,
    is_terminating,
    items_of,
    labels_of,
    metadata_of,
    name_of,
    namespace_of,
    owners_of,
    spec_of,
    status_of,
    uid_of,
    with_metadata,
)
from netlab.kube.resources import key_of
from netlab.kube.selectors import label_selector_matches
from netlab.kube.timestamps import seconds

BATCH: Final = 50
"""Pods made in one step at most."""
MAX_UNSCHEDULED: Final = 2000
"""Pods without a node that a lab holds; a controller makes no more before these have one."""

_COST: Final = "controller.kubernetes.io/pod-deletion-cost"


def pods_of(objects: Objects, owner: Object, selector: Object) -> list[Object]:
    """Return the pods that ``owner`` controls and those that its selector may pick."""
    labels = selector.get("matchLabels") or {}
    owned = objects.owned(uid_of(owner), "pods")
    matching = objects.select("pods", namespace_of(owner), labels)
    return list({key_of(pod): pod for pod in (*owned, *matching)}.values())


def room(objects: Objects) -> int:
    """Return how many pods may still be made beside those that wait for a node or an address."""
    waiting = sum(
        not status_of(pod).get("podIPs") and not is_finished(pod) for pod in objects.list_("pods")
    )
    return max(0, MAX_UNSCHEDULED - waiting)


def claim(owner: Object, pods: Sequence[Object]) -> tuple[list[Change], list[Object]]:
    """Return changes of ownership, and the pods that are the owner's then.

    Pods that match its selector and have no controller are adopted; those of its own that match no
    longer are released, which is how a pod is taken out of service to be looked at.

    Args:
        owner: A ReplicaSet or its like, as stored.
        pods: Those it owns and those that match its selector.
    """
    selector = spec_of(owner)["selector"]
    changes: list[Change] = []
    mine = []
    for pod in pods:
        controller = controller_of(pod)
        matches = label_selector_matches(selector, labels_of(pod))
        if controller is not None and controller["uid"] == uid_of(owner):
            if matches or is_terminating(pod):
                mine.append(pod)
            else:
                others = [one for one in owners_of(pod) if one["uid"] != uid_of(owner)]
                changes.append(Update(object=with_metadata(pod, ownerReferences=others)))
        elif controller is None and matches and not is_terminating(pod) and not is_finished(pod):
            owners = [*owners_of(pod), owner_reference(owner)]
            adopted = with_metadata(pod, ownerReferences=owners)
            changes.append(Update(object=adopted))
            mine.append(adopted)
    return changes, mine


def owner_reference(owner: Object) -> Object:
    """Return the reference that makes ``owner`` the controller of an object."""
    return {
        "apiVersion": owner["apiVersion"],
        "kind": owner["kind"],
        "name": name_of(owner),
        "uid": uid_of(owner),
        "controller": True,
        "blockOwnerDeletion": True,
    }


def new_pod(owner: Object, template: Object) -> Object:
    """Return a pod of ``template`` that is to get a name of its own.

    Raises:
        SpecError: The owner does not select it, and would make pods for ever.
    """
    require_selects(owner, template)
    kept = ("labels", "annotations", "finalizers")
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            **{
                field: metadata_of(template)[field]
                for field in kept
                if field in metadata_of(template)
            },
            "generateName": f"{name_of(owner)}-",
            "namespace": namespace_of(owner),
            "ownerReferences": [owner_reference(owner)],
        },
        "spec": spec_of(template),
    }


def require_selects(owner: Object, template: Object) -> None:
    """Make sure that what is made of a template is its owner's.

    Raises:
        SpecError: It would not be, and another would be made, for ever.
    """
    if not label_selector_matches(spec_of(owner)["selector"], labels_of(template)):
        raise SpecError("`selector` does not match template `labels`")


def create_pod(owner: Object, pod: Object, component: str) -> Create:
    """Return the creation of a pod, told in an event of its owner."""
    event = Record(
        object=owner, reason="SuccessfulCreate", message="Created pod: ", component=component
    )
    return Create(object=pod, event=event)


def delete_pod(owner: Object, pod: Object, component: str) -> tuple[Change, Change]:
    """Return the deletion of a pod, told in an event of its owner."""
    message = f"Deleted pod: {name_of(pod)}"
    event = Record(object=owner, reason="SuccessfulDelete", message=message, component=component)
    return Delete(key=key_of(pod)), event


def to_delete(pods: Sequence[Object], count: int) -> list[Object]:
    """Return the pods that a scale-down takes first.

    Unbound before bound, pending before running, not ready before ready, cheap before dear
    (``controller.kubernetes.io/pod-deletion-cost``), from crowded nodes before others, ready for a
    short time before long, restarted often before seldom, new before old.

    Args:
        pods: Oldest first.
        count: How many to give up; all of them at most.
    """
    if count <= 0:
        return []
    crowd = Counter(spec_of(pod).get("nodeName", "") for pod in pods)
    newest_first = pods[::-1]
    return sorted(newest_first, key=lambda pod: _rank(pod, crowd))[:count]


def is_available(pod: Object, min_ready_s: float, now: float) -> bool:
    """Return whether a pod has been ready for long enough to count on."""
    since = ready_since(pod)
    return since is not None and (not min_ready_s or since + min_ready_s <= now)


def ready_since(pod: Object) -> float | None:
    """Return when a pod became ready, in wall clock seconds; None if it is not."""
    ready = condition(pod, "Ready")
    if ready is None or ready.get("status") != "True":
        return None
    return seconds(ready.get("lastTransitionTime") or metadata_of(pod)["creationTimestamp"])


def next_available(pods: Sequence[Object], min_ready_s: float, now: float) -> float | None:
    """Return when the next of the ready pods will have been ready for long enough, or None."""
    times = (
        since + min_ready_s
        for since in map(ready_since, pods)
        if since is not None and since + min_ready_s > now
    )
    return min(times, default=None)


def _rank(pod: Object, crowd: Counter[str]) -> tuple[float, ...]:
    node = spec_of(pod).get("nodeName", "")
    phase = {"Pending": 0, "Unknown": 1}.get(status_of(pod).get("phase", "Pending"), 2)
    restarts = sum(
        int(one.get("restartCount") or 0) for one in items_of(status_of(pod), "containerStatuses")
    )
    created = seconds(metadata_of(pod)["creationTimestamp"])
    return (
        bool(node),
        phase,
        is_true(pod, "Ready"),
        _deletion_cost(pod),
        -crowd[node],
        -(ready_since(pod) or 0.0),
        -restarts,
        -created,
    )


def _deletion_cost(pod: Object) -> int:
    """Return the cost that an annotation names; 0 for what is no number, as in Kubernetes."""
    text = annotations_of(pod).get(_COST, "0")
    digits = text.removeprefix("-")
    return int(text) if digits.isascii() and digits.isdigit() and len(digits) < 11 else 0
