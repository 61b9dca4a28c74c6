"""What the API knows about one kind of object.

A kind is one module here that ends in ``KIND = Kind(...)``, and one line in
``netlab.kube.kinds.table``. Everything but the resource has a default, which does nothing.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from netlab.documents.problems import FieldPath, Report
from netlab.kube.field_error import Cause, invalid_value
from netlab.kube.kinds.columns import AGE, NAME, Column
from netlab.kube.names import wrong_dns_subdomain
from netlab.kube.objects import Object
from netlab.kube.resource import Resource
from netlab.model.addresses import Network


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterContext:
    """What the objects of a file must fit into."""

    nodes: tuple[str, ...] | None = None
    """None where nothing is known."""
    services: tuple[Network, ...] = ()
    """Networks of ClusterIPs, the main family's first; empty where nothing is known."""


ANY_CLUSTER: Final = ClusterContext()


def _unchanged(obj: Object) -> Object:
    return obj


def _new_state(_old: Object, new: Object) -> Object:
    return new


def _not_checked(_obj: Object, _path: FieldPath, _report: Report, _context: ClusterContext) -> None:
    return None


def _status_not_checked(_obj: Object, _report: Report) -> None:
    return None


def _may_be_created(_obj: Object) -> Iterator[Cause]:
    return iter(())


def _may_change(_old: Object, _new: Object) -> Iterator[Cause]:
    return iter(())


@dataclass(frozen=True, slots=True, kw_only=True)
class OtherVersion:
    """Another group or version in which a kind is served; it is stored in one."""

    resource: Resource
    to_version: Callable[[Object], Object]
    """From an object as it is stored to one of this version."""
    from_version: Callable[[Object], Object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """One kind of object: its words, its columns, and what becomes of what a client sends."""

    resource: Resource
    columns: tuple[Column, ...] = (NAME, AGE)
    """Of the table that kubectl prints."""
    wrong_name: Callable[[str], str] = wrong_dns_subdomain
    """Returns what is wrong with a name, empty for nothing."""
    validate: Callable[[Object, FieldPath, Report, ClusterContext], None] = _not_checked
    """Reports what is wrong beyond structure; fields of a wrong type have been reported."""
    validate_status: Callable[[Object, Report], None] = _status_not_checked
    """Reports what is wrong with the status of an object whose fields are of their types."""
    prepare_for_create: Callable[[Object], Object] | None = None
    """Returns a new object, which has a name and a uid, with what the server alone decides."""
    prepare_for_update: Callable[[Object, Object], Object] = _new_state
    """Returns the new state of an object with what it takes over from the old one."""
    with_defaults: Callable[[Object], Object] = _unchanged
    """Fills in what an object leaves open; empty counts as left open."""
    forbidden_on_create: Callable[[Object], Iterator[Cause]] = _may_be_created
    """Yields a cause for each field that a new object may not have, and a present one may."""
    forbidden_changes: Callable[[Object, Object], Iterator[Cause]] = _may_change
    """Yields a cause for each field that changed and may not; both states are complete."""
    other_versions: tuple[OtherVersion, ...] = ()
    is_only_stored: bool = False
    """Whether nothing in a lab acts on it; clients are warned."""


def immutable(*path: str) -> Callable[[Object, Object], Iterator[Cause]]:
    """Return the check of kinds of which one field never changes."""

    def forbidden_changes(old: Object, new: Object) -> Iterator[Cause]:
        before, after = _at(old, path), _at(new, path)
        if before != after:
            yield invalid_value(".".join(path), after, "field is immutable")

    return forbidden_changes


def _at(obj: Object, path: tuple[str, ...]) -> object:
    found: object = obj
    for field in path:
        found = found.get(field) if isinstance(found, dict) else None
    return found
