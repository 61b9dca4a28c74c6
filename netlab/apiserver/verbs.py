"""What each request to a resource does to the store.

Nothing here waits: a request is read whole before, and its answer is written after.
"""

from typing import Final

from netlab.apiserver.bodies import unsupported
from netlab.apiserver.decoding import addressed, decoded, manager_of, owned_by, remarks
from netlab.apiserver.listing import list_objects
from netlab.apiserver.pod_parts import create_part
from netlab.apiserver.registry.admission import review_create, review_status, review_update
from netlab.apiserver.registry.deletion import is_over
from netlab.apiserver.request import Answer, Request, is_true, not_allowed
from netlab.apiserver.scale import scale_of, with_scale
from netlab.apiserver.store import Store
from netlab.apiserver.versions import to_version
from netlab.kube.managed_fields import is_same
from netlab.kube.manifests import as_decoded
from netlab.kube.objects import Object, metadata_of, spec_of, with_spec
from netlab.kube.patch import JSON_PATCH, MERGE_PATCH, STRATEGIC_MERGE_PATCH, apply_patch
from netlab.kube.server_side_apply import apply
from netlab.kube.status import bad_request, conflict, invalid_options

APPLY_PATCH: Final = "application/apply-patch+yaml"
PATCH_TYPES: Final = (JSON_PATCH, MERGE_PATCH, STRATEGIC_MERGE_PATCH, APPLY_PATCH)


def read(store: Store, request: Request) -> Answer:
    """Answer GET: an object, a part of it, or a list."""
    target = request.target
    if not target.name:
        return Answer(body=_list(store, request))
    obj = store.require(target.key)
    return Answer(body=scale_of(obj) if target.subresource == "scale" else obj)


def create(store: Store, request: Request, now: float) -> Answer:
    """Answer POST: store a new object, or carry out what a part of one is for."""
    target = request.target
    if target.name:
        return create_part(store, request, now)
    manifest, warnings = decoded(request, addressed(target, request.object()))
    if metadata_of(manifest).get("resourceVersion"):
        raise bad_request("resourceVersion should not be set on objects to be created")
    complete = review_create(store, manifest, owned_by(request, None, now))
    stored = complete if request.is_dry_run else store.create(complete)
    return Answer(body=stored, code=201, warnings=(*warnings, *remarks(stored)))


def replace(store: Store, request: Request, now: float) -> Answer:
    """Answer PUT: store another state of an object, or of a part of it."""
    target = request.target
    if not target.name:
        raise not_allowed()
    old = store.require(target.key)
    given = request.object()
    if target.subresource == "scale":
        return _stored(store, request, old, given, now)
    return _stored(store, request, old, addressed(target, given), now)


def patch(store: Store, request: Request, now: float) -> Answer:
    """Answer PATCH: change a part of an object."""
    target = request.target
    if not target.name:
        raise not_allowed()
    if request.content_type not in PATCH_TYPES:
        raise unsupported(PATCH_TYPES)
    if request.content_type == APPLY_PATCH:
        return _applied(store, request, now)
    old = store.require(target.key)
    before = scale_of(old) if target.subresource == "scale" else to_version(old, target.resource)
    patched = apply_patch(before, request.json(), request.content_type)
    if target.subresource != "scale":
        patched = addressed(target, patched)
    return _stored(store, request, old, patched, now)


def _list(store: Store, request: Request) -> Object:
    resource = request.target.resource
    found, metadata = list_objects(store, request)
    return {
        "kind": f"{resource.kind}List",
        "apiVersion": resource.api_version,
        "metadata": metadata,
        "items": found,
    }


def _stored(store: Store, request: Request, old: Object, given: Object, now: float) -> Answer:
    """Store what a request made of an object and answer with it."""
    subresource = request.target.subresource
    owned = owned_by(request, old, now)
    warnings: tuple[str, ...] = ()
    match subresource:
        case "scale":
            new = review_update(store, old, with_scale(old, given), owned)
        case "status":
            given, warnings = decoded(request, given)
            new = review_status(old, given, owned)
        case "" | "ephemeralcontainers":
            given, warnings = decoded(request, given)
            if subresource:
                added = {"ephemeralContainers": spec_of(given).get("ephemeralContainers")}
                given = with_spec(old, **added)
            new = review_update(store, old, given, owned)
        case "finalize":
            given, warnings = decoded(request, given)
            new = with_spec(old, finalizers=spec_of(given).get("finalizers") or [])
        case _:
            raise not_allowed()
    if not subresource:
        warnings = (*warnings, *remarks(new))
    stored = _updated(store, request, old, new)
    stored = _removed_if_released(store, stored, request)
    return Answer(body=scale_of(stored) if subresource == "scale" else stored, warnings=warnings)


def _updated(store: Store, request: Request, old: Object, new: Object) -> Object:
    """Store a new state, unless nothing is another than before, and return what is stored."""
    given = metadata_of(new).get("resourceVersion")
    if given in {None, metadata_of(old)["resourceVersion"]} and is_same(old, new):
        return old
    return new if request.is_dry_run else store.update(new)


def _removed_if_released(store: Store, obj: Object, request: Request) -> Object:
    """Take an object away whose deletion waited for finalizers, and that has none left."""
    if is_over(obj) and not request.is_dry_run:
        return store.remove(request.target.key) or obj
    return obj


def _applied(store: Store, request: Request, now: float) -> Answer:
    """Answer an apply patch: merge what its manager wants into the object, or create it."""
    target = request.target
    if not request.query.get("fieldManager"):
        raise invalid_options("PatchOptions", "fieldManager", "is required for apply patch")
    config, warnings = decoded(request, addressed(target, request.object()))
    if metadata_of(config).get("managedFields"):
        raise bad_request("metadata.managedFields must be nil")
    manager = manager_of(request, "Apply")
    force = is_true(request.query.get("force", ""))
    old = store.get(target.key)
    config = as_decoded(config)
    if old is None:
        if target.subresource:
            store.require(target.key)
        empty = {"apiVersion": config["apiVersion"], "kind": config["kind"], "metadata": {}}
        new = apply(empty, config, manager, now, force=force)
        complete = review_create(store, new)
        stored = complete if request.is_dry_run else store.create(complete)
        return Answer(body=stored, code=201, warnings=(*warnings, *remarks(stored)))
    version = metadata_of(config).get("resourceVersion")
    if version is not None and version != metadata_of(old)["resourceVersion"]:
        raise conflict(target.key)
    new = apply(old, config, manager, now, force=force)
    if target.subresource == "status":
        new = review_status(old, new)
    else:
        new = review_update(store, old, new)
    stored = _updated(store, request, old, new)
    return Answer(body=stored, warnings=(*warnings, *remarks(stored)))
