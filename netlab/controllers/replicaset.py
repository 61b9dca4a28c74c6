"""Keep as many pods as a ReplicaSet asks for.

Source: Kubernetes, ``pkg/controller/replicaset``.
"""

from collections.abc import Sequence
from typing import Final

from netlab.apiserver.changes import Change, Outcome, update_if_changed
from netlab.controllers.controller import Controller, Objects, itself, owner_or_selecting
from netlab.controllers.pod_control import (
    BATCH,
    MAX_UNSCHEDULED,
    claim,
    create_pod,
    delete_pod,
    is_available,
    new_pod,
    next_available,
    pods_of,
    room,
    to_delete,
)
from netlab.kube.conditions import condition, is_true, with_condition
from netlab.kube.events import Record
from netlab.kube.kinds.pod.status import is_finished
from netlab.kube.objects import (
    Key,
    Object,
    is_terminating,
    items_of,
    labels_of,
    metadata_of,
    spec_of,
    status_of,
)

NAME: Final = "replicaset-controller"

_REPLICA_FAILURE: Final = "ReplicaFailure"
_NO_ROOM: Final = (
    f"a lab holds at most {MAX_UNSCHEDULED:,} pods that have no node or no address; "
    "more are made as these find one"
)


def step(replicaset: Object, pods: Sequence[Object], now: float, free: int = BATCH) -> Outcome:
    """Return what brings a ReplicaSet to its number of pods, or nearer to it, and its status.

    Args:
        replicaset: As stored, not terminating.
        pods: Those it owns and those that match its selector.
        now: Wall clock seconds.
        free: How many pods the lab has room for.
    """
    claims, mine = claim(replicaset, pods)
    active = [pod for pod in mine if not is_terminating(pod) and not is_finished(pod)]
    missing = spec_of(replicaset).get("replicas", 1) - len(active)
    scaling: list[Change] = []
    if missing > 0:
        pod = new_pod(replicaset, spec_of(replicaset)["template"])
        count = min(missing, BATCH, free)
        scaling = [create_pod(replicaset, pod, NAME) for _ in range(count)]
    else:
        for one in to_delete(active, min(-missing, BATCH)):
            scaling.extend(delete_pod(replicaset, one, NAME))
    told = _told_failure(replicaset) if missing > free else ()
    status = _status(replicaset, active, now, is_short=missing > free)
    updates = update_if_changed(replicaset, {**replicaset, "status": status})
    wake_at = next_available(active, spec_of(replicaset).get("minReadySeconds", 0), now)
    return Outcome(changes=(*claims, *scaling, *updates, *told), wake_at=wake_at)


def sync(objects: Objects, key: Key, now: float) -> Outcome:
    """Look at the ReplicaSet at ``key``."""
    replicaset = objects.get(key)
    if replicaset is None or is_terminating(replicaset):
        return Outcome()
    pods = pods_of(objects, replicaset, spec_of(replicaset)["selector"])
    return step(replicaset, pods, now, room(objects))


CONTROLLER: Final = Controller(
    name="replicaset",
    watches={"replicasets": itself, "pods": owner_or_selecting("replicasets")},
    step=sync,
)


def _told_failure(replicaset: Object) -> tuple[Change, ...]:
    """Return the event that tells of pods that cannot be made, once."""
    if condition(replicaset, _REPLICA_FAILURE) is not None:
        return ()
    message = f"Error creating: {_NO_ROOM}"
    event = Record(
        object=replicaset, type="Warning", reason="FailedCreate", message=message, component=NAME
    )
    return (event,)


def _status(replicaset: Object, active: Sequence[Object], now: float, *, is_short: bool) -> Object:
    spec = spec_of(replicaset)
    min_ready_s = spec.get("minReadySeconds", 0)
    template_labels = labels_of(spec["template"]).items()
    ready = [pod for pod in active if is_true(pod, "Ready")]
    available = [pod for pod in ready if is_available(pod, min_ready_s, now)]
    counts = {
        "fullyLabeledReplicas": sum(template_labels <= labels_of(p).items() for p in active),
        "readyReplicas": len(ready),
        "availableReplicas": len(available),
    }
    conditions = [
        one
        for one in items_of(status_of(replicaset), "conditions")
        if one.get("type") != _REPLICA_FAILURE or is_short
    ]
    if is_short:
        conditions = with_condition(
            conditions, _REPLICA_FAILURE, "True", now, "FailedCreate", _NO_ROOM
        )
    return {
        "replicas": len(active),
        **{field: count for field, count in counts.items() if count},
        "observedGeneration": metadata_of(replicaset)["generation"],
        **({"conditions": conditions} if conditions else {}),
    }
