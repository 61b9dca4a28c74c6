"""From what a client sent to an object of the path's kind, and who owns what it sets."""

from collections.abc import Callable
from typing import Final, Literal

from netlab.apiserver.paths import Target
from netlab.apiserver.request import Request
from netlab.apiserver.versions import from_version
from netlab.kube.ignored_fields import warnings_of
from netlab.kube.kinds.table import kind_of
from netlab.kube.managed_fields import Manager, after_update
from netlab.kube.objects import Object, name_of, namespace_of, with_metadata
from netlab.kube.resources import DEFAULT_NAMESPACE
from netlab.kube.status import bad_request
from netlab.kube.unknown_fields import unknown_fields, without_unknown_fields

_MAX_NAMED: Final = 20
"""Unknown fields that are named; who has more has a larger problem."""


def addressed(target: Target, manifest: Object) -> Object:
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


def decoded(request: Request, manifest: Object) -> tuple[Object, tuple[str, ...]]:
    """Return an object without fields that its kind has not, and the warnings about them.

    Raises:
        StatusError: There are some, and the client wants none (``BadRequest``).
    """
    validation = request.field_validation
    unknown = unknown_fields(manifest)
    if not unknown:
        return from_version(manifest, request.target.resource), ()
    told = [f'unknown field "{path}"' for path in unknown[:_MAX_NAMED]]
    if validation == "Strict":
        resource = request.target.resource
        raise bad_request(
            f'{resource.kind} in version "{resource.version}" cannot be handled as a '
            f"{resource.kind}: strict decoding error: {', '.join(told)}"
        )
    known = from_version(without_unknown_fields(manifest), request.target.resource)
    return known, tuple(told) if validation == "Warn" else ()


def remarks(obj: Object) -> tuple[str, ...]:
    """Return what a client should know of an object that it has written."""
    kind = kind_of(obj["kind"])
    return warnings_of([obj]) if kind is not None and kind.is_only_stored else ()


def manager_of(request: Request, operation: Literal["Apply", "Update"]) -> Manager:
    """Return the manager that a request writes as."""
    return Manager(
        name=request.field_manager,
        operation=operation,
        api_version=request.target.resource.api_version,
        subresource=request.target.subresource,
    )


def owned_by(request: Request, old: Object | None, now: float) -> Callable[[Object], Object]:
    """Return what notes the writer of a request as the owner of what it changes."""
    manager = manager_of(request, "Update")
    return lambda new: after_update(old, new, manager, now)
