"""The templates that a DaemonSet or StatefulSet had, each in a ControllerRevision.

``kubectl rollout history`` and ``undo`` read them. A pod carries the hash of its template in the
label ``controller-revision-hash``.

Source: Kubernetes, ``pkg/controller/history``.
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from netlab.apiserver.changes import Change, Create, Delete, Update
from netlab.controllers.pod_control import owner_reference
from netlab.kube.objects import (
    Object,
    labels_of,
    name_of,
    namespace_of,
    spec_of,
)
from netlab.kube.resources import key_of

HASH_LABEL: Final = "controller-revision-hash"

_HASH_LETTERS: Final = "bcdfghjklmnpqrstvwxz2456789"


@dataclass(frozen=True, slots=True, kw_only=True)
class Revisions:
    """Which revision the present template is, and what it takes to keep the history."""

    hash: str
    """Of the present template; what pods carry."""
    name: str
    """Of its ControllerRevision."""
    changes: tuple[Change, ...] = ()


def revisions(owner: Object, history: Sequence[Object], used: set[str]) -> Revisions:
    """Return the present revision, and the changes that keep the history.

    Args:
        owner: A DaemonSet or a StatefulSet.
        history: Its ControllerRevisions.
        used: Hashes that pods carry; their revisions stay.
    """
    template = spec_of(owner)["template"]
    data = {"spec": {"template": {**template, "$patch": "replace"}}}
    digest = _hash(template)
    name = f"{name_of(owner)}-{digest}"
    present = next((one for one in history if one.get("data") == data), None)
    last = max((int(one.get("revision") or 0) for one in history), default=0)
    changes: list[Change] = []
    if present is None:
        changes.append(Create(object=_revision(owner, name, digest, data, last + 1)))
    else:
        digest, name = labels_of(present).get(HASH_LABEL, digest), name_of(present)
        if int(present.get("revision") or 0) < last:
            changes.append(Update(object={**present, "revision": last + 1}))
    idle = [
        one
        for one in history
        if name_of(one) != name and labels_of(one).get(HASH_LABEL) not in used
    ]
    excess = max(0, len(idle) - int(spec_of(owner).get("revisionHistoryLimit", 10)))
    oldest = sorted(idle, key=lambda one: int(one.get("revision") or 0))[:excess]
    changes.extend(Delete(key=key_of(one)) for one in oldest)
    return Revisions(hash=digest, name=name, changes=tuple(changes))


def _revision(owner: Object, name: str, digest: str, data: Object, number: int) -> Object:
    labels = {**labels_of(spec_of(owner)["template"]), HASH_LABEL: digest}
    return {
        "apiVersion": "apps/v1",
        "kind": "ControllerRevision",
        "metadata": {
            "name": name,
            "namespace": namespace_of(owner),
            "labels": labels,
            "ownerReferences": [owner_reference(owner)],
        },
        "data": data,
        "revision": number,
    }


def _hash(template: Object) -> str:
    text = json.dumps(template, sort_keys=True, separators=(",", ":"))
    number = int.from_bytes(hashlib.sha256(text.encode(errors="surrogatepass")).digest()[:4])
    return "".join(_HASH_LETTERS[ord(digit) % len(_HASH_LETTERS)] for digit in str(number))
