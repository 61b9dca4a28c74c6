"""netlab's checks held against Kubernetes' own schema, as the package kubernetes-validate has it.

The schema knows fields, types and what must be there; what a value must be it does not know, and
``test_refused`` does. So what the schema refuses netlab refuses, at the same field.
"""

import copy
import re
from collections.abc import Iterator, Mapping
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any, Final, cast

import jsonschema
import kubernetes_validate
import pytest
from referencing import Registry, Resource

from netlab.kube.defaults import with_defaults
from netlab.kube.kinds.table import KINDS
from netlab.kube.manifests import check_object, parse_manifests
from netlab.kube.objects import Object
from tests.unit.kube.test_refused import ACCEPTED, OBJECTS, changed

TESTS: Final = Path(__file__).parents[2]
FILES: Final = sorted([*(TESTS / "manifests").iterdir(), *(TESTS / "corpus").iterdir()])
VERSION: Final = "1.37.0"
JUDGED: Final = ("Service", "EndpointSlice", "Pod", "Deployment")
WRONG: Final = ("words of no meaning", 7, True, 1.5, ["a"], {"a": "b"})
_DEEPEST: Final = 9
FieldPath = tuple[str | int, ...]


@cache
def schema(name: str) -> Mapping[str, Any]:
    folder = f"kubernetes-json-schema/v{VERSION}-local-strict"
    return cast(
        "Mapping[str, Any]",
        kubernetes_validate.utils.schema_contents(f"{folder}/{name}.json", VERSION),
    )


@cache
def judge(kind: str, api_version: str) -> jsonschema.protocols.Validator:
    """Return what judges objects of a kind, as ``kubernetes_validate.validate`` makes it."""
    group, _, version = api_version.rpartition("/")
    own = schema(f"{kind.lower()}-{group.partition('.')[0]}{'-' if group else ''}{version}")
    registry: Registry[Any] = Resource.from_contents(own) @ Registry()
    registry = Resource.from_contents(schema("_definitions")) @ registry
    return jsonschema.Draft202012Validator(own, registry=registry)


def refused(obj: Object) -> list[FieldPath]:
    """Return where Kubernetes' schema finds something wrong."""
    validator = judge(obj["kind"], obj["apiVersion"])
    return [tuple(error.absolute_path) for error in validator.iter_errors(obj)]


def fields_of(kind: str) -> Iterator[FieldPath]:
    """Yield the path of every field of a kind; a list on the way has one item."""
    obj = OBJECTS[kind]
    own = judge(kind, obj["apiVersion"]).schema
    for path in _fields(cast("Mapping[str, Any]", own), (), frozenset()):
        if path[0] != "status":
            yield path


def _fields(of: Mapping[str, Any], path: FieldPath, inside: frozenset[str]) -> Iterator[FieldPath]:
    name = str(of.get("$ref", "")).rpartition("/")[2]
    if name in inside or len(path) > _DEEPEST:
        return
    if name:
        of = schema("_definitions")["$defs"][name]
        inside |= {name}
    if isinstance(of.get("items"), Mapping):
        yield from _fields(of["items"], (*path, 0), inside)
    for field, inner in of.get("properties", {}).items():
        yield (*path, field)
        yield from _fields(inner, (*path, field), inside)


def with_value(obj: Object, path: FieldPath, value: object) -> Object:
    """Return an object with a value at a path, and what is missing on the way there."""
    obj = copy.deepcopy(obj)
    at: Any = obj
    for element, following in pairwise(path):
        empty: Any = [] if isinstance(following, int) else {}
        if isinstance(element, int):
            if not at:
                at.append(empty)
            at = at[0]
        else:
            if not isinstance(at.get(element), type(empty)):
                at[element] = empty
            at = at[element]
    at[path[-1]] = value
    return obj


@pytest.mark.parametrize("kind", JUDGED)
def test_a_value_of_the_wrong_type_is_refused_where_kubernetes_refuses_it(kind: str):
    fields = list(fields_of(kind))
    passed_over, tried = [], 0
    for number, path in enumerate(fields):
        if path in {("apiVersion",), ("kind",), ("metadata", "managedFields")}:
            continue
        value = WRONG[number % len(WRONG)]
        obj = with_value(OBJECTS[kind], path, value)
        if path not in refused(obj):
            continue
        tried += 1
        spelt = "".join(f"[{one}]" if isinstance(one, int) else f".{one}" for one in path)[1:]
        if not any(problem.path.startswith(spelt) for problem in check_object(obj)):
            passed_over.append((spelt, value))
    assert passed_over == []
    assert tried > len(fields) / 2


@pytest.mark.parametrize("kind", JUDGED)
def test_a_field_that_kubernetes_has_not_is_refused_wherever_it_stands(kind: str):
    inner = sorted({path[:-1] for path in fields_of(kind)}, key=repr)
    passed_over = []
    for path in inner:
        obj = with_value(OBJECTS[kind], (*path, "fieldOfNobody"), 1)
        if path in refused(obj) and not any(
            "fieldOfNobody" in str(problem) for problem in check_object(obj)
        ):
            passed_over.append(path)
    assert passed_over == []


@pytest.mark.parametrize("kind", OBJECTS)
def test_kubernetes_takes_the_objects_that_cases_begin_with(kind: str):
    assert refused(OBJECTS[kind]) == []


@pytest.mark.parametrize(("kind", "path", "value"), ACCEPTED)
def test_kubernetes_takes_what_netlab_takes(kind: str, path: str, value: object):
    assert refused(changed(kind, path, value)) == []


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_kubernetes_takes_what_netlab_takes_of_a_file(path: Path):
    # A topology is netlab's own, and comes first.
    text = re.sub(r"\A(#.*\n)*apiVersion: netlab(.*\n)+?---", "", path.read_text())
    for obj in parse_manifests(text.encode(), path.name).manifests:
        assert refused(without_nulls(obj)) == []


@pytest.mark.parametrize("kind", OBJECTS)
def test_what_is_filled_in_is_right(kind: str):
    assert refused(with_defaults(OBJECTS[kind])) == []


def test_netlab_has_every_field_that_kubernetes_has():
    for kind in KINDS:
        resource = kind.resource
        own = judge(resource.kind, resource.api_version).schema
        assert cast("Mapping[str, Any]", own)["properties"].keys()


def without_nulls(value: Any) -> Any:  # noqa: ANN401 any JSON
    """Return a value as the API server reads it: null says nothing."""
    if isinstance(value, dict):
        return {key: without_nulls(one) for key, one in value.items() if one is not None}
    return [without_nulls(one) for one in value] if isinstance(value, list) else value
