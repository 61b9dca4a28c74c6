"""Server-side apply: what becomes of an object when a manager says what it wants of it.

Source: Kubernetes documentation, "Server-Side Apply"; ``sigs.k8s.io/structured-merge-diff``
(merge/update.go, typed/merge.go, typed/remove.go).
"""

from collections.abc import Iterable, Mapping
from typing import Any

from netlab.kube.field_error import Cause
from netlab.kube.field_paths import FieldPath, FieldType, spell
from netlab.kube.managed_fields import (
    Manager,
    Owned,
    Ownership,
    ownership_of,
    type_of,
    with_ownership,
    without,
    writable_fields,
)
from netlab.kube.objects import Object
from netlab.kube.status import StatusError
from netlab.kube.timestamps import timestamp


def apply(live: Object, config: Object, manager: Manager, now: float, *, force: bool) -> Object:
    """Return the live object with a configuration applied, and who owns what after it.

    Args:
        live: The present object; of a new one what says which it is.
        config: What the manager wants, as it was decoded.
        manager: Who applies.
        now: Wall clock seconds.
        force: Whether to take over fields of others.

    Raises:
        StatusError: Others own what would change (``Conflict``); each field is a cause.
    """
    ownership = ownership_of(live)
    of = type_of(live)
    merged = _merged(live, config, of)
    wanted = frozenset(writable_fields(config, manager))
    changed = _changed(live, merged, manager)
    conflicts = _conflicts(ownership, changed, manager)
    if conflicts and not force:
        raise _conflict(conflicts)
    last = ownership[manager] if manager in ownership else Owned(fields=frozenset(), time="")
    ownership = without(ownership, changed, but=manager)
    unchanged = last.fields == wanted and not changed
    ownership[manager] = Owned(fields=wanted, time=last.time if unchanged else timestamp(now))
    pruned = _pruned(merged, last.fields, ownership, of)
    return with_ownership(pruned, ownership)


def _changed(live: Object, merged: Object, manager: Manager) -> set[FieldPath]:
    before = writable_fields(live, manager)
    after = writable_fields(merged, manager)
    return {path for path, value in after.items() if path not in before or before[path] != value}


def _conflicts(
    ownership: Ownership, changed: set[FieldPath], manager: Manager
) -> list[tuple[Manager, FieldPath]]:
    return [
        (other, path)
        for other, owned in ownership.items()
        if other != manager
        for path in sorted(owned.fields & changed)
    ]


def _conflict(conflicts: list[tuple[Manager, FieldPath]]) -> StatusError:
    causes = [
        Cause(reason="FieldManagerConflict", message=f"conflict with {other}", field=spell(path))
        for other, path in conflicts
    ]
    if len(conflicts) == 1:
        told = f"1 conflict: {causes[0].message}: {causes[0].field}"
    else:
        lines = []
        for other in dict.fromkeys(other for other, _ in conflicts):
            lines.append(f"conflicts with {other}:")
            lines.extend(f"- {spell(path)}" for one, path in conflicts if one == other)
        told = f"{len(conflicts)} conflicts: " + "\n".join(lines)
    return StatusError(f"Apply failed with {told}", code=409, reason="Conflict", causes=causes)


def _merged(old: Any, new: Any, of: FieldType) -> Any:  # noqa: ANN401 any JSON
    """Return one value with another laid over it, as far as parts can have owners of their own."""
    if not (of.is_granular(old) and of.is_granular(new) and type(old) is type(new)):
        return new
    if isinstance(new, dict):
        fields = {
            name: _merged(old[name], value, of.field(name)) if name in old else value
            for name, value in new.items()
        }
        return {**old, **fields}
    items = {of.element(item): item for item in old}
    for item in new:
        name = of.element(item)
        items[name] = _merged(items[name], item, of.item()) if name in items else item
    return list(items.values())


def _pruned(obj: Object, last: Iterable[FieldPath], ownership: Ownership, of: FieldType) -> Object:
    """Return the object without what its applier owned alone and no longer wants."""
    owned = [path for one in ownership.values() for path in one.fields]
    gone = _with_containers(last, of) - _with_containers(owned, of)
    return _removed(obj, gone, of, ()) if gone else obj


def _with_containers(paths: Iterable[FieldPath], of: FieldType) -> set[FieldPath]:
    """Return the paths, and those of the structures that they are in.

    A structure goes with the last field of it that somebody owns, defaults and all. A map stays:
    others may have keys in it.
    """
    found: set[FieldPath] = set()
    for path in paths:
        at = of
        found.add(path)
        for depth, element in enumerate(path[:-1], start=1):
            at = at.below(element)
            if depth > 1 and not at.is_free_map:
                found.add(path[:depth])
    return found


def _removed(value: Any, gone: set[FieldPath], of: FieldType, path: FieldPath) -> Any:  # noqa: ANN401 any JSON
    if not of.is_granular(value):
        return value
    if isinstance(value, dict):
        return _removed_fields(value, gone, of, path)
    kept = [item for item in value if (*path, of.element(item)) not in gone]
    return [_removed(item, gone, of.item(), (*path, of.element(item))) for item in kept]


def _removed_fields(
    value: Mapping[str, Any], gone: set[FieldPath], of: FieldType, path: FieldPath
) -> Object:
    new: Object = {}
    for name, inner in value.items():
        at = (*path, f"f:{name}")
        if at in gone:
            continue
        left = _removed(inner, gone, of.field(name), at)
        # What has become empty by this goes too.
        if left == inner or left not in ({}, []):
            new[name] = left
    return new
