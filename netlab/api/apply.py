"""Bring objects to what manifests say: create what is missing, change what differs.

A manifest is merged three ways, as kubectl does it: fields that the last manifest had and this one
lacks are removed, fields of this one are set, and fields that neither names stay as they are. What
was applied last stands in an annotation of the object.

Source: Kubernetes documentation, "Declarative Management of Kubernetes Objects Using Configuration
Files".
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from netlab.api.client import Client
from netlab.control.failures import RequestRefusedError
from netlab.model.objects import Key, Object, annotations_of, metadata_of, with_metadata
from netlab.model.resources import DEFAULT_NAMESPACE, RESOURCES, key_of, resource_of

LAST_APPLIED: Final = "kubectl.kubernetes.io/last-applied-configuration"


@dataclass(frozen=True, slots=True, kw_only=True)
class Applied:
    """What became of one object."""

    key: Key
    verb: str
    """``created``, ``configured``, ``unchanged`` or ``deleted``."""

    @property
    def changed(self) -> bool:
        """Whether anything is other than before."""
        return self.verb != "unchanged"

    def __str__(self) -> str:
        """Say it as kubectl does."""
        resource = RESOURCES[self.key.resource]
        group = f".{resource.group}" if resource.group else ""
        return f"{resource.singular}{group}/{self.key.name} {self.verb}"


def apply_manifests(client: Client, manifests: Sequence[Object]) -> list[Applied]:
    """Apply manifests in order.

    Raises:
        RequestRefusedError: One was refused; those before it have been applied.
    """
    return [_apply(client, manifest) for manifest in manifests]


def prune(client: Client, annotation: str, keep: Iterable[Object]) -> list[Applied]:
    """Delete the objects that carry ``annotation`` and are not in ``keep``."""
    kept = {key_of(placed(manifest)) for manifest in keep}
    gone = []
    for resource in RESOURCES.values():
        for obj in client.list_(resource.path()):
            whole = {**obj, "kind": resource.kind}
            key = key_of(whole)
            if annotation in annotations_of(obj) and key not in kept:
                client.delete(resource.path(key.namespace, key.name))
                gone.append(Applied(key=key, verb="deleted"))
    return gone


def _apply(client: Client, manifest: Object) -> Applied:
    manifest = placed(manifest)
    resource, key = resource_of(manifest), key_of(manifest)
    wanted = _annotated(manifest)
    try:
        present = client.get(resource.path(key.namespace, key.name))
    except RequestRefusedError as error:
        if error.code != 404:
            raise
        client.create(resource.path(key.namespace), wanted)
        return Applied(key=key, verb="created")
    last = json.loads(annotations_of(present).get(LAST_APPLIED, "{}"))
    if last == manifest and _holds(present, manifest):
        return Applied(key=key, verb="unchanged")
    patch = _merge_patch(last, wanted)
    path = resource.path(key.namespace, key.name)
    after = client.patch(path, patch, "application/merge-patch+json")
    same = metadata_of(after)["resourceVersion"] == metadata_of(present)["resourceVersion"]
    return Applied(key=key, verb="unchanged" if same else "configured")


def placed(manifest: Object) -> Object:
    """Return the manifest with the namespace that it means."""
    if not resource_of(manifest).namespaced or metadata_of(manifest).get("namespace"):
        return manifest
    return with_metadata(manifest, namespace=DEFAULT_NAMESPACE)


def _annotated(manifest: Object) -> Object:
    text = json.dumps(manifest, separators=(",", ":"), sort_keys=True)
    return with_metadata(manifest, annotations={**annotations_of(manifest), LAST_APPLIED: text})


def _merge_patch(last: Any, wanted: Any) -> Any:  # noqa: ANN401 (any JSON)
    """Return ``wanted`` as a merge patch that also removes what only ``last`` has."""
    if not isinstance(last, dict) or not isinstance(wanted, dict):
        return wanted
    removed = {field: None for field in last if field not in wanted}
    return removed | {name: _merge_patch(last.get(name), value) for name, value in wanted.items()}


def _holds(present: Any, wanted: Any) -> bool:  # noqa: ANN401 (any JSON)
    """Return whether every field of ``wanted`` has that value in ``present``."""
    if isinstance(wanted, dict) and isinstance(present, dict):
        return all(name in present and _holds(present[name], wanted[name]) for name in wanted)
    if isinstance(wanted, list) and isinstance(present, list):
        same_length = len(wanted) == len(present)
        return same_length and all(map(_holds, present, wanted))
    return bool(present == wanted)
