"""Fields of an object as paths, in the spelling of ``metadata.managedFields``.

Theory of operation
-------------------
A path is a tuple of elements: ``f:replicas`` is a field, ``k:{"name":"web"}`` an item of a list
whose items are told apart by keys, ``v:"x"`` an item of a set. Which lists are such comes from the
API's description; a list of which it says nothing is owned as a whole, as is a map marked atomic,
and a list in which two items have the same keys (two ports of a container with one number).
The fields of an object are its leaves, and, of lists with keys and of maps, the items themselves.

Source: Kubernetes, ``sigs.k8s.io/structured-merge-diff`` (fieldpath, typed/tofieldset.go).
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final, cast

from netlab.documents.json_schema import Schema
from netlab.kube.schema import definitions

FieldPath = tuple[str, ...]

MEMBER: Final = object()
"""What stands for the value of an item that has fields of its own."""

_KEY_DEFAULTS: Final = {"protocol": "TCP"}


class FieldType:
    """What the API's description says of a field, in terms of ownership."""

    def __init__(self, field: Schema) -> None:
        resolved = field
        while isinstance(reference := resolved.get("$ref"), str):
            resolved = definitions().get(reference.rpartition("/")[2], {})
        self._resolved = resolved
        both = {**resolved, **field}
        self.is_atomic_map = both.get("x-kubernetes-map-type") == "atomic"
        self.list_type = str(both.get("x-kubernetes-list-type", "atomic"))
        self.keys = tuple(cast("list[str]", both.get("x-kubernetes-list-map-keys", ())))
        self.is_free_map = "additionalProperties" in resolved and "properties" not in resolved

    def field(self, name: str) -> "FieldType":
        """Return the type of a field."""
        known = cast("Mapping[str, Schema]", self._resolved.get("properties", {}))
        others = self._resolved.get("additionalProperties")
        return FieldType(known.get(name) or (others if isinstance(others, Mapping) else {}))

    def item(self) -> "FieldType":
        """Return the type of a list's items."""
        return FieldType(cast("Schema", self._resolved.get("items", {})))

    def is_granular(self, value: object) -> bool:
        """Return whether parts of such a value can have owners of their own."""
        if isinstance(value, dict):
            return not self.is_atomic_map
        if not isinstance(value, list) or self.list_type == "atomic":
            return False
        if self.list_type == "map" and not all(isinstance(item, dict) for item in value):
            return False
        return len({self.element(item) for item in value}) == len(value)

    def element(self, item: Any) -> str:  # noqa: ANN401 any JSON
        """Return the path element of an item of this list."""
        if self.list_type == "set":
            return f"v:{_compact(item)}"
        keys = {key: item.get(key, _KEY_DEFAULTS.get(key)) for key in self.keys}
        return f"k:{_compact({key: value for key, value in keys.items() if value is not None})}"

    def below(self, element: str) -> "FieldType":
        """Return the type of what an element of a path leads to."""
        return self.field(element[2:]) if element.startswith("f:") else self.item()


def leaves(value: Any, of: FieldType) -> dict[FieldPath, object]:  # noqa: ANN401 any JSON
    """Return the fields of a value with what stands there."""
    return dict(_leaves(value, of, ()))


def _leaves(value: Any, of: FieldType, path: FieldPath) -> Iterator[tuple[FieldPath, object]]:  # noqa: ANN401 any JSON
    if not of.is_granular(value):
        yield path, value
    elif isinstance(value, dict):
        for name, inner in value.items():
            at = (*path, f"f:{name}")
            if inner == {} or (of.is_free_map and isinstance(inner, dict)):
                yield at, MEMBER
            if inner != {}:
                yield from _leaves(inner, of.field(name), at)
    else:
        for item in value:
            at = (*path, of.element(item))
            yield at, MEMBER
            if isinstance(item, dict):
                yield from _leaves(item, of.item(), at)


def encode(paths: Iterable[FieldPath]) -> dict[str, Any]:
    """Return a set of paths as ``fieldsV1`` has it.

    >>> encode({("f:data", "f:a"), ("f:data",)})
    {'f:data': {'.': {}, 'f:a': {}}}
    """
    root: dict[str, Any] = {}
    members = set(paths)
    for path in sorted(members):
        at = root
        for depth, element in enumerate(path, start=1):
            inner = at.setdefault(element, {})
            if path[:depth] in members and depth < len(path):
                inner.setdefault(".", {})
            at = inner
    return root


def decode(fields: Mapping[str, Any]) -> set[FieldPath]:
    """Return the paths that ``fieldsV1`` names; what it cannot mean is left out.

    >>> sorted(decode({"f:data": {".": {}, "f:a": {}}}))
    [('f:data',), ('f:data', 'f:a')]
    """
    return set(_decoded(fields, ()))


def _decoded(fields: Mapping[str, Any], path: FieldPath) -> Iterator[FieldPath]:
    for element, inner in fields.items():
        if element == ".":
            yield path
        elif isinstance(inner, dict) and _is_element(element):
            at = (*path, element)
            if inner:
                yield from _decoded(inner, at)
            else:
                yield at


def _is_element(element: str) -> bool:
    kind, text = element[:2], element[2:]
    if kind == "f:":
        return True
    if kind not in {"k:", "v:"}:
        return False
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return False
    return kind == "v:" or isinstance(value, dict)


def spell(path: FieldPath) -> str:
    """Return a path as messages have it.

    >>> spell(("f:spec", 'k:{"name":"web"}', "f:image"))
    '.spec[name="web"].image'
    """
    return "".join(_spelt(element) for element in path)


def _spelt(element: str) -> str:
    kind, text = element[:2], element[2:]
    if kind == "k:":
        keys = json.loads(text)
        return f"[{','.join(f'{key}={_compact(value)}' for key, value in sorted(keys.items()))}]"
    return f"[={text}]" if kind == "v:" else f".{text}"


def _compact(value: object) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"))
