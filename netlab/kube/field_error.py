"""What is wrong with one field of an object, as a Status tells it."""

import json
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Cause:
    """One thing that is wrong with an object."""

    reason: str
    """``FieldValueInvalid``, ``FieldValueRequired``, ``FieldValueForbidden`` ..."""
    message: str
    field: str
    """Path in the object: ``spec.ports[0].nodePort``."""


def invalid_value(field: str, value: object, message: str) -> Cause:
    """Return the cause for a value that may not be as it is."""
    text = f"Invalid value: {json.dumps(value)}: {message}"
    return Cause(reason="FieldValueInvalid", field=field, message=text)


def forbidden_value(field: str, message: str) -> Cause:
    """Return the cause for a field that may not be there, or may not change."""
    return Cause(reason="FieldValueForbidden", field=field, message=f"Forbidden: {message}")
