"""What each request to a resource does to the store.

Nothing here waits: a request is read whole before, and its answer is written after.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from netlab.apiserver.paths import Target
from netlab.apiserver.registry.admission import (
    review_create,
    review_delete,
    review_status,
    review_update,
)
from netlab.apiserver.registry.deletion import delete
from netlab.apiserver.scale import scale_of, with_scale
from netlab.apiserver.store import Store
from netlab.kube.objects import (
    Key,
    Object,
    metadata_of,
    name_of,
    namespace_of,
    owners_of,
    uid_of,
    with_metadata,
)
from netlab.kube.patch import JSON_PATCH, MERGE_PATCH, STRATEGIC_MERGE_PATCH, apply_patch
from netlab.kube.resources import DEFAULT_NAMESPACE
from netlab.kube.selectors import parse_selectors
from netlab.kube.status import StatusError, bad_request, conflict, deleted_status

PATCH_TYPES: Final = (JSON_PATCH, MERGE_PATCH, STRATEGIC_MERGE_PATCH)

_ANSWERS_WITH_OBJECT: Final = frozenset({"pods", "services"})
"""Resources whose deletion is answered with the object, not with a Status."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A request, read whole."""

    target: Target
    query: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    content_type: str = ""

    @property
    def is_dry_run(self) -> bool:
        """Whether nothing may come of it."""
        return self.query.get("dryRun") == "All"


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a request is answered with."""

    body: Object
    code: int = 200


def read(store: Store, request: Request) -> Answer:
    """Answer GET: an object, a part of it, or a list."""
    target = request.target
    if not target.name:
        return Answer(body=_list(store, request))
    obj = store.require(target.key)
    return Answer(body=scale_of(obj) if target.subresource == "scale" else obj)


def create(store: Store, request: Request) -> Answer:
    """Answer POST: store a new object."""
    target = request.target
    if target.name:
        raise not_allowed()
    manifest = _addressed(target, _json_object(request.body))
    complete = review_create(store, manifest)
    if request.is_dry_run:
        return Answer(body=complete, code=201)
    return Answer(body=store.create(complete), code=201)


def replace(store: Store, request: Request) -> Answer:
    """Answer PUT: store another state of an object, or of a part of it."""
    target = request.target
    if not target.name:
        raise not_allowed()
    old = store.require(target.key)
    given = _json_object(request.body)
    if target.subresource != "scale":
        given = _addressed(target, given)
    return _stored(store, request, old, given)


def patch(store: Store, request: Request) -> Answer:
    """Answer PATCH: change a part of an object."""
    target = request.target
    if not target.name:
        raise not_allowed()
    if request.content_type not in PATCH_TYPES:
        raise StatusError(
            f"the body of the request was in an unknown format - accepted media types include: "
            f"{', '.join(PATCH_TYPES)}",
            code=415,
            reason="UnsupportedMediaType",
        )
    old = store.require(target.key)
    before = scale_of(old) if target.subresource == "scale" else old
    patched = apply_patch(before, _json(request.body), request.content_type)
    if target.subresource != "scale":
        patched = _addressed(target, patched)
    return _stored(store, request, old, patched)


def remove(store: Store, request: Request, now: float) -> Answer:
    """Answer DELETE: begin or finish an object's deletion."""
    target = request.target
    if not target.name or target.subresource:
        raise not_allowed()
    key = target.key
    review_delete(key)
    options = _json_object(request.body) if request.body.strip() else {}
    obj = store.require(key)
    _check_preconditions(key, obj, options.get("preconditions") or {})
    if not request.is_dry_run:
        with store.transaction():
            if _option(request, options, "propagationPolicy") == "Orphan":
                _orphan(store, obj)
            obj = delete(store, key, now, _grace(request, options))
    if key.resource in _ANSWERS_WITH_OBJECT:
        return Answer(body=obj)
    return Answer(body=deleted_status(key, obj))


def selection(request: Request) -> tuple[str, str]:
    """Return the label selector and the field selector of a request."""
    query = request.query
    fields = query.get("fieldSelector", "")
    if request.target.name:
        fields = ",".join(filter(None, (fields, f"metadata.name={request.target.name}")))
    return query.get("labelSelector", ""), fields


def _list(store: Store, request: Request) -> Object:
    target = request.target
    matches = parse_selectors(*selection(request))
    found = store.list_(target.resource.plural, target.namespace)
    return {
        "kind": f"{target.resource.kind}List",
        "apiVersion": target.resource.api_version,
        "metadata": {"resourceVersion": str(store.version)},
        "items": [obj for obj in found if matches(obj)],
    }


def _stored(store: Store, request: Request, old: Object, given: Object) -> Answer:
    """Store what a request made of an object and answer with it."""
    subresource = request.target.subresource
    if subresource == "status":
        new = review_status(old, given)
    else:
        new = review_update(store, old, with_scale(old, given) if subresource == "scale" else given)
    stored = new if request.is_dry_run else store.update(new)
    return Answer(body=scale_of(stored) if subresource == "scale" else stored)


def _addressed(target: Target, manifest: Object) -> Object:
    """Return an object that says where it is, as its path says it.

    Raises:
        StatusError: It says something else (``BadRequest``).
    """
    resource = target.resource
    if not isinstance(manifest.get("metadata") or {}, dict):
        raise bad_request("metadata must be an object")
    kind = manifest.get("kind") or resource.kind
    version = manifest.get("apiVersion") or resource.api_version
    if (kind, version) != (resource.kind, resource.api_version):
        raise bad_request(
            f'{kind} in version "{version}" cannot be handled as a {resource.kind} '
            f'in version "{resource.api_version}"'
        )
    fields: dict[str, str] = {}
    if resource.namespaced:
        fields["namespace"] = target.namespace or namespace_of(manifest) or DEFAULT_NAMESPACE
        if namespace_of(manifest) not in {"", fields["namespace"]}:
            raise bad_request(
                "the namespace of the provided object does not match the namespace sent on the "
                "request"
            )
    if target.name:
        fields["name"] = target.name
        if name_of(manifest) not in {"", target.name}:
            raise bad_request(
                f"the name of the object ({name_of(manifest)}) does not match the name on the URL "
                f"({target.name})"
            )
    return with_metadata({**manifest, "kind": kind, "apiVersion": version}, **fields)


def _check_preconditions(key: Key, obj: Object, preconditions: Object) -> None:
    metadata = metadata_of(obj)
    for part in ("uid", "resourceVersion"):
        if preconditions.get(part) not in (None, metadata[part]):
            raise conflict(key)


def _orphan(store: Store, owner: Object) -> None:
    for key in store.index.owned(uid_of(owner)):
        dependent = store.require(key)
        others = [one for one in owners_of(dependent) if one["uid"] != uid_of(owner)]
        store.update(with_metadata(dependent, ownerReferences=others))


def _grace(request: Request, options: Object) -> int | None:
    given = _option(request, options, "gracePeriodSeconds")
    if given is None:
        return None
    try:
        return max(0, int(given))
    except (TypeError, ValueError) as error:
        raise bad_request(f"gracePeriodSeconds must be a number, not {given!r}") from error


def _option(request: Request, options: Object, name: str) -> Any:  # noqa: ANN401 any JSON
    return options.get(name, request.query.get(name))


def _json(body: bytes) -> Any:  # noqa: ANN401 any JSON
    try:
        return json.loads(body)
    except (ValueError, RecursionError) as error:
        raise bad_request(f"the body of the request is no JSON: {error}") from error


def _json_object(body: bytes) -> Object:
    found = _json(body)
    if not isinstance(found, dict):
        raise bad_request("the body of the request must be a JSON object")
    return found


def not_allowed() -> StatusError:
    """Return the refusal of a method that a path does not know."""
    return StatusError(
        "the server does not allow this method on the requested resource",
        code=405,
        reason="MethodNotAllowed",
    )
