"""DELETE: begin or finish the deletion of an object, or of all that are selected."""

from netlab.apiserver.deletion_options import DeletionOptions, check_preconditions, read_options
from netlab.apiserver.listing import list_objects
from netlab.apiserver.registry.admission import review_delete
from netlab.apiserver.registry.deletion import FOREGROUND, delete
from netlab.apiserver.request import Answer, Request, not_allowed
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
from netlab.kube.status import deleted_status


def remove(store: Store, request: Request, now: float) -> Answer:
    """Answer DELETE: begin or finish the deletion of an object, or of all that are selected."""
    target = request.target
    if target.subresource:
        raise not_allowed()
    options = read_options(request)
    if not target.name:
        return _removed_collection(store, request, options, now)
    key = target.key
    review_delete(key)
    obj = store.require(key)
    check_preconditions(key, obj, options.preconditions)
    if not options.is_dry_run:
        obj = _deleted(store, key, options, now)
    return Answer(body=obj if target.resource.returns_deleted else deleted_status(key, obj))


def _removed_collection(
    store: Store, request: Request, options: DeletionOptions, now: float
) -> Answer:
    resource = request.target.resource
    if resource.namespaced and not request.target.namespace:
        raise not_allowed()
    found, metadata = list_objects(store, request)
    keys = [resource.key(namespace_of(obj), name_of(obj)) for obj in found]
    for key in keys:
        review_delete(key)
    if not options.is_dry_run:
        with store.transaction():
            found = [_deleted(store, key, options, now) for key in keys]
    return Answer(
        body={
            "kind": f"{resource.kind}List",
            "apiVersion": resource.api_version,
            "metadata": metadata,
            "items": found,
        }
    )


def _deleted(store: Store, key: Key, options: DeletionOptions, now: float) -> Object:
    with store.transaction():
        owner = store.require(key)
        dependents = store.index.owned(uid_of(owner))
        if options.propagation == "Orphan":
            _orphan(store, owner)
        if options.propagation == "Foreground" and dependents:
            # The garbage collector takes the finalizer away when they are gone.
            held = {*(metadata_of(owner).get("finalizers") or ()), FOREGROUND}
            store.update(with_metadata(owner, finalizers=sorted(held)))
        return delete(store, key, now, options.grace_s)


def _orphan(store: Store, owner: Object) -> None:
    for key in store.index.owned(uid_of(owner)):
        dependent = store.require(key)
        others = [one for one in owners_of(dependent) if one["uid"] != uid_of(owner)]
        store.update(with_metadata(dependent, ownerReferences=others))
