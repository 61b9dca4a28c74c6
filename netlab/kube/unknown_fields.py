"""Fields that a kind has not: which there are, and an object without them."""

from collections.abc import Iterator, Mapping
from typing import cast

from netlab.documents.json_schema import Schema
from netlab.documents.problems import FieldPath, spell_path
from netlab.kube.objects import Object
from netlab.kube.schema import definition_of, definitions


def unknown_fields(obj: Object) -> list[str]:
    """Return the path of each field that the kind of ``obj`` has not."""
    schema = definition_of(str(obj.get("apiVersion")), str(obj.get("kind")))
    return [] if schema is None else [spell_path(path) for path in _unknown(obj, schema, ())]


def without_unknown_fields(obj: Object) -> Object:
    """Return the object without what its kind has not; what is of a wrong type stays."""
    schema = definition_of(str(obj.get("apiVersion")), str(obj.get("kind")))
    return obj if schema is None else cast("Object", _known(obj, schema))


def _resolved(schema: Schema) -> Schema:
    reference = schema.get("$ref")
    if isinstance(reference, str):
        return definitions().get(reference.rpartition("/")[2], {})
    return schema


def _inner(schema: Schema, field: str) -> Schema | None:
    """Return the schema of a field, None for one that there is not."""
    properties = cast("Mapping[str, Schema] | None", schema.get("properties"))
    if properties is None:
        others = schema.get("additionalProperties")
        return cast("Schema", others) if isinstance(others, Mapping) else {}
    return properties.get(field)


def _unknown(value: object, schema: Schema, path: FieldPath) -> Iterator[FieldPath]:
    schema = _resolved(schema)
    if isinstance(value, dict):
        for field, inside in value.items():
            found = _inner(schema, field)
            if found is None:
                yield (*path, field)
            else:
                yield from _unknown(inside, found, (*path, field))
    elif isinstance(value, list) and "items" in schema:
        for index, item in enumerate(value):
            yield from _unknown(item, cast("Schema", schema["items"]), (*path, index))


def _known(value: object, schema: Schema) -> object:
    schema = _resolved(schema)
    if isinstance(value, dict):
        inner = ((field, inside, _inner(schema, field)) for field, inside in value.items())
        return {field: _known(inside, found) for field, inside, found in inner if found is not None}
    if isinstance(value, list) and "items" in schema:
        return [_known(item, cast("Schema", schema["items"])) for item in value]
    return value
