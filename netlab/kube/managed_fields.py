"""Who owns which field of an object: ``metadata.managedFields``.

Theory of operation
-------------------
Each manager has, for each way in which it writes (an apply, or updates of one part of the object),
an entry with the fields that it set. A write takes what it changes away from all others; an apply
that would do so is a conflict, unless it is forced. What an applier no longer mentions, and nobody
else owns, goes (``netlab.kube.server_side_apply``).

Controllers of the lab write past the API and own nothing.

Source: Kubernetes documentation, "Server-Side Apply"; ``sigs.k8s.io/structured-merge-diff``
(merge/update.go); ``apimachinery/pkg/util/managedfields``.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, Literal

from netlab.kube.field_paths import FieldPath, FieldType, decode, encode, leaves
from netlab.kube.objects import Object, items_of, metadata_of
from netlab.kube.schema import definition_of
from netlab.kube.timestamps import timestamp

_METADATA: Final = (
    "creationTimestamp",
    "deletionGracePeriodSeconds",
    "deletionTimestamp",
    "generation",
    "managedFields",
    "name",
    "namespace",
    "resourceVersion",
    "selfLink",
    "uid",
)
_UNOWNED: Final = frozenset(
    {
        ("f:apiVersion",),
        ("f:kind",),
        ("f:metadata",),
        *(("f:metadata", f"f:{field}") for field in _METADATA),
    }
)
"""What the server alone decides, or what says which object it is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Manager:
    """Who writes, and in which way."""

    name: str
    operation: Literal["Apply", "Update"]
    api_version: str
    subresource: str = ""

    def __str__(self) -> str:
        """Say it as a conflict does."""
        part = f' with subresource "{self.subresource}"' if self.subresource else ""
        version = f" using {self.api_version}" if self.operation == "Update" else ""
        return f'"{self.name}"{part}{version}'


@dataclass(frozen=True, slots=True, kw_only=True)
class Owned:
    """What a manager owns, and since when it does."""

    fields: frozenset[FieldPath]
    time: str


Ownership = dict[Manager, Owned]


def type_of(obj: Mapping[str, Any]) -> FieldType:
    """Return what the API's description says of an object's kind."""
    return FieldType(definition_of(obj["apiVersion"], obj["kind"]) or {})


def fields_of(obj: Object) -> dict[FieldPath, object]:
    """Return the fields of an object that somebody can own, with what stands there."""
    found = leaves(obj, type_of(obj))
    return {path: value for path, value in found.items() if path not in _UNOWNED}


def ownership_of(obj: Object) -> Ownership:
    """Return who owns what, as the object says; entries that cannot be read own nothing."""
    found: Ownership = {}
    for entry in items_of(metadata_of(obj), "managedFields"):
        fields = entry.get("fieldsV1")
        if not entry.get("manager") or not isinstance(fields, dict):
            continue
        manager = Manager(
            name=entry["manager"],
            operation="Apply" if entry.get("operation") == "Apply" else "Update",
            api_version=entry.get("apiVersion", ""),
            subresource=entry.get("subresource", ""),
        )
        found[manager] = Owned(fields=frozenset(decode(fields)), time=entry.get("time", ""))
    return found


def with_ownership(obj: Object, ownership: Ownership) -> Object:
    """Return the object with ``managedFields`` that say who owns what."""
    entries = [_entry(manager, owned) for manager, owned in ownership.items() if owned.fields]
    metadata = {key: value for key, value in metadata_of(obj).items() if key != "managedFields"}
    if entries:
        entries.sort(key=lambda one: (one["operation"], one["time"], one["manager"]))
        metadata["managedFields"] = entries
    return {**obj, "metadata": metadata}


def _entry(manager: Manager, owned: Owned) -> Object:
    part = {"subresource": manager.subresource} if manager.subresource else {}
    return {
        "manager": manager.name,
        "operation": manager.operation,
        "apiVersion": manager.api_version,
        "time": owned.time,
        "fieldsType": "FieldsV1",
        "fieldsV1": encode(owned.fields),
        **part,
    }


def after_update(live: Object | None, new: Object, manager: Manager, now: float) -> Object:
    """Return an object that was written, with the writer as the owner of what it changed.

    Args:
        live: The state before; None when it is new.
        new: The state to be stored; ``managedFields`` that it brings count, an empty list does not.
        manager: The writer.
        now: Wall clock seconds.
    """
    base = ownership_of(new) or (ownership_of(live) if live is not None else {})
    before = writable_fields(live, manager) if live is not None else {}
    after = writable_fields(new, manager)
    changed = {path for path, value in after.items() if path not in before or before[path] != value}
    gone = before.keys() - after.keys()
    if not changed and not gone:
        return with_ownership(new, base)
    kept = without(base, changed | gone, but=manager)
    had = base[manager].fields if manager in base else frozenset()
    fields = frozenset((had | changed) - gone)
    kept[manager] = Owned(fields=fields, time=timestamp(now))
    return with_ownership(new, kept)


def writable_fields(obj: Object, manager: Manager) -> dict[FieldPath, object]:
    """Return the fields of an object that a manager can own: of a status, or of all else."""
    of_status = manager.subresource == "status"
    found = fields_of(obj)
    return {path: value for path, value in found.items() if (path[0] == "f:status") == of_status}


def is_same(old: Object, new: Object) -> bool:
    """Return whether two states differ in nothing but the times at which fields were owned."""
    return _without_times(old) == _without_times(new)


def _without_times(obj: Object) -> Object:
    entries = items_of(metadata_of(obj), "managedFields")
    timeless = [{key: one for key, one in entry.items() if key != "time"} for entry in entries]
    metadata = {**metadata_of(obj), "managedFields": timeless}
    metadata.pop("resourceVersion", None)
    return {**obj, "metadata": metadata}


def without(ownership: Ownership, fields: set[FieldPath], *, but: Manager) -> Ownership:
    """Return the ownership with ``fields`` taken from everybody but one manager."""
    return {
        manager: owned if manager == but else replace(owned, fields=owned.fields - fields)
        for manager, owned in ownership.items()
    }
