"""Keep as many pods as a ReplicaSet asks for.

Source: Kubernetes, ``pkg/controller/replicaset`` and ``pkg/controller/controller_utils.go``.
"""

from collections import Counter
from collections.abc import Sequence

from netlab.apiserver.changes import Change, Create, Delete, Outcome, Update, update_if_changed
from netlab.kube.conditions import condition, is_true
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


def step(replicaset: Object, pods: Sequence[Object], now: float) -> Outcome:
    """Return what brings a ReplicaSet to its number of pods, and its status.

    Pods that match the selector and have no controller are adopted; those of its own that match no
    longer are released, which is how a pod is taken out of service to be looked at.

    Args:
        replicaset: As stored, not terminating.
        pods: Those it owns and those that match its selector.
        now: Wall clock seconds.
    """
    claims, mine = _claim(replicaset, pods)
    active = [pod for pod in mine if not is_terminating(pod) and not is_finished(pod)]
    missing = spec_of(replicaset).get("replicas", 1) - len(active)
    scaling: list[Change]
    if missing > 0:
        scaling = [Create(object=_new_pod(replicaset)) for _ in range(missing)]
    else:
        scaling = [Delete(key=key_of(pod)) for pod in to_delete(active, -missing)]
    status, wake_at = _status(replicaset, active, now)
    updates = update_if_changed(replicaset, {**replicaset, "status": status})
    return Outcome(changes=(*claims, *scaling, *updates), wake_at=wake_at)


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
    ready_since = _ready_since(pod)
    return ready_since is not None and (not min_ready_s or ready_since + min_ready_s <= now)


def _rank(pod: Object, crowd: Counter[str]) -> tuple[float, ...]:
    node = spec_of(pod).get("nodeName", "")
    phase = {"Pending": 0, "Unknown": 1}.get(status_of(pod).get("phase", "Pending"), 2)
    cost = int(annotations_of(pod).get("controller.kubernetes.io/pod-deletion-cost", "0"))
    restarts = sum(one["restartCount"] for one in items_of(status_of(pod), "containerStatuses"))
    created = seconds(metadata_of(pod)["creationTimestamp"])
    return (
        bool(node),
        phase,
        is_true(pod, "Ready"),
        cost,
        -crowd[node],
        -(_ready_since(pod) or 0.0),
        -restarts,
        -created,
    )


def _ready_since(pod: Object) -> float | None:
    ready = condition(pod, "Ready")
    if ready is None or ready["status"] != "True":
        return None
    return seconds(ready["lastTransitionTime"])


def _claim(replicaset: Object, pods: Sequence[Object]) -> tuple[list[Change], list[Object]]:
    selector = spec_of(replicaset)["selector"]
    changes: list[Change] = []
    mine = []
    for pod in pods:
        controller = controller_of(pod)
        matches = label_selector_matches(selector, labels_of(pod))
        if controller is not None and controller["uid"] == uid_of(replicaset):
            if matches or is_terminating(pod):
                mine.append(pod)
            else:
                others = [one for one in owners_of(pod) if one["uid"] != uid_of(replicaset)]
                changes.append(Update(object=with_metadata(pod, ownerReferences=others)))
        elif controller is None and matches and not is_terminating(pod):
            owners = [*owners_of(pod), owner_reference(replicaset)]
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


def _new_pod(replicaset: Object) -> Object:
    template = spec_of(replicaset)["template"]
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            **{
                field: metadata_of(template)[field]
                for field in ("labels", "annotations")
                if field in metadata_of(template)
            },
            "generateName": f"{name_of(replicaset)}-",
            "namespace": namespace_of(replicaset),
            "ownerReferences": [owner_reference(replicaset)],
        },
        "spec": spec_of(template),
    }


def _status(
    replicaset: Object, active: Sequence[Object], now: float
) -> tuple[Object, float | None]:
    spec = spec_of(replicaset)
    min_ready_s = spec.get("minReadySeconds", 0)
    template_labels = labels_of(spec["template"]).items()
    ready = [pod for pod in active if is_true(pod, "Ready")]
    available = [pod for pod in ready if is_available(pod, min_ready_s, now)]
    waits = [
        since + min_ready_s
        for since in map(_ready_since, ready)
        if since is not None and since + min_ready_s > now
    ]
    counts = {
        "fullyLabeledReplicas": sum(template_labels <= labels_of(p).items() for p in active),
        "readyReplicas": len(ready),
        "availableReplicas": len(available),
    }
    status = {
        "replicas": len(active),
        **{field: count for field, count in counts.items() if count},
        "observedGeneration": metadata_of(replicaset)["generation"],
    }
    return status, min(waits, default=None)
