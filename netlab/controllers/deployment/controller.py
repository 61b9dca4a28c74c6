"""Bring a Deployment's ReplicaSets to its template and its number of replicas.

A Deployment never touches pods: each template it ever had is a ReplicaSet, named after a hash of
the template, and an update moves replicas from the old ones to the new one.

Source: Kubernetes, ``pkg/controller/deployment``.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from netlab.apiserver.changes import Change, Create, Delete, Outcome, update_if_changed
from netlab.controllers.controller import Changed, Controller, Objects, itself, owner
from netlab.controllers.deployment import rolling
from netlab.controllers.deployment.progress import status_of_rollout
from netlab.controllers.deployment.revisions import (
    REVISION,
    matching,
    new_replicaset,
    next_revision,
    revision_of,
    with_annotations,
)
from netlab.kube.events import Record
from netlab.kube.kinds.pod.status import is_finished
from netlab.kube.objects import (
    Key,
    Object,
    annotations_of,
    is_terminating,
    metadata_of,
    name_of,
    namespace_of,
    spec_of,
    status_of,
    uid_of,
    with_metadata,
    with_spec,
)
from netlab.kube.resources import key_of

NAME: Final = "deployment-controller"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rollout:
    """A Deployment and what belongs to it."""

    deployment: Object
    replicasets: Sequence[Object] = ()
    """Those it owns, oldest first."""
    pods: Sequence[Object] = ()
    """Those its ReplicaSets own, the terminating ones too; for ``Recreate`` alone."""
    is_taken: Callable[[str], bool] = lambda _: False
    """Whether there is a ReplicaSet of this name, whoever's it is."""


def step(rollout: Rollout, now: float) -> Outcome:
    """Return what brings a Deployment one step further, and its status.

    Each step is one that the present state allows; the pods' becoming ready allows the next.
    """
    deployment = rollout.deployment
    living = [one for one in rollout.replicasets if not is_terminating(one)]
    new = matching(deployment, living)
    old = [one for one in living if one is not new]
    collisions = int(status_of(deployment).get("collisionCount") or 0)
    changes: list[Change] = []
    if spec_of(deployment).get("paused"):
        changes = _scaled(deployment, living, rolling.paused_sizes(deployment, new, old))
    elif new is None and rolling.may_start(deployment, rollout.pods):
        created = new_replicaset(
            deployment, next_revision(old), rolling.first_size(deployment, old), collisions
        )
        if rollout.is_taken(name_of(created)):
            collisions += 1
        else:
            changes = [Create(object=created), *_scaling_event(deployment, created, 0)]
        changes += _scaled(deployment, old, rolling.emptied(deployment, old))
    elif new is None:
        changes = _scaled(deployment, old, rolling.emptied(deployment, old))
    else:
        changes = _rolled(rollout, new, old)
    told, wake_at = status_of_rollout(deployment, new, living, now)
    if collisions:
        told = {**told, "collisionCount": collisions}
    revision = annotations_of(new).get(REVISION, "1") if new is not None else next_revision(old)
    annotated = with_metadata(
        deployment, annotations={**annotations_of(deployment), REVISION: revision}
    )
    updates = update_if_changed(deployment, {**annotated, "status": told})
    return Outcome(changes=(*changes, *_forgotten(deployment, old), *updates), wake_at=wake_at)


def sync(objects: Objects, key: Key, now: float) -> Outcome:
    """Look at the Deployment at ``key``."""
    deployment = objects.get(key)
    if deployment is None or is_terminating(deployment):
        return Outcome()
    mine = objects.owned(uid_of(deployment), "replicasets")
    pods: list[Object] = []
    if rolling.is_recreate(deployment):
        owned = (pod for one in mine for pod in objects.owned(uid_of(one), "pods"))
        pods = [pod for pod in owned if not is_finished(pod)]

    def is_taken(name: str) -> bool:
        return objects.get(Key("replicasets", namespace_of(deployment), name)) is not None

    rollout = Rollout(deployment=deployment, replicasets=mine, pods=pods, is_taken=is_taken)
    return step(rollout, now)


def _of_pod(objects: Objects, changed: Changed) -> Iterator[Key]:
    """Lead from a pod that is gone to the Deployment that may wait for that."""
    if changed.new is None:
        for key in owner("replicasets")(objects, changed):
            replicaset = objects.get(key)
            yield from owner("deployments")(objects, Changed(key, None, replicaset))


CONTROLLER: Final = Controller(
    name="deployment",
    watches={"deployments": itself, "replicasets": owner("deployments"), "pods": _of_pod},
    step=sync,
)


def _rolled(rollout: Rollout, new: Object, old: Sequence[Object]) -> list[Change]:
    """Return the next moves, with the revision of a ReplicaSet that is new again."""
    deployment = rollout.deployment
    sizes = rolling.next_sizes(deployment, new, old, rollout.pods)
    revision = revision_of(new)
    if revision < max(map(revision_of, old), default=0):
        revision = int(next_revision(old))
    wanted = with_annotations(deployment, new, str(revision))
    return _scaled(deployment, (new, *old), sizes, {name_of(new): wanted})


def _scaled(
    deployment: Object,
    replicasets: Sequence[Object],
    sizes: dict[str, int],
    changed: dict[str, Object] | None = None,
) -> list[Change]:
    """Return the changes that give ReplicaSets their sizes.

    Args:
        deployment: Whose they are.
        replicasets: As stored.
        sizes: Wanted replicas by name; who is not named stays as it is.
        changed: What is to be stored of a ReplicaSet beside its size, by name.
    """
    changes: list[Change] = []
    for one in replicasets:
        before = int(spec_of(one).get("replicas", 1))
        size = sizes.get(name_of(one), before)
        wanted = with_spec((changed or {}).get(name_of(one), one), replicas=size)
        changes.extend(update_if_changed(one, wanted))
        changes.extend(_scaling_event(deployment, wanted, before))
    return changes


def _scaling_event(deployment: Object, replicaset: Object, before: int) -> tuple[Change, ...]:
    size = int(spec_of(replicaset)["replicas"])
    if size == before:
        return ()
    way = "up" if size > before else "down"
    message = f"Scaled {way} replica set {name_of(replicaset)} from {before} to {size}"
    return (Record(object=deployment, reason="ScalingReplicaSet", message=message, component=NAME),)


def _forgotten(deployment: Object, old: Sequence[Object]) -> list[Change]:
    """Return the deletion of old templates beyond ``revisionHistoryLimit``."""
    limit = spec_of(deployment).get("revisionHistoryLimit", 10)
    idle = [
        one
        for one in old
        if not spec_of(one).get("replicas")
        and not status_of(one).get("replicas")
        and status_of(one).get("observedGeneration") == metadata_of(one).get("generation")
    ]
    excess = max(len(idle) - limit, 0)
    return [Delete(key=key_of(one)) for one in sorted(idle, key=revision_of)[:excess]]
