"""The API's description, as clients read it.

Version 2 is asked for as protobuf, by clients that only need it to be there: ten bytes, a document
without a definition. Version 3 is JSON, a file for each group and version, with the paths by which
``kubectl explain`` finds a resource.

Source: https://spec.openapis.org/oas/v3.0.3, github.com/google/gnostic (openapiv2/OpenAPIv2.proto).
"""

import json
from collections.abc import Iterator, Mapping
from functools import cache
from hashlib import sha256
from typing import Final, cast

from netlab.apiserver.discovery import group_versions
from netlab.kube.objects import Object
from netlab.kube.resources import SERVED, Resource
from netlab.kube.schema import definitions, descriptions
from netlab.kube.version import KUBERNETES_VERSION

V2: Final = (
    b"\x0a\x032.0"  # swagger
    b"\x12\x0f\x0a\x06netlab\x12\x05v1.37"  # info: title, version
)
V2_TYPE: Final = "application/com.github.proto-openapi.spec.v2.v1.0+protobuf"
"""Not the type that clients ask for: Go cannot parse the ``@`` in that one."""


def index() -> Object:
    """Return where the description of each group and version is."""
    paths = {}
    for group, version in group_versions():
        root = f"apis/{group}/{version}" if group else f"api/{version}"
        paths[root] = {"serverRelativeURL": f"/openapi/v3/{root}?hash={_hash(group, version)}"}
    return {"paths": paths}


@cache
def document(path: str) -> bytes | None:
    """Return the description at a path such as ``api/v1`` or ``apis/apps/v1``, or None."""
    match path.strip("/").split("/"):
        case ["api", version] if ("", version) in group_versions():
            found = _document("", version)
        case ["apis", group, version] if group and (group, version) in group_versions():
            found = _document(group, version)
        case _:
            return None
    return json.dumps(found, separators=(",", ":")).encode()


def _hash(group: str, version: str) -> str:
    """Return what changes when the description may: clients keep it for as long as it does not."""
    kinds = sorted(one.kind for one in _served(group, version))
    return sha256(f"{KUBERNETES_VERSION} {group} {version} {kinds}".encode()).hexdigest().upper()


def _served(group: str, version: str) -> list[Resource]:
    return [one for one in SERVED if (one.group, one.version) == (group, version)]


def _document(group: str, version: str) -> Object:
    paths: Object = {}
    for resource in _served(group, version):
        paths.update(_paths(resource))
    names = _reached(group, version)
    return {
        "openapi": "3.0.0",
        "info": {"title": "netlab", "version": KUBERNETES_VERSION},
        "paths": paths,
        "components": {"schemas": {name: _schema(name) for name in names}},
    }


def _reached(group: str, version: str) -> list[str]:
    found: set[str] = set()
    left = [
        name
        for name, schema in definitions().items()
        if any(
            (one["group"], one["version"]) == (group, version)
            for one in cast("list[dict[str, str]]", schema.get(_GROUP_VERSION_KIND, ()))
        )
    ]
    while left:
        name = left.pop()
        if name not in found:
            found.add(name)
            left.extend(_references(definitions()[name]))
    return sorted(found)


def _references(value: object) -> Iterator[str]:
    if isinstance(value, Mapping):
        reference = value.get("$ref")
        if isinstance(reference, str):
            yield reference.rpartition("/")[2]
        for inner in value.values():
            yield from _references(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _references(inner)


def _schema(name: str) -> Object:
    schema = cast("Object", _moved(definitions()[name]))
    words = descriptions().get(name, {})
    if words.get(""):
        schema["description"] = words[""]
    for field, inner in schema.get("properties", {}).items():
        if "$ref" in inner:
            # Beside a reference nothing else counts, so it stands in a list of one.
            inner["allOf"] = [{"$ref": inner.pop("$ref")}]
        if words.get(field):
            inner["description"] = words[field]
    return schema


def _moved(value: object) -> object:
    """Return a copy of a schema whose references lead to where version 3 has definitions."""
    if isinstance(value, Mapping):
        return {
            key: inner.replace("#/definitions/", "#/components/schemas/")
            if key == "$ref" and isinstance(inner, str)
            else _moved(inner)
            for key, inner in value.items()
        }
    if isinstance(value, list):
        return [_moved(inner) for inner in value]
    return value


_GROUP_VERSION_KIND: Final = "x-kubernetes-group-version-kind"


def _paths(resource: Resource) -> Iterator[tuple[str, Object]]:
    kind = {"group": resource.group, "version": resource.version, "kind": resource.kind}
    scope = "/namespaces/{namespace}" if resource.namespaced else ""
    collection = f"{resource.root}{scope}/{resource.plural}"
    for path, methods in (
        (collection, {"get": "list", "post": "post", "delete": "deletecollection"}),
        (
            collection + "/{name}",
            {"get": "get", "put": "put", "patch": "patch", "delete": "delete"},
        ),
    ):
        yield path, {method: _operation(action, kind) for method, action in methods.items()}


def _operation(action: str, kind: Object) -> Object:
    return {
        "parameters": [
            {"name": name, "in": "query", "schema": {"type": "string"}}
            for name in ("dryRun", "fieldManager", "fieldValidation")
        ]
        if action in {"patch", "post", "put"}
        else [],
        "responses": {"200": {"description": "OK"}},
        "x-kubernetes-action": action,
        _GROUP_VERSION_KIND: kind,
    }
