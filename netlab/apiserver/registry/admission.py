"""Everything a write must pass before it reaches the store.

An object is checked by itself first, and only if it is sound against the other objects: a check of
a NodePort has no use for a port that is not a number.
"""

from collections.abc import Callable, Iterable
from typing import Final

from netlab.apiserver.registry.allocation import allocate, service_networks
from netlab.apiserver.registry.prepare_for_update import prepare_for_update
from netlab.apiserver.store import Store
from netlab.documents.json_schema import StructureCheck
from netlab.documents.problems import Document, Problem, Report
from netlab.kube.defaults import with_defaults
from netlab.kube.field_error import Cause
from netlab.kube.kinds.kind import ClusterContext
from netlab.kube.kinds.table import kind_of
from netlab.kube.manifests import as_decoded, check_object
from netlab.kube.objects import Key, Object, is_terminating
from netlab.kube.resources import RESOURCES, key_of, resource_of
from netlab.kube.schema import definition_of, definitions
from netlab.kube.status import forbidden, invalid, not_found

_REASONS: Final = {
    "Required value": "FieldValueRequired",
    "Forbidden": "FieldValueForbidden",
    "Duplicate value": "FieldValueDuplicate",
    "Unsupported value": "FieldValueNotSupported",
    "Not found": "FieldValueNotFound",
}

_SERVERS_METADATA: Final = frozenset(
    {
        "creationTimestamp",
        "deletionGracePeriodSeconds",
        "deletionTimestamp",
        "generation",
        "resourceVersion",
        "selfLink",
        "uid",
    }
)
_PROTECTED: Final = frozenset(
    {
        Key("namespaces", "", "default"),
        Key("namespaces", "", "kube-system"),
        Key("servicecidrs", "", "kubernetes"),
        Key("services", "default", "kubernetes"),
    }
)


Owned = Callable[[Object], Object]
"""Notes who owns what in an object that has its defaults, but no allocations yet."""


def _nobodys(obj: Object) -> Object:
    return obj


def review_create(store: Store, manifest: Object, owned: Owned = _nobodys) -> Object:
    """Return a new object as it is to be stored: named, complete, with what is allocated.

    Args:
        store: What it must agree with.
        manifest: Of a known kind, in a namespace if its kind lives in one.
        owned: Notes who owns what.

    Raises:
        StatusError: It may not be; ``Invalid`` has every cause.
    """
    manifest = as_decoded(manifest)
    _check_structure(manifest)
    if manifest["kind"] == "Node":
        raise forbidden(key_of(manifest), "nodes come from the topology")
    _check_namespace(store, key_of(manifest))
    named = _without_what_is_not_the_clients(store.named(manifest))
    _check_alone(store, named)
    kind = kind_of(named["kind"])
    causes = list(kind.forbidden_on_create(named)) if kind is not None else ()
    if kind is not None and kind.prepare_for_create is not None:
        named = kind.prepare_for_create(store.identified(named))
    return _allocated(store, owned(with_defaults(named)), causes)


def review_update(store: Store, old: Object, new: Object, owned: Owned = _nobodys) -> Object:
    """Return a new state of an object as it is to be stored.

    Args:
        store: What it must agree with.
        old: The present state.
        new: The wanted one, of the same key; its status is not looked at.
        owned: Notes who owns what.

    Raises:
        StatusError: It may not be; ``Invalid`` has every cause.
    """
    new = as_decoded(new)
    _check_structure(new)
    carried = prepare_for_update(old, new)
    _check_alone(store, carried)
    complete = owned(with_defaults(carried))
    kind = kind_of(old["kind"])
    causes = kind.forbidden_changes(old, complete) if kind is not None else ()
    return _allocated(store, complete, causes)


def review_status(old: Object, new: Object, owned: Owned = _nobodys) -> Object:
    """Return the present object with the status of another one.

    Raises:
        StatusError: The status may not be (``Invalid``).
    """
    metadata = {**old["metadata"]}
    version = (new.get("metadata") or {}).get("resourceVersion")
    if version:
        metadata["resourceVersion"] = version
    reviewed = as_decoded({**old, "metadata": metadata, "status": new.get("status") or {}})
    _check_structure(reviewed)
    kind = kind_of(old["kind"])
    report = Report(Document(value=reviewed))
    if kind is not None:
        kind.validate_status(reviewed, report)
    if report.problems:
        raise invalid(key_of(reviewed), [_cause(problem) for problem in report.problems])
    return owned(with_defaults(reviewed))


def review_delete(key: Key) -> None:
    """Refuse the deletion of what a cluster cannot be without.

    Raises:
        StatusError: The object must stay (``Forbidden``).
    """
    if key.resource == "nodes":
        raise forbidden(key, "nodes come from the topology")
    if key in _PROTECTED:
        raise forbidden(key, f"this {RESOURCES[key.resource].singular} may not be deleted")


def _without_what_is_not_the_clients(obj: Object) -> Object:
    """Return a new object without a status, and without metadata that the server decides."""
    metadata = {
        field: value for field, value in obj["metadata"].items() if field not in _SERVERS_METADATA
    }
    new = {**obj, "metadata": metadata}
    if "status" in resource_of(obj).subresources:
        new.pop("status", None)
    return new


def _check_namespace(store: Store, key: Key) -> None:
    if not key.namespace:
        return
    namespace = Key("namespaces", "", key.namespace)
    found = store.get(namespace)
    if found is None:
        raise not_found(namespace)
    if is_terminating(found):
        raise forbidden(
            key,
            f"unable to create new content in namespace {key.namespace} "
            "because it is being terminated",
        )


def _check_structure(obj: Object) -> None:
    """Refuse an object whose fields are not of their types, with all else that is wrong with it."""
    schema = definition_of(obj["apiVersion"], obj["kind"])
    if schema is None:
        return
    report = Report(Document(value=obj))
    StructureCheck(report, definitions(), null_is_unset=True).check(obj, schema, ())
    if report.problems:
        raise invalid(key_of(obj), [_cause(problem) for problem in check_object(obj)])


def _check_alone(store: Store, obj: Object) -> None:
    services = tuple(service_networks(store).values())
    problems = check_object(obj, ClusterContext(services=services))
    if problems:
        raise invalid(key_of(obj), [_cause(problem) for problem in problems])


def _allocated(store: Store, obj: Object, causes: Iterable[Cause]) -> Object:
    found = list(causes)
    if obj["kind"] == "Service" and not found:
        obj, found = allocate(store, obj)
    if found:
        raise invalid(key_of(obj), found)
    return obj


def _cause(problem: Problem) -> Cause:
    phrase = problem.message.split(":", 1)[0]
    hint = f" ({problem.hint})" if problem.hint else ""
    return Cause(
        reason=_REASONS.get(phrase, "FieldValueInvalid"),
        field=problem.path,
        message=problem.message + hint,
    )
