"""Kubernetes objects as plain JSON, and what all of them have.

An object that has been stored is never changed in place: whoever wants another state builds a new
dict that shares the untouched parts with the old one.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

Object = dict[str, Any]
"""A Kubernetes object as its JSON reads."""


class Key(NamedTuple):
    """Where an object is stored; no two objects share one."""

    resource: str
    """The plural of the API path: ``pods``, ``endpointslices``."""
    namespace: str
    """Empty for what lives in no namespace, such as a Node."""
    name: str

    def __str__(self) -> str:
        """Return ``pods default/web-1``, or ``nodes node1``."""
        scope = f"{self.namespace}/" if self.namespace else ""
        return f"{self.resource} {scope}{self.name}"


def metadata_of(obj: Mapping[str, Any]) -> Object:
    """Return ``metadata``, empty where it is missing."""
    found: Object = obj.get("metadata") or {}
    return found


def name_of(obj: Mapping[str, Any]) -> str:
    """Return ``metadata.name``, empty where it is missing."""
    return str(metadata_of(obj).get("name") or "")


def namespace_of(obj: Mapping[str, Any]) -> str:
    """Return ``metadata.namespace``, empty where it is missing."""
    return str(metadata_of(obj).get("namespace") or "")


def uid_of(obj: Mapping[str, Any]) -> str:
    """Return ``metadata.uid``, empty before the object is stored."""
    return str(metadata_of(obj).get("uid") or "")


def labels_of(obj: Mapping[str, Any]) -> dict[str, str]:
    """Return ``metadata.labels``, empty where it is missing."""
    found: dict[str, str] = metadata_of(obj).get("labels") or {}
    return found


def annotations_of(obj: Mapping[str, Any]) -> dict[str, str]:
    """Return ``metadata.annotations``, empty where it is missing."""
    found: dict[str, str] = metadata_of(obj).get("annotations") or {}
    return found


def spec_of(obj: Mapping[str, Any]) -> Object:
    """Return ``spec``, empty where it is missing."""
    found: Object = obj.get("spec") or {}
    return found


def status_of(obj: Mapping[str, Any]) -> Object:
    """Return ``status``, empty where it is missing."""
    found: Object = obj.get("status") or {}
    return found


def items_of(part: Mapping[str, Any], field: str) -> list[Object]:
    """Return the list ``field`` of a part of an object, empty where it is missing or null."""
    found: list[Object] = part.get(field) or []
    return found


def owners_of(obj: Mapping[str, Any]) -> list[Object]:
    """Return ``metadata.ownerReferences``."""
    return items_of(metadata_of(obj), "ownerReferences")


def controller_of(obj: Mapping[str, Any]) -> Object | None:
    """Return the owner reference that has ``controller: true``, or None."""
    return next((owner for owner in owners_of(obj) if owner.get("controller")), None)


def is_terminating(obj: Mapping[str, Any]) -> bool:
    """Return whether deletion has begun."""
    return bool(metadata_of(obj).get("deletionTimestamp"))


def with_metadata(obj: Object, **fields: object) -> Object:
    """Return the object with these fields of its metadata replaced."""
    return {**obj, "metadata": {**metadata_of(obj), **fields}}


def with_spec(obj: Object, **fields: object) -> Object:
    """Return the object with these fields of its spec replaced."""
    return {**obj, "spec": {**spec_of(obj), **fields}}


def with_status(obj: Object, **fields: object) -> Object:
    """Return the object with these fields of its status replaced."""
    return {**obj, "status": {**status_of(obj), **fields}}
