"""Bring objects to what manifests say: create what is missing, change what differs."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlencode

from netlab.client.api_client import Client
from netlab.kube.objects import Key, Object, annotations_of, metadata_of, with_metadata
from netlab.kube.resources import DEFAULT_NAMESPACE, RESOURCES, key_of, resource_of
from netlab.kube.status import StatusError

MANAGER: Final = "netlab"
"""Who owns what a manifest says, in ``metadata.managedFields``."""
LAST_APPLIED: Final = "kubectl.kubernetes.io/last-applied-configuration"
"""Where kubectl keeps what it applied last, so that it and netlab can apply in turns."""

TOPOLOGY_ANNOTATION: Final = "netlab/topology"
"""On each object that came with a topology: ``up`` removes it when a later one lacks it."""

_SERVERS_FIELDS: Final = frozenset(
    {"creationTimestamp", "deletionGracePeriodSeconds", "deletionTimestamp", "generation"}
    | {"managedFields", "resourceVersion", "selfLink", "uid"}
)
_HTML_ESCAPES: Final = {ord(char): f"\\u{ord(char):04x}" for char in "<>&\u2028\u2029"}
_APPLY: Final = "application/apply-patch+yaml"
_QUERY: Final = urlencode({"fieldManager": MANAGER, "force": "true", "fieldValidation": "Strict"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Applied:
    """What became of one object."""

    key: Key
    verb: str
    """``created``, ``configured``, ``unchanged`` or ``deleted``."""
    warnings: tuple[str, ...] = ()
    """What the server warns of."""

    @property
    def changed(self) -> bool:
        """Whether anything is other than before."""
        return self.verb != "unchanged"

    def __str__(self) -> str:
        """Say it as kubectl does."""
        return f"{RESOURCES[self.key.resource].typed}/{self.key.name} {self.verb}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """An object that was not applied."""

    key: Key
    error: StatusError

    def __str__(self) -> str:
        """Return the server's words."""
        return str(self.error)


def apply_manifests(
    client: Client, manifests: Iterable[Object], topology: str = ""
) -> Iterator[Applied | Refused]:
    """Apply manifests, and say of each what became of it; one refused stops no other.

    They go in their order, but for Namespaces, which go first.

    Args:
        client: To the lab.
        manifests: The objects.
        topology: The topology that they came with, if they did.
    """
    for manifest in sorted(manifests, key=lambda one: one["kind"] != "Namespace"):
        try:
            yield apply_manifest(client, manifest, topology)
        except StatusError as error:
            yield Refused(key=key_of(placed(manifest)), error=error)


def prune(client: Client, keep: Iterable[Object]) -> list[Applied]:
    """Delete the objects that came with a topology and are not in ``keep``.

    What a controller made carries the annotations of what it was made for, and goes with that.
    """
    kept = {key_of(placed(manifest)) for manifest in keep}
    gone = []
    for one in client.get("/netlab/v1/annotated", {"annotation": TOPOLOGY_ANNOTATION})["objects"]:
        key = Key(one["resource"], one["namespace"], one["name"])
        if key not in kept and not one["owned"]:
            client.delete(RESOURCES[key.resource].path(key.namespace, key.name))
            gone.append(Applied(key=key, verb="deleted"))
    return gone


def apply_manifest(client: Client, manifest: Object, topology: str = "") -> Applied:
    """Create an object, or change what differs, and what the manifest no longer says.

    The server merges: fields that others own, and the manifest says otherwise, are taken over.

    Raises:
        StatusError: It was refused.
    """
    manifest = placed(_without_its_past(manifest))
    resource, key = resource_of(manifest), key_of(manifest)
    if not key.name:
        prefix = metadata_of(manifest).get("generateName")
        message = f"from {prefix}: cannot use generate name with apply"
        raise StatusError(message, code=422, reason="Invalid")
    path = resource.path(key.namespace, key.name)
    before = ""
    try:
        there = client.get(path)
    except StatusError as error:
        if error.code != 404:
            raise
    else:
        before = metadata_of(there)["resourceVersion"]
        # What came with a topology goes with it, whoever applies the object meanwhile.
        topology = topology or annotations_of(there).get(TOPOLOGY_ANNOTATION, "")
    answer = client.answer("PATCH", f"{path}?{_QUERY}", _annotated(manifest, topology), _APPLY)
    changed = "configured" if before else "created"
    same = metadata_of(answer.body)["resourceVersion"] == before
    return Applied(key=key, verb="unchanged" if same else changed, warnings=answer.warnings)


def _without_its_past(manifest: Object) -> Object:
    """Return a manifest without what a server, of another cluster perhaps, wrote into it."""
    metadata = metadata_of(manifest)
    kept = {field: value for field, value in metadata.items() if field not in _SERVERS_FIELDS}
    return {**manifest, "metadata": kept}


def _annotated(manifest: Object, topology: str) -> Object:
    """Return a manifest that remembers itself, and the topology that it came with."""
    own = {name: text for name, text in annotations_of(manifest).items() if name != LAST_APPLIED}
    own_text = last_applied(with_metadata(manifest, annotations=own))
    marks = {TOPOLOGY_ANNOTATION: topology} if topology else {}
    return with_metadata(manifest, annotations={**own, **marks, LAST_APPLIED: own_text})


def last_applied(manifest: Object) -> str:
    r"""Return what kubectl remembers of a manifest, byte for byte.

    Go's encoder sorts keys, leaves letters as they are, and escapes what HTML would take for markup
    (encoding/json, HTMLEscape). So either may apply after the other, and nothing has changed.

    >>> last_applied({"kind": "Pod", "data": {"a": "<b>"}})
    '{"data":{"a":"\\u003cb\\u003e"},"kind":"Pod"}\n'
    """
    text = json.dumps(manifest, separators=(",", ":"), sort_keys=True, ensure_ascii=False)
    return text.translate(_HTML_ESCAPES) + "\n"


def placed(manifest: Object) -> Object:
    """Return the manifest with the namespace that it means."""
    if not resource_of(manifest).namespaced or metadata_of(manifest).get("namespace"):
        return manifest
    return with_metadata(manifest, namespace=DEFAULT_NAMESPACE)
