"""Delete what nobody owns any longer, and what an owner takes with it or lets go.

An object that is deleted in the *foreground* waits for what it owns and blocks its deletion; one
that *orphans* takes its references away first. Both are finalizers of the object. In the
background, the default, an object goes at once and what it owned follows.

Source: Kubernetes, ``pkg/controller/garbagecollector``; documentation, "Garbage Collection".
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Final

from netlab.apiserver.changes import Change, Delete, Outcome, Update
from netlab.apiserver.registry.deletion import FOREGROUND
from netlab.controllers.controller import EVERY, Changed, Controller, Objects
from netlab.kube.objects import (
    Key,
    Object,
    is_terminating,
    metadata_of,
    owners_of,
    uid_of,
    with_metadata,
)
from netlab.kube.resources import key_of

ORPHAN: Final = "orphan"


def collect(dependent: Object, owner: Callable[[str], Object | None]) -> tuple[Change, ...]:
    """Return the deletion of an object whose owners are all gone, or wait for it to go.

    Args:
        dependent: Any object; one that names no owner stays.
        owner: The stored object of a uid, or None.
    """
    references = owners_of(dependent)
    if not references or is_terminating(dependent):
        return ()
    found = [owner(reference["uid"]) for reference in references]
    if any(one is not None and not _waits_for_dependents(one) for one in found):
        return ()
    return (Delete(key=key_of(dependent)),)


def release(owner: Object, dependents: Sequence[Object]) -> tuple[Change, ...]:
    """Return what an object that is being deleted does for its dependents.

    Args:
        owner: Terminating, with a finalizer of the garbage collector's.
        dependents: What names it as an owner.
    """
    if ORPHAN in _finalizers(owner):
        freed = (Update(object=_without_owner(one, uid_of(owner))) for one in dependents)
        return (*freed, Update(object=_without_finalizer(owner, ORPHAN)))
    if any(_blocks(one, uid_of(owner)) for one in dependents):
        return ()
    return (Update(object=_without_finalizer(owner, FOREGROUND)),)


def sync(objects: Objects, key: Key, now: float) -> Outcome:
    """Look at the object at ``key``, as a dependent and as an owner."""
    del now
    obj = objects.get(key)
    if obj is None:
        return Outcome()

    def stored(uid: str) -> Object | None:
        held = objects.index.holder(uid)
        return objects.get(held) if held is not None else None

    changes = collect(obj, stored)
    if not changes and is_terminating(obj) and {FOREGROUND, ORPHAN} & set(_finalizers(obj)):
        found = map(objects.get, objects.index.owned(uid_of(obj)))
        changes = release(obj, [one for one in found if one is not None])
    return Outcome(changes=changes)


def _of_any(objects: Objects, changed: Changed) -> Iterator[Key]:
    key, old, new = changed
    if new is None or _waits_for_dependents(new):
        for state in changed.states:
            yield from objects.index.owned(uid_of(state))
    if new is not None and (
        _finalizers(new) or owners_of(new) != (owners_of(old) if old is not None else [])
    ):
        yield key
    if new is None and old is not None:
        # An owner may wait for this one.
        for reference in owners_of(old):
            held = objects.index.holder(reference["uid"])
            if held is not None:
                yield held


CONTROLLER: Final = Controller(name="garbage-collector", watches={EVERY: _of_any}, step=sync)


def _waits_for_dependents(obj: Object) -> bool:
    return is_terminating(obj) and FOREGROUND in _finalizers(obj)


def _finalizers(obj: Object) -> list[str]:
    found: list[str] = metadata_of(obj).get("finalizers") or []
    return found


def _blocks(dependent: Object, uid: str) -> bool:
    return any(
        reference["uid"] == uid and reference.get("blockOwnerDeletion")
        for reference in owners_of(dependent)
    )


def _without_owner(obj: Object, uid: str) -> Object:
    kept = [reference for reference in owners_of(obj) if reference["uid"] != uid]
    return with_metadata(obj, ownerReferences=kept)


def _without_finalizer(obj: Object, finalizer: str) -> Object:
    return with_metadata(obj, finalizers=[one for one in _finalizers(obj) if one != finalizer])
