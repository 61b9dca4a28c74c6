"""Status: how the API says that something failed, or is done, in Kubernetes' codes and words."""

from collections.abc import Sequence

from netlab.errors import SpecError
from netlab.kube.field_error import Cause
from netlab.kube.objects import Key, Object, uid_of
from netlab.kube.resources import RESOURCES


class StatusError(SpecError):
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


def not_found(key: Key) -> StatusError:
    """Return the refusal for an object that is not there."""
    return StatusError(
        f'{_qualified(key)} "{key.name}" not found', code=404, reason="NotFound", key=key
    )


def already_exists(key: Key) -> StatusError:
    """Return the refusal for a name that is taken."""
    return StatusError(
        f'{_qualified(key)} "{key.name}" already exists',
        code=409,
        reason="AlreadyExists",
        key=key,
    )


def conflict(key: Key) -> StatusError:
    """Return the refusal for a change of an object that has changed in the meantime."""
    return StatusError(
        f'Operation cannot be fulfilled on {_qualified(key)} "{key.name}": the object has been '
        "modified; please apply your changes to the latest version and try again",
        code=409,
        reason="Conflict",
        key=key,
    )


def invalid(key: Key, causes: Sequence[Cause]) -> StatusError:
    """Return the refusal for an object that is wrong; the message holds every cause."""
    told = [f"{cause.field}: {cause.message}" if cause.field else cause.message for cause in causes]
    problems = told[0] if len(told) == 1 else f"[{', '.join(told)}]"
    resource = RESOURCES[key.resource]
    kind = f"{resource.kind}.{resource.group}" if resource.group else resource.kind
    return StatusError(
        f'{kind} "{key.name}" is invalid: {problems}',
        code=422,
        reason="Invalid",
        key=key,
        causes=causes,
    )


def forbidden(key: Key, why: str) -> StatusError:
    """Return the refusal for what may never be done."""
    return StatusError(
        f'{_qualified(key)} "{key.name}" is forbidden: {why}',
        code=403,
        reason="Forbidden",
        key=key,
    )


def bad_request(message: str) -> StatusError:
    """Return the refusal for a request that cannot be understood."""
    return StatusError(message, code=400, reason="BadRequest")


def expired(version: int, oldest: int) -> StatusError:
    """Return the refusal for a watch that starts before what is remembered."""
    return StatusError(
        f"too old resource version: {version} ({oldest})", code=410, reason="Expired"
    )


def expired_continue() -> StatusError:
    """Return the refusal for a list that goes on from what is no longer remembered."""
    return StatusError(
        "The provided continue parameter is too old to display a consistent list result. You can "
        "start a new list without the continue parameter.",
        code=410,
        reason="Expired",
    )


def too_large_version(version: int, current: int) -> StatusError:
    """Return the refusal for a version that is still to come."""
    told = f"Too large resource version: {version}, current: {current}"
    cause = Cause(reason="ResourceVersionTooLarge", message="Too large resource version", field="")
    return StatusError(told, code=504, reason="Timeout", causes=(cause,))


def precondition_failed(key: Key, field: str, wanted: str, has: str) -> StatusError:
    """Return the refusal for a deletion of what is another object than the one meant."""
    return StatusError(
        f'Operation cannot be fulfilled on {_qualified(key)} "{key.name}": Precondition failed: '
        f"{field} in precondition: {wanted}, {field} in object meta: {has}",
        code=409,
        reason="Conflict",
        key=key,
    )


def invalid_options(kind: str, field: str, why: str) -> StatusError:
    """Return the refusal for a request without an option that it needs."""
    cause = Cause(reason="FieldValueRequired", field=field, message=f"Required value: {why}")
    return StatusError(
        f'{kind}.meta.k8s.io "" is invalid: {field}: {cause.message}',
        code=422,
        reason="Invalid",
        causes=(cause,),
    )


def too_many_requests(message: str, causes: Sequence[Cause]) -> StatusError:
    """Return the refusal for what may succeed later."""
    return StatusError(message, code=429, reason="TooManyRequests", causes=causes)


def success_status() -> Object:
    """Return the Status that tells that something is done."""
    return {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success"}


def _qualified(key: Key) -> str:
    return RESOURCES[key.resource].qualified


def failure_status(error: StatusError) -> Object:
    """Return the Status that tells a refusal to a client."""
    details: Object = {}
    if error.key is not None:
        resource = RESOURCES[error.key.resource]
        kind = resource.kind if error.reason == "Invalid" else resource.plural
        details = {"name": error.key.name, "kind": kind}
        if resource.group:
            details["group"] = resource.group
    if error.causes:
        details["causes"] = [
            {"reason": cause.reason, "message": cause.message, "field": cause.field}
            for cause in error.causes
        ]
    return {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Failure",
        "message": str(error),
        "reason": error.reason,
        **({"details": details} if details else {}),
        "code": error.code,
    }


def failure_of_status(status: Object) -> StatusError:
    """Return the refusal that a Status tells of."""
    details = status.get("details") or {}
    causes = [
        Cause(
            reason=one.get("reason", ""), message=one.get("message", ""), field=one.get("field", "")
        )
        for one in details.get("causes") or ()
    ]
    return StatusError(
        status.get("message") or "the request was refused",
        code=status.get("code", 500),
        reason=status.get("reason", ""),
        causes=causes,
    )


def deleted_status(key: Key, obj: Object) -> Object:
    """Return the Status that tells of a deletion that is done."""
    return {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Success",
        "details": {
            "name": key.name,
            **({"group": group} if (group := RESOURCES[key.resource].group) else {}),
            "kind": key.resource,
            "uid": uid_of(obj),
        },
    }
