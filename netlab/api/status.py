"""Status objects: how the API says that something failed, or is done."""

from netlab.control.failures import Cause, RequestRefusedError
from netlab.model.objects import Key, Object, uid_of
from netlab.model.resources import RESOURCES


def failure_status(error: RequestRefusedError) -> Object:
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


def failure_of_status(status: Object) -> RequestRefusedError:
    """Return the refusal that a Status tells of."""
    details = status.get("details") or {}
    causes = [
        Cause(
            reason=one.get("reason", ""), message=one.get("message", ""), field=one.get("field", "")
        )
        for one in details.get("causes") or ()
    ]
    return RequestRefusedError(
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
        "details": {"name": key.name, "kind": key.resource, "uid": uid_of(obj)},
    }
