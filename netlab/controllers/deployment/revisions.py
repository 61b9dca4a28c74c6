"""The ReplicaSets of a Deployment as its history: one for each template, numbered.

Source: Kubernetes, ``pkg/controller/deployment/util/deployment_util.go``.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

from netlab.controllers.deployment.rolling import limits
from netlab.controllers.pod_control import owner_reference, require_selects
from netlab.kube.objects import (
    Object,
    annotations_of,
    labels_of,
    name_of,
    namespace_of,
    spec_of,
    with_metadata,
)

HASH_LABEL: Final = "pod-template-hash"
REVISION: Final = "deployment.kubernetes.io/revision"
HISTORY: Final = "deployment.kubernetes.io/revision-history"

_DESIRED: Final = "deployment.kubernetes.io/desired-replicas"
_MAXIMUM: Final = "deployment.kubernetes.io/max-replicas"
_NOT_COPIED: Final = frozenset(
    {
        "kubectl.kubernetes.io/last-applied-configuration",
        "deprecated.deployment.rollback.to",
        REVISION,
        HISTORY,
        _DESIRED,
        _MAXIMUM,
    }
)
_HASH_LETTERS: Final = "bcdfghjklmnpqrstvwxz2456789"


def template_hash(template: Mapping[str, Any], collisions: int = 0) -> str:
    """Return what tells one pod template from another, in the letters of generated names.

    Args:
        template: Of a Deployment.
        collisions: How often the name that comes of it was somebody else's.
    """
    text = json.dumps(template, sort_keys=True, separators=(",", ":"))
    if collisions:
        text += f"\n{collisions}"
    number = int.from_bytes(hashlib.sha256(text.encode(errors="surrogatepass")).digest()[:4])
    return "".join(_HASH_LETTERS[ord(digit) % len(_HASH_LETTERS)] for digit in str(number))


def matching(deployment: Object, replicasets: Sequence[Object]) -> Object | None:
    """Return the oldest ReplicaSet made from the present template, or None."""
    template = _without_hash(spec_of(deployment)["template"])
    return next(
        (one for one in replicasets if _without_hash(spec_of(one)["template"]) == template), None
    )


def revision_of(replicaset: Object) -> int:
    """Return the number of a ReplicaSet in the history; 0 for one without."""
    text = annotations_of(replicaset).get(REVISION, "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else 0


def next_revision(old: Sequence[Object]) -> str:
    """Return the number that follows those of the other ReplicaSets."""
    return str(max(map(revision_of, old), default=0) + 1)


def new_replicaset(deployment: Object, revision: str, replicas: int, collisions: int) -> Object:
    """Return the ReplicaSet for a template that has none.

    Raises:
        SpecError: The Deployment does not select it.
    """
    spec = spec_of(deployment)
    require_selects(deployment, spec["template"])
    template = spec["template"]
    digest = template_hash(template, collisions)
    labels = {**labels_of(template), HASH_LABEL: digest}
    kept = {"minReadySeconds": spec["minReadySeconds"]} if spec.get("minReadySeconds") else {}
    selected = {**(spec["selector"].get("matchLabels") or {}), HASH_LABEL: digest}
    replicaset: Object = {
        "apiVersion": "apps/v1",
        "kind": "ReplicaSet",
        "metadata": {
            "name": f"{name_of(deployment)}-{digest}",
            "namespace": namespace_of(deployment),
            "labels": labels,
            "ownerReferences": [owner_reference(deployment)],
        },
        "spec": {
            "replicas": replicas,
            **kept,
            "selector": {**spec["selector"], "matchLabels": selected},
            "template": with_metadata(template, labels=labels),
        },
    }
    return with_annotations(deployment, replicaset, revision)


def with_annotations(deployment: Object, replicaset: Object, revision: str) -> Object:
    """Return the newest ReplicaSet with what it tells of the Deployment, and its number.

    The Deployment's annotations are copied, ``kubernetes.io/change-cause`` among them, which
    ``kubectl rollout history`` shows. Numbers that it had before are kept in a list.
    """
    had = annotations_of(replicaset)
    copied = {
        name: text for name, text in annotations_of(deployment).items() if name not in _NOT_COPIED
    }
    wanted = int(spec_of(deployment).get("replicas", 1))
    before = had.get(REVISION)
    history = [one for one in had.get(HISTORY, "").split(",") if one]
    if before is not None and before != revision:
        history.append(before)
    annotations = {
        **had,
        **copied,
        _DESIRED: str(wanted),
        _MAXIMUM: str(wanted + limits(deployment)[0]),
        REVISION: revision,
        **({HISTORY: ",".join(history)} if history else {}),
    }
    return with_metadata(replicaset, annotations=annotations)


def _without_hash(template: Object) -> Object:
    labels = {label: text for label, text in labels_of(template).items() if label != HASH_LABEL}
    return with_metadata(template, labels=labels)
