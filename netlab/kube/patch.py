"""The three ways to change a part of an object.

Theory of operation
-------------------
A *JSON merge patch* lays one object over another; a list replaces a list. A *JSON patch* is a list
of operations. A *strategic merge patch* is Kubernetes' own: it is a merge patch that knows from the
API's description which lists are sets of things with a key (the ports of a Service by ``port``,
containers by ``name``) and merges those item by item. Keys that begin with ``$`` say what a merge
alone cannot: ``$patch`` deletes or replaces, ``$setElementOrder/x`` orders, ``$retainKeys`` drops
all other keys, ``$deleteFromPrimitiveList/x`` takes items out of a list of plain values.

Source: Kubernetes, ``staging/src/k8s.io/apimachinery/pkg/util/strategicpatch``; RFC 7386; RFC 6902.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from netlab.kube.objects import Object
from netlab.kube.schema import definition_of, definitions
from netlab.kube.status import bad_request

JSON_PATCH: Final = "application/json-patch+json"
MERGE_PATCH: Final = "application/merge-patch+json"
STRATEGIC_MERGE_PATCH: Final = "application/strategic-merge-patch+json"

_ORDER: Final = "$setElementOrder/"
_DELETE: Final = "$deleteFromPrimitiveList/"
_RETAIN: Final = "$retainKeys"


def apply_patch(obj: Object, patch: Any, content_type: str) -> Object:  # noqa: ANN401 any JSON
    """Return the object with a patch applied; the object itself stays as it is.

    Args:
        obj: Of a known kind.
        patch: The patch as JSON.
        content_type: Which of the three kinds it is.

    Raises:
        StatusError: It cannot be applied (``BadRequest``).
    """
    if content_type == JSON_PATCH:
        return _json_patched(obj, patch)
    if not isinstance(patch, dict):
        raise bad_request("a merge patch must be a JSON object")
    if content_type == MERGE_PATCH:
        merged: Object = merge(obj, patch)
        return merged
    return _merged_map(obj, patch, part_of(obj))


def part_of(obj: Object) -> "Part":
    """Return the place of a whole object of a known kind."""
    return Part(definition_of(obj["apiVersion"], obj["kind"]) or {})


def merge(old: Any, patch: Any) -> Any:  # noqa: ANN401 any JSON
    """Return one JSON value with a merge patch laid over it; null removes.

    >>> merge({"a": 1, "b": {"c": 2}}, {"a": None, "b": {"d": 3}})
    {'b': {'c': 2, 'd': 3}}
    """
    if not isinstance(patch, dict):
        return patch
    new = dict(old) if isinstance(old, dict) else {}
    for field, value in patch.items():
        if value is None:
            new.pop(field, None)
        else:
            new[field] = merge(new.get(field), value)
    return new


def _json_patched(obj: Object, patch: object) -> Object:
    import jsonpatch  # noqa: PLC0415 few requests need it

    # jsonpatch 1.33 fails of what is no object.
    if not isinstance(patch, list) or not all(isinstance(one, dict) for one in patch):
        raise bad_request("a JSON patch must be a list of operations")
    try:
        patched = jsonpatch.apply_patch(obj, patch)
    except (jsonpatch.JsonPatchException, jsonpatch.JsonPointerException) as error:
        raise bad_request(f"the JSON patch cannot be applied: {error}") from error
    if not isinstance(patched, dict):
        raise bad_request("the JSON patch leaves no object")
    return patched


class Part:
    """A place in the API's description, which knows how its lists merge.

    Attributes:
        strategies: ``merge``, ``replace``, ``retainKeys``; an empty word where nothing is said.
        key: The field that tells the items of the list apart, or None.
    """

    def __init__(self, field: Mapping[str, Any]) -> None:
        self._type = field
        while "$ref" in self._type:
            self._type = definitions().get(self._type["$ref"].rsplit("/", 1)[-1], {})
        self.strategies = str(field.get("x-kubernetes-patch-strategy", "")).split(",")
        self.key: str | None = field.get("x-kubernetes-patch-merge-key")

    def field(self, name: str) -> "Part":
        """Return the place of a field; unknown ones merge as plain JSON."""
        found = self._type.get("properties", {}).get(name) or self._type.get("additionalProperties")
        return Part(found if isinstance(found, dict) else {})

    def item(self) -> "Part":
        """Return the place of a list's items."""
        return Part(self._type.get("items") or {})

    def identity(self) -> Callable[[Any], str]:
        """Return what tells whether two items of the list are the same thing."""
        if self.key is None:
            return lambda item: json.dumps(item, sort_keys=True)
        key = self.key
        return lambda item: json.dumps(item.get(key) if isinstance(item, dict) else None)


def _merged_map(old: Object, patch: Object, part: Part) -> Object:
    match patch.get("$patch"):
        case "replace":
            return {field: value for field, value in patch.items() if field != "$patch"}
        case "delete":
            return {}
        case None | "merge":
            return _merged_fields(old, patch, part)
        case directive:
            raise bad_request(f"unknown patch type found in directive: {directive}")


def _merged_fields(old: Object, patch: Object, part: Part) -> Object:
    new = _reduced(old, patch)
    orders = {
        field.removeprefix(_ORDER): _listed(field, order)
        for field, order in patch.items()
        if field.startswith(_ORDER)
    }
    for field, value in patch.items():
        if value is None:
            new.pop(field, None)
        elif not field.startswith("$"):
            new[field] = _merged(new.get(field), value, part.field(field), orders.get(field))
    for field, order in orders.items():
        if field not in patch and isinstance(new.get(field), list):
            new[field] = _merged_list(new[field], [], part.field(field), order)
    return new


def _reduced(old: Object, patch: Object) -> Object:
    """Return the old fields without what the patch's directives take away."""
    retained = _listed(_RETAIN, patch[_RETAIN]) if _RETAIN in patch else old
    new = {field: value for field, value in old.items() if field in retained}
    for field, value in patch.items():
        if field.startswith(_DELETE):
            name, gone = field.removeprefix(_DELETE), _listed(field, value)
            present = new.get(name)
            if isinstance(present, list):
                new[name] = [item for item in present if item not in gone]
    return new


def _listed(directive: str, value: object) -> list[Any]:
    if not isinstance(value, list):
        raise bad_request(f"invalid patch format of {directive}: it must be a list")
    return value


def _merged(old: Any, patch: Any, part: Part, order: list[Any] | None) -> Any:  # noqa: ANN401 any JSON
    if isinstance(patch, dict) and "replace" not in part.strategies:
        return _merged_map(old if isinstance(old, dict) else {}, patch, part)
    if isinstance(patch, list) and "merge" in part.strategies:
        return _merged_list(old if isinstance(old, list) else [], patch, part, order)
    return _plain(patch)


def _merged_list(
    old: Sequence[Any], patch: Sequence[Any], part: Part, order: Sequence[Any] | None
) -> list[Any]:
    """Return a list of keyed things, or a set of plain values, with a patch merged into it."""
    identity = part.identity()
    if part.key is not None:
        _check_items([*patch, *(order or ())], part.key)
        if any(item.get("$patch") == "replace" for item in patch):
            return [_plain(item) for item in patch if item.get("$patch") != "replace"]
    wanted = [item for item in patch if not _deletes(item)]
    ordered = [identity(item) for item in (wanted if order is None else order)]
    if order is not None:
        _check_order([identity(item) for item in wanted], ordered)
    before = [identity(item) for item in old]
    if part.key is None:
        items = _without_repeats([*old, *wanted], identity)
    else:
        items = _patched_items(old, patch, part)
    return _interleaved(items, identity, ordered, before)


def _patched_items(old: Sequence[Any], patch: Sequence[Any], part: Part) -> list[Any]:
    """Return keyed things with those of a patch merged into the first of the same key.

    Keys need not be unique (53/UDP and 53/TCP), and what a patch does not name stays.
    """
    identity = part.identity()
    gone = {identity(item) for item in patch if _deletes(item)}
    items = [item for item in old if identity(item) not in gone]
    for item in patch:
        if _deletes(item):
            continue
        names = [identity(one) for one in items]
        if identity(item) in names:
            at = names.index(identity(item))
            items[at] = _merged_map(items[at], item, part.item())
        else:
            items.append(_merged_map({}, item, part.item()))
    return items


def _without_repeats(items: Sequence[Any], identity: Callable[[Any], str]) -> list[Any]:
    return list({identity(item): item for item in items}.values())


def _deletes(item: object) -> bool:
    return isinstance(item, dict) and item.get("$patch") == "delete"


def _check_items(patch: Sequence[Any], key: str) -> None:
    for item in patch:
        if not isinstance(item, dict):
            raise bad_request(f"an item of a list that merges by {key} must be an object")
        if key not in item and item.get("$patch") != "replace":
            raise bad_request(f"map: {json.dumps(item)} does not contain declared merge key: {key}")


def _check_order(wanted: Sequence[str], ordered: Sequence[str]) -> None:
    places = [ordered.index(name) if name in ordered else -1 for name in wanted]
    if -1 in places or places != sorted(places):
        raise bad_request("the order in the patch list doesn't match the $setElementOrder list")


def _interleaved(
    items: Sequence[Any],
    identity: Callable[[Any], str],
    ordered: Sequence[str],
    before: Sequence[str],
) -> list[Any]:
    """Return the items: ordered ones as ordered, the others where they stood among their kin."""
    place = {name: number for number, name in reversed([*enumerate(ordered)])}
    rank = {name: number for number, name in reversed([*enumerate(before)])}
    first = [item for item in items if identity(item) in place]
    first.sort(key=lambda item: place[identity(item)])
    others = [item for item in items if identity(item) not in place]
    # So that those of one key stand together, as Kubernetes sorts them.
    others.sort(key=lambda item: rank.get(identity(item), len(rank)))
    merged: list[Any] = []
    while first and others:
        one, other = identity(first[0]), identity(others[0])
        known = one in rank and other in rank and rank[other] < rank[one]
        merged.append(others.pop(0) if known else first.pop(0))
    return [*merged, *others, *first]


def _plain(value: Any) -> Any:  # noqa: ANN401 any JSON
    """Return a value that replaces another one, without directives and nulls."""
    if isinstance(value, dict):
        return {
            field: _plain(inner)
            for field, inner in value.items()
            if inner is not None and not field.startswith("$")
        }
    if isinstance(value, list):
        return [_plain(inner) for inner in value]
    return value
