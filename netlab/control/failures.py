"""Refusals of the API, with the code, reason and wording that Kubernetes uses."""

import json
from collections.abc import Sequence
from dataclasses import dataclass

from netlab.errors import SpecError
from netlab.model.objects import Key
from netlab.model.resources import RESOURCES


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
    told = f"Invalid value: {json.dumps(value)}: {message}"
    return Cause(reason="FieldValueInvalid", field=field, message=told)


def forbidden_value(field: str, message: str) -> Cause:
    """Return the cause for a field that may not be there, or may not change."""
    return Cause(reason="FieldValueForbidden", field=field, message=f"Forbidden: {message}")


class RequestRefusedError(SpecError):
    """The API refuses a request; the message is the one Kubernetes' clients print.

    Attributes:
        code: HTTP status.
        reason: Kubernetes' word: ``NotFound``, ``Invalid`` ...
        key: The object in question, or None.
        causes: Every problem, for ``Invalid``.
    """

    def __init__(
        self,
        message: str,
        *,
        code: int,
        reason: str,
        key: Key | None = None,
        causes: Sequence[Cause] = (),
    ) -> None:
        super().__init__(message)
        self.code = code
        self.reason = reason
        self.key = key
        self.causes = tuple(causes)


def not_found(key: Key) -> RequestRefusedError:
    """Return the refusal for an object that is not there."""
    return RequestRefusedError(
        f'{_qualified(key)} "{key.name}" not found', code=404, reason="NotFound", key=key
    )


def already_exists(key: Key) -> RequestRefusedError:
    """Return the refusal for a name that is taken."""
    return RequestRefusedError(
        f'{_qualified(key)} "{key.name}" already exists',
        code=409,
        reason="AlreadyExists",
        key=key,
    )


def conflict(key: Key) -> RequestRefusedError:
    """Return the refusal for a change of an object that has changed in the meantime."""
    return RequestRefusedError(
        f'Operation cannot be fulfilled on {_qualified(key)} "{key.name}": the object has been '
        "modified; please apply your changes to the latest version and try again",
        code=409,
        reason="Conflict",
        key=key,
    )


def invalid(key: Key, causes: Sequence[Cause]) -> RequestRefusedError:
    """Return the refusal for an object that is wrong; the message holds every cause."""
    told = [f"{cause.field}: {cause.message}" if cause.field else cause.message for cause in causes]
    problems = told[0] if len(told) == 1 else f"[{', '.join(told)}]"
    resource = RESOURCES[key.resource]
    kind = f"{resource.kind}.{resource.group}" if resource.group else resource.kind
    return RequestRefusedError(
        f'{kind} "{key.name}" is invalid: {problems}',
        code=422,
        reason="Invalid",
        key=key,
        causes=causes,
    )


def forbidden(key: Key, why: str) -> RequestRefusedError:
    """Return the refusal for what may never be done."""
    return RequestRefusedError(
        f'{_qualified(key)} "{key.name}" is forbidden: {why}',
        code=403,
        reason="Forbidden",
        key=key,
    )


def bad_request(message: str) -> RequestRefusedError:
    """Return the refusal for a request that cannot be understood."""
    return RequestRefusedError(message, code=400, reason="BadRequest")


def expired(version: int, oldest: int) -> RequestRefusedError:
    """Return the refusal for a watch that starts before what is remembered."""
    return RequestRefusedError(
        f"too old resource version: {version} ({oldest})", code=410, reason="Expired"
    )


def _qualified(key: Key) -> str:
    return RESOURCES[key.resource].qualified
