"""Bring a Deployment's ReplicaSets to its template and its number of replicas.

A Deployment never touches pods: each template it ever had is a ReplicaSet, named after a hash of
the template, and an update moves replicas from the old ones to the new one.

Source: Kubernetes, ``pkg/controller/deployment``.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

from netlab.apiserver.changes import Change, Create, Delete, Outcome, update_if_changed
from netlab.controllers.deployment import rolling
from netlab.controllers.deployment.progress import status_of_rollout
from netlab.controllers.replicaset import owner_reference
from netlab.kube.objects import (
    Object,
    annotations_of,
    is_terminating,
    labels_of,
    metadata_of,
    name_of,
    namespace_of,
    spec_of,
    status_of,
    with_metadata,
    with_spec,
)
from netlab.kube.resources import key_of

HASH_LABEL: Final = "pod-template-hash"
REVISION: Final = "deployment.kubernetes.io/revision"

_HASH_LETTERS: Final = "bcdfghjklmnpqrstvwxz2456789"


def step(
    deployment: Object, replicasets: Sequence[Object], pods: Sequence[Object], now: float
) -> Outcome:
    """Return what brings a Deployment one step further, and its status.

    Each step is one that the present state allows; the pods' becoming ready allows the next.

    Args:
        deployment: As stored, not terminating.
        replicasets: Those it owns, oldest first.
        pods: Those its ReplicaSets own, the terminating ones too.
        now: Wall clock seconds.
    """
    living = [one for one in replicasets if not is_terminating(one)]
    new = _matching(deployment, living)
    old = [one for one in living if one is not new]
    if spec_of(deployment).get("paused"):
        scaled = rolling.scale_paused(deployment, new, old)
    elif new is None and rolling.may_start(deployment, pods):
        revision = _next_revision(old)
        created = _new_replicaset(deployment, revision, rolling.first_size(deployment, old))
        scaled = [Create(object=created), *rolling.empty(deployment, old)]
    elif new is None:
        scaled = rolling.empty(deployment, old)
    else:
        scaled = _rolled(deployment, new, old, pods)
    revision = annotations_of(new).get(REVISION, "1") if new is not None else _next_revision(old)
    told, wake_at = status_of_rollout(deployment, new, living, now)
    annotated = with_metadata(
        deployment, annotations={**annotations_of(deployment), REVISION: revision}
    )
    updates = update_if_changed(deployment, {**annotated, "status": told})
    return Outcome(changes=(*scaled, *_forget(deployment, old), *updates), wake_at=wake_at)


def template_hash(template: Mapping[str, Any]) -> str:
    """Return what tells one pod template from another, in the letters of generated names."""
    text = json.dumps(template, sort_keys=True, separators=(",", ":"))
    number = int.from_bytes(hashlib.sha256(text.encode()).digest()[:4])
    return "".join(_HASH_LETTERS[ord(digit) % len(_HASH_LETTERS)] for digit in str(number))


def _rolled(
    deployment: Object, new: Object, old: Sequence[Object], pods: Sequence[Object]
) -> list[Change]:
    """Return the next moves, with the revision of a ReplicaSet that is new again."""
    sizes = rolling.next_sizes(deployment, new, old, pods)
    changes: list[Change] = []
    for replicaset in (new, *old):
        wanted = with_spec(replicaset, replicas=sizes[name_of(replicaset)])
        if replicaset is new and _revision(new) < max(map(_revision, old), default=0):
            annotations = {**annotations_of(new), REVISION: _next_revision(old)}
            wanted = with_metadata(wanted, annotations=annotations)
        changes.extend(update_if_changed(replicaset, wanted))
    return changes


def _matching(deployment: Object, replicasets: Sequence[Object]) -> Object | None:
    """Return the oldest ReplicaSet made from the present template, or None."""
    template = spec_of(deployment)["template"]
    return next(
        (one for one in replicasets if _without_hash(spec_of(one)["template"]) == template), None
    )


def _without_hash(template: Object) -> Object:
    labels = {label: text for label, text in labels_of(template).items() if label != HASH_LABEL}
    return with_metadata(template, labels=labels)


def _revision(replicaset: Object) -> int:
    return int(annotations_of(replicaset).get(REVISION, "0"))


def _next_revision(old: Sequence[Object]) -> str:
    return str(max(map(_revision, old), default=0) + 1)


def _new_replicaset(deployment: Object, revision: str, replicas: int) -> Object:
    spec = spec_of(deployment)
    template = spec["template"]
    digest = template_hash(template)
    labels = {**labels_of(template), HASH_LABEL: digest}
    kept = {"minReadySeconds": spec["minReadySeconds"]} if spec.get("minReadySeconds") else {}
    selected = {**spec["selector"].get("matchLabels", {}), HASH_LABEL: digest}
    return {
        "apiVersion": "apps/v1",
        "kind": "ReplicaSet",
        "metadata": {
            "name": f"{name_of(deployment)}-{digest}",
            "namespace": namespace_of(deployment),
            "labels": labels,
            "annotations": {
                "deployment.kubernetes.io/desired-replicas": str(spec.get("replicas", 1)),
                REVISION: revision,
            },
            "ownerReferences": [owner_reference(deployment)],
        },
        "spec": {
            "replicas": replicas,
            **kept,
            "selector": {**spec["selector"], "matchLabels": selected},
            "template": with_metadata(template, labels=labels),
        },
    }


def _forget(deployment: Object, old: Sequence[Object]) -> list[Change]:
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
    return [Delete(key=key_of(one)) for one in sorted(idle, key=_revision)[:excess]]
