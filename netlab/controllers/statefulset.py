"""Keep the pods of a StatefulSet, each with a number and a name of its own.

With ``OrderedReady`` a pod is made when all before it are ready, and given up when all after it are
gone; an update goes from the last pod to the first. With ``Parallel`` none waits for another.

Source: Kubernetes, ``pkg/controller/statefulset/stateful_set_control.go``.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from netlab.apiserver.changes import Change, Create, Delete, Outcome, update_if_changed
from netlab.controllers.controller import (
    Controller,
    Objects,
    itself,
    owner,
    owner_or_selecting,
)
from netlab.controllers.pod_control import (
    BATCH,
    claim,
    is_available,
    new_pod,
    next_available,
    pods_of,
)
from netlab.controllers.revision_history import HASH_LABEL, Revisions, revisions
from netlab.kube.conditions import is_true
from netlab.kube.events import Record
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
    status_of,
    uid_of,
    with_spec,
)
from netlab.kube.resources import key_of

NAME: Final = "statefulset-controller"

POD_NAME: Final = "statefulset.kubernetes.io/pod-name"
POD_INDEX: Final = "apps.kubernetes.io/pod-index"


@dataclass(frozen=True, slots=True, kw_only=True)
class StatefulState:
    """A StatefulSet and what belongs to it."""

    statefulset: Object
    pods: Sequence[Object]
    """Those it owns and those that match its selector."""
    history: Sequence[Object] = ()
    """Its ControllerRevisions."""
    claims: frozenset[str] = frozenset()
    """Names of the PersistentVolumeClaims there are."""


def step(state: StatefulState, now: float) -> Outcome:
    """Return what brings a StatefulSet one step further, and its status."""
    statefulset = state.statefulset
    adopted, mine = claim(statefulset, state.pods)
    held = {place: pod for pod in mine if (place := ordinal(statefulset, pod)) is not None}
    used = {labels_of(pod).get(HASH_LABEL, "") for pod in mine}
    present = revisions(statefulset, state.history, used)
    wanted = _ordinals(statefulset)
    moves = list(_moves(state, held, wanted, present, now))[:BATCH]
    status = _status(statefulset, held, wanted, present, now)
    updates = update_if_changed(statefulset, {**statefulset, "status": status})
    wake_at = next_available(mine, spec_of(statefulset).get("minReadySeconds", 0), now)
    return Outcome(changes=(*adopted, *present.changes, *moves, *updates), wake_at=wake_at)


def sync(objects: Objects, key: Key, now: float) -> Outcome:
    """Look at the StatefulSet at ``key``."""
    statefulset = objects.get(key)
    if statefulset is None or is_terminating(statefulset):
        return Outcome()
    claims = frozenset(map(name_of, objects.list_("persistentvolumeclaims", key.namespace)))
    state = StatefulState(
        statefulset=statefulset,
        pods=pods_of(objects, statefulset, spec_of(statefulset)["selector"]),
        history=objects.owned(uid_of(statefulset), "controllerrevisions"),
        claims=claims,
    )
    return step(state, now)


CONTROLLER: Final = Controller(
    name="statefulset",
    watches={
        "statefulsets": itself,
        "pods": owner_or_selecting("statefulsets"),
        "controllerrevisions": owner("statefulsets"),
    },
    step=sync,
)


def ordinal(statefulset: Object, pod: Object) -> int | None:
    """Return the number that ends a pod's name, or None if the name is not of the set's making."""
    parent, dash, digits = name_of(pod).rpartition("-")
    if parent != name_of(statefulset) or not dash or not digits.isascii() or not digits.isdigit():
        return None
    return int(digits)


def _ordinals(statefulset: Object) -> range:
    """Return the numbers that pods are to have."""
    spec = spec_of(statefulset)
    start = int((spec.get("ordinals") or {}).get("start") or 0)
    return range(start, start + int(spec.get("replicas", 1)))


def _moves(
    state: StatefulState,
    held: dict[int, Object],
    wanted: range,
    present: Revisions,
    now: float,
) -> Iterator[Change]:
    statefulset = state.statefulset
    is_ordered = spec_of(statefulset).get("podManagementPolicy") != "Parallel"
    least = spec_of(statefulset).get("minReadySeconds", 0)
    for place in wanted:
        pod = held.get(place)
        if pod is None:
            yield from _created(state, place, present.hash)
        elif is_finished(pod) and not is_terminating(pod):
            yield from _deleted(statefulset, pod)
        if is_ordered and (pod is None or not _is_sound(pod, least, now)):
            return
    for place in sorted(held.keys() - set(wanted), reverse=True):
        pod = held[place]
        if not is_terminating(pod):
            yield from _deleted(statefulset, pod)
        if is_ordered:
            return
    yield from _updated(statefulset, held, wanted, present, now)


def _updated(
    statefulset: Object, held: dict[int, Object], wanted: range, present: Revisions, now: float
) -> Iterator[Change]:
    """Yield the deletion of the last pod of an older template, if all after it are ready."""
    strategy = spec_of(statefulset).get("updateStrategy") or {}
    if strategy.get("type") == "OnDelete":
        return
    partition = int((strategy.get("rollingUpdate") or {}).get("partition") or 0)
    least = spec_of(statefulset).get("minReadySeconds", 0)
    for place in reversed(wanted):
        pod = held.get(place)
        if pod is None or place < partition:
            return
        if labels_of(pod).get(HASH_LABEL) != present.hash and not is_terminating(pod):
            yield from _deleted(statefulset, pod)
            return
        if not _is_sound(pod, least, now):
            return


def _is_sound(pod: Object, least: float, now: float) -> bool:
    return not is_terminating(pod) and is_available(pod, least, now)


def _created(state: StatefulState, place: int, digest: str) -> Iterator[Change]:
    statefulset = state.statefulset
    for claim_ in _claims(statefulset, place):
        if name_of(claim_) not in state.claims:
            yield Create(object=claim_)
    pod = _pod(statefulset, place, digest)
    yield Create(object=pod)
    yield _told(statefulset, "SuccessfulCreate", f"create Pod {name_of(pod)} in StatefulSet")


def _deleted(statefulset: Object, pod: Object) -> Iterator[Change]:
    yield Delete(key=key_of(pod))
    yield _told(statefulset, "SuccessfulDelete", f"delete Pod {name_of(pod)} in StatefulSet")


def _told(statefulset: Object, reason: str, what: str) -> Record:
    message = f"{what} {name_of(statefulset)} successful"
    return Record(object=statefulset, reason=reason, message=message, component=NAME)


def _pod(statefulset: Object, place: int, digest: str) -> Object:
    spec = spec_of(statefulset)
    pod = new_pod(statefulset, spec["template"])
    name = f"{name_of(statefulset)}-{place}"
    labels = {**labels_of(pod), HASH_LABEL: digest, POD_NAME: name, POD_INDEX: str(place)}
    metadata = {**metadata_of(pod), "name": name, "labels": labels}
    del metadata["generateName"]
    pod = {**pod, "metadata": metadata}
    volumes = [
        {"name": template["metadata"]["name"], "persistentVolumeClaim": {"claimName": name_of(one)}}
        for template, one in zip(
            items_of(spec, "volumeClaimTemplates"), _claims(statefulset, place), strict=True
        )
    ]
    names = {one["name"] for one in volumes}
    kept = [one for one in items_of(spec_of(pod), "volumes") if one["name"] not in names]
    return with_spec(
        pod,
        hostname=name,
        **({"subdomain": spec["serviceName"]} if spec.get("serviceName") else {}),
        **({"volumes": [*kept, *volumes]} if kept or volumes else {}),
    )


def _claims(statefulset: Object, place: int) -> list[Object]:
    return [
        {
            "apiVersion": "v1",
            "kind": "PersistentVolumeClaim",
            "metadata": {
                "name": f"{template['metadata']['name']}-{name_of(statefulset)}-{place}",
                "namespace": namespace_of(statefulset),
                "labels": {
                    **labels_of(template),
                    **(spec_of(statefulset)["selector"].get("matchLabels") or {}),
                },
            },
            "spec": spec_of(template),
        }
        for template in items_of(spec_of(statefulset), "volumeClaimTemplates")
    ]


def _status(
    statefulset: Object, held: dict[int, Object], wanted: range, present: Revisions, now: float
) -> Object:
    least = spec_of(statefulset).get("minReadySeconds", 0)
    pods = [pod for place, pod in held.items() if not is_terminating(pod)]
    updated = [pod for pod in pods if labels_of(pod).get(HASH_LABEL) == present.hash]
    ready = [pod for pod in pods if is_true(pod, "Ready")]
    is_complete = len(updated) == len(pods) == len(wanted) == len(ready)
    before = status_of(statefulset).get("currentRevision")
    current = present.name if is_complete or not before else before
    counts = {
        "readyReplicas": len(ready),
        "currentReplicas": sum(
            f"{name_of(statefulset)}-{labels_of(pod).get(HASH_LABEL)}" == current for pod in pods
        ),
        "updatedReplicas": len(updated),
    }
    return {
        "observedGeneration": metadata_of(statefulset)["generation"],
        "replicas": len(pods),
        **{field: count for field, count in counts.items() if count},
        "availableReplicas": sum(is_available(pod, least, now) for pod in pods),
        "currentRevision": current,
        "updateRevision": present.name,
        "collisionCount": 0,
    }
