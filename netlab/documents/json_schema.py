"""Hold a value against a JSON schema and tell what differs, in Kubernetes' own words.

Only what netlab's schemas use is understood: ``type``, ``properties``, ``required``,
``additionalProperties`` (False where ``properties`` stand without it), ``items``, ``enum``,
``minimum`` with ``maximum``, ``format`` int32 and date-time, ``oneOf`` told apart by type, and
``$ref`` into one table of definitions. The meaning of other strings is checked elsewhere.
"""

import json
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Final, cast

from netlab.documents.problems import FieldPath, Report, invalid, nearest, spell_value

Schema = Mapping[str, object]

_TIME: Final = re.compile(
    r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)\Z", re.ASCII
)
"""RFC 3339."""
_TYPES: Final[dict[str, tuple[type, str]]] = {
    "object": (dict, "a mapping"),
    "array": (list, "a list"),
    "string": (str, "a string"),
    "integer": (int, "a whole number"),
    "number": (float, "a number"),
    "boolean": (bool, "true or false"),
    "null": (type(None), "nothing"),
}


def mapping(value: object) -> dict[str, object]:
    """Return ``value`` if it is a mapping, else an empty one; its type is told elsewhere."""
    return value if isinstance(value, dict) else {}


def entries(value: object) -> list[object]:
    """Return ``value`` if it is a list, else an empty one; its type is told elsewhere."""
    return value if isinstance(value, list) else []


def quoted(words: object) -> str:
    """Return strings as a message lists them.

    >>> quoted(["ptp", "bridge"])
    '"ptp", "bridge"'
    """
    return ", ".join(json.dumps(word) for word in cast("list[str]", words))


def type_word(value: object) -> str:
    """Return what a value is, as a person would say it.

    >>> type_word(True)
    'true or false'
    """
    return next(word for kind, word in _TYPES.values() if type(value) is kind)


class StructureCheck:
    """Checks one document; every difference goes to its report.

    Args:
        report: Takes the problems.
        definitions: What ``$ref`` refers to, by the last part of the reference.
        null_is_unset: True for Kubernetes objects, where ``field: null`` is no field at all.
    """

    def __init__(
        self,
        report: Report,
        definitions: Mapping[str, Schema] | None = None,
        *,
        null_is_unset: bool = False,
    ) -> None:
        self._report = report
        self._definitions = definitions or {}
        self._null_is_unset = null_is_unset

    def check(self, value: object, schema: Schema, path: FieldPath = ()) -> None:
        """Report each part of ``value`` that ``schema`` does not allow."""
        if value is None and self._null_is_unset:
            return None
        branch = self._branch(value, self._resolve(schema))
        if branch is None:
            return self._complain_of_type(value, schema, path)
        if "enum" in branch and value not in cast("list[object]", branch["enum"]):
            return self._complain_of_choice(value, branch, path)
        if isinstance(value, dict):
            self._check_fields(value, branch, path)
        elif isinstance(value, list):
            for index, item in enumerate(value):
                self.check(item, cast("Schema", branch.get("items", {})), (*path, index))
        else:
            self._check_scalar(value, branch, path)
        return None

    def _check_scalar(self, value: object, schema: Schema, path: FieldPath) -> None:
        if isinstance(value, int):
            self._check_range(value, schema, path)
        elif isinstance(value, str):
            self._check_time(value, schema, path)

    def _check_time(self, value: str, schema: Schema, path: FieldPath) -> None:
        if schema.get("format") == "date-time" and not _is_time(value):
            shown = spell_value(value)
            why = f'parsing time {shown} as "2006-01-02T15:04:05Z07:00": cannot parse it'
            self._report.add(path, invalid(value, why))

    def _resolve(self, schema: Schema) -> Schema:
        reference = schema.get("$ref")
        if isinstance(reference, str):
            return self._definitions[reference.rpartition("/")[2]]
        return schema

    def _branch(self, value: object, schema: Schema) -> Schema | None:
        branches = cast("list[Schema] | None", schema.get("oneOf"))
        if branches is None:
            return schema if _accepts(value, schema) else None
        resolved = (self._resolve(branch) for branch in branches)
        return next((branch for branch in resolved if _accepts(value, branch)), None)

    def _complain_of_type(self, value: object, schema: Schema, path: FieldPath) -> None:
        resolved = self._resolve(schema)
        branches = cast("list[Schema]", resolved.get("oneOf", [resolved]))
        names = [name for branch in branches for name in _type_names(self._resolve(branch))]
        wanted = " or ".join(dict.fromkeys(_TYPES[name][1] for name in names if name != "null"))
        found = type_word(value) if _is_nested(value) else spell_value(value)
        if value is None:
            self._report.add(path, f"must be {wanted}, but nothing stands here")
            return
        hint = "put it in quotes" if names == ["string"] and not _is_nested(value) else ""
        self._report.add(path, f"must be {wanted}, but is {found}", hint)

    def _complain_of_choice(self, value: object, schema: Schema, path: FieldPath) -> None:
        choices = cast("list[str]", schema["enum"])
        message = f"Unsupported value: {spell_value(value)}: supported values: {quoted(choices)}"
        self._report.add(path, message, nearest(str(value), choices))

    def _check_fields(self, value: dict[str, object], schema: Schema, path: FieldPath) -> None:
        known = cast("Mapping[str, Schema]", schema.get("properties", {}))
        others = schema.get("additionalProperties", "properties" not in schema)
        for key, inside in value.items():
            if key in known:
                self.check(inside, known[key], (*path, key))
            elif isinstance(others, Mapping):
                self.check(inside, others, (*path, key))
            elif others is False:
                hint = nearest(key, known) or f"known here: {', '.join(known)}"
                self._report.add((*path, key), "unknown field", hint)
        for key in cast("list[str]", schema.get("required", [])):
            if value.get(key) is None and (self._null_is_unset or key not in value):
                self._report.add((*path, key), "Required value")

    def _check_range(self, value: int, schema: Schema, path: FieldPath) -> None:
        if schema.get("format") == "int32" and not -(2**31) <= value < 2**31:
            self._report.add(path, invalid(value, "does not fit into 32 bits"))
        low, high = schema.get("minimum"), schema.get("maximum")
        if isinstance(low, int) and isinstance(high, int) and not low <= value <= high:
            self._report.add(path, invalid(value, f"must be between {low} and {high}, inclusive"))


def _is_time(text: str) -> bool:
    """Return whether a text is a time of RFC 3339, of a day that there is."""
    if not _TIME.match(text):
        return False
    try:
        datetime.fromisoformat(f"{text[:10]}T{text[11:19]}")
    except ValueError:
        return False
    return True


def _is_nested(value: object) -> bool:
    return isinstance(value, dict | list)


def _type_names(schema: Schema) -> list[str]:
    names = schema.get("type", [])
    return [names] if isinstance(names, str) else cast("list[str]", names)


def _accepts(value: object, schema: Schema) -> bool:
    names = _type_names(schema)
    if not names:
        return True
    kind = type(value)
    kinds = [_TYPES[name][0] for name in names]
    return kind in kinds or (kind is int and float in kinds)
