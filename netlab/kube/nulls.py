"""What the API server makes of ``null`` in an object: no field, or an empty value.

Kubernetes decodes into typed structures. There a null field is one that was not given, and a null
in a map or a list is the empty value of its type: ``app: null`` among labels is ``app: ""``.

Source: Go, ``encoding/json`` (Unmarshal: null into a value that is no pointer has no effect).
"""

from collections.abc import Mapping
from typing import Final, cast

from netlab.documents.json_schema import Schema

_EMPTY: Final[dict[str, object]] = {"string": "", "integer": 0, "number": 0, "boolean": False}


def without_nulls(value: object, schema: Schema, definitions: Mapping[str, Schema]) -> object:
    """Return ``value`` as the API server reads it; what is of a wrong type stays as it is.

    Args:
        value: Of any form.
        schema: What it should be.
        definitions: What ``$ref`` refers to, by the last part of the reference.
    """
    schema = _resolved(schema, definitions)
    if isinstance(value, list) and "items" in schema:
        inner = cast("Schema", schema["items"])
        return [_element(item, inner, definitions) for item in value]
    if not isinstance(value, dict):
        return value
    others = schema.get("additionalProperties")
    if isinstance(others, Mapping):
        return {key: _element(item, others, definitions) for key, item in value.items()}
    known = cast("Mapping[str, Schema]", schema.get("properties", {}))
    return {
        key: without_nulls(item, known.get(key, {}), definitions)
        for key, item in value.items()
        if item is not None
    }


def _element(value: object, schema: Schema, definitions: Mapping[str, Schema]) -> object:
    """Return an element of a list or a map; a null one is empty."""
    if value is not None:
        return without_nulls(value, schema, definitions)
    kind = _resolved(schema, definitions).get("type")
    if kind == "object":
        return {}
    return _EMPTY.get(kind) if isinstance(kind, str) else None


def _resolved(schema: Schema, definitions: Mapping[str, Schema]) -> Schema:
    reference = schema.get("$ref")
    return definitions[reference.rpartition("/")[2]] if isinstance(reference, str) else schema
