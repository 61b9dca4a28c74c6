"""Laws of lists whose merge keys are not unique: every such list of every kind that a lab serves.

53/UDP and 53/TCP have one merge key; so have two variables of one name, and whatever else may be
there twice. However often an object is applied or patched, each item stays, in its place.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from hypothesis import given
from hypothesis import strategies as st

from netlab.kube.kinds.table import KINDS
from netlab.kube.managed_fields import Manager
from netlab.kube.objects import Object
from netlab.kube.patch import MERGE_PATCH, STRATEGIC_MERGE_PATCH, apply_patch
from netlab.kube.schema import definition_of, definitions
from netlab.kube.server_side_apply import apply

NOW: Final = 1_800_000_000.0
_DEEPEST: Final = 12


@dataclass(frozen=True, slots=True)
class KeyedList:
    """A list field of a kind, and what tells its items apart."""

    api_version: str
    kind: str
    path: tuple[str, ...]
    """Fields; ``*`` stands for an item of a list on the way."""
    keys: tuple[str, ...]
    """Of server-side apply, or the merge key of patches."""
    fields: tuple[tuple[str, str], ...]
    """Plain fields of the items, and their types."""

    def holding(self, items: list[Object]) -> Object:
        """Return an object of the kind with such a list in it."""
        value: Any = items
        for element in reversed(self.path):
            value = (
                [{**dict.fromkeys(("name", "key"), "x"), **value}]
                if element == "*"
                else {element: value}
            )
        metadata = {"name": "x", "namespace": "default"}
        return {
            "apiVersion": self.api_version,
            "kind": self.kind,
            **value,
            "metadata": {**metadata, **value.get("metadata", {})},
        }

    def of(self, obj: Object) -> list[Object]:
        """Return the list in an object."""
        value: Any = obj
        for element in self.path:
            value = value[0] if element == "*" else value[element]
        found: list[Object] = value
        return found


def keyed_lists() -> Iterator[KeyedList]:
    for kind in KINDS:
        resource = kind.resource
        schema = definition_of(resource.api_version, resource.kind)
        for path, field in _lists(schema or {}, (), frozenset()):
            merge_key = field.get("x-kubernetes-patch-merge-key")
            keys = field.get("x-kubernetes-list-map-keys") or ([merge_key] if merge_key else [])
            plain = tuple(_plain_fields(_resolved(field["items"])))
            if keys and path[:2] != ("metadata", "managedFields"):
                yield KeyedList(resource.api_version, resource.kind, path, tuple(keys), plain)


def _lists(
    schema: Mapping[str, Any], path: tuple[str, ...], inside: frozenset[str]
) -> Iterator[tuple[tuple[str, ...], Mapping[str, Any]]]:
    """Yield every list of things with fields at or below a schema; one in itself once."""
    name = str(schema.get("$ref", ""))
    if name in inside or len(path) > _DEEPEST:
        return
    inside |= {name} if name else set()
    if schema.get("type") == "array" and "$ref" in schema["items"]:
        yield path, schema
        yield from _lists(schema["items"], (*path, "*"), inside)
    for field, inner in _resolved(schema).get("properties", {}).items():
        if field != "status":
            yield from _lists(inner, (*path, field), inside)


def _resolved(schema: Mapping[str, Any]) -> Mapping[str, Any]:
    name = str(schema.get("$ref", "")).rpartition("/")[2]
    return definitions()[name] if name else schema


def _plain_fields(schema: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for field, inner in schema.get("properties", {}).items():
        if inner.get("type") in {"string", "integer", "boolean"}:
            yield field, inner["type"]


LISTS: Final = sorted(keyed_lists(), key=repr)
_VALUES: Final = {
    "string": st.sampled_from(["a", "b"]),
    "integer": st.sampled_from([1, 2]),
    "boolean": st.booleans(),
}


@st.composite
def lists_with_repeats(draw: st.DrawFn, of: KeyedList) -> list[Object]:
    """Return items with few keys for many, so that keys repeat; no item is there twice."""
    fields = {
        name: _VALUES[kind] for name, kind in of.fields if name in of.keys or name in of.fields[:4]
    }
    fields |= {name: _VALUES[kind] for name, kind in of.fields[:4]}
    fields |= {key: st.sampled_from(["a", "b"]) for key in of.keys if key not in fields}
    items = draw(st.lists(st.fixed_dictionaries(fields), min_size=2, max_size=5))
    return [item for place, item in enumerate(items) if item not in items[:place]]


def test_the_lists_of_the_tutorials_are_among_them():
    found = {(one.kind, one.path[-1]) for one in LISTS}
    assert {("Service", "ports"), ("Pod", "containers"), ("Deployment", "env")} <= found
    assert len(LISTS) > 100


@given(st.data())
def test_what_is_applied_is_there_and_applied_again_changes_nothing(data: st.DataObject):
    of = data.draw(st.sampled_from(LISTS))
    items, others = (data.draw(lists_with_repeats(of)) for _ in range(2))
    manager = Manager(name="netlab", operation="Apply", api_version=of.api_version)
    bare = {"apiVersion": of.api_version, "kind": of.kind, "metadata": {}}
    once = apply(bare, of.holding(items), manager, NOW, force=True)
    assert of.of(once) == items
    assert apply(once, of.holding(items), manager, NOW + 1, force=True) == once
    changed = apply(once, of.holding(others), manager, NOW + 2, force=True)
    if len({repr([item.get(key) for key in of.keys]) for item in others}) < len(others):
        assert of.of(changed) == others
    assert apply(changed, of.holding(others), manager, NOW + 3, force=True) == changed


@given(st.data())
def test_a_patch_of_something_else_leaves_every_item(data: st.DataObject):
    of = data.draw(st.sampled_from(LISTS))
    obj = of.holding(data.draw(lists_with_repeats(of)))
    patch = {"metadata": {"labels": {"patched": "yes"}}}
    for content_type in (STRATEGIC_MERGE_PATCH, MERGE_PATCH):
        assert of.of(apply_patch(obj, patch, content_type)) == of.of(obj)


@given(st.data())
def test_a_patch_of_one_item_leaves_all_others(data: st.DataObject):
    """What merges by a key changes the first item of that key, as Kubernetes does."""
    of = data.draw(st.sampled_from([one for one in LISTS if len(one.keys) == 1]))
    items = data.draw(lists_with_repeats(of))
    patched = of.of(apply_patch(of.holding(items), of.holding(items[:1]), STRATEGIC_MERGE_PATCH))
    assert sorted(map(repr, patched)) == sorted(map(repr, items)) or patched == items[:1]
