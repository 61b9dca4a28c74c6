"""The ``conditions`` of a status."""

from collections.abc import Mapping, Sequence
from typing import Any

from netlab.kube.objects import Object, items_of, status_of
from netlab.kube.timestamps import timestamp


def condition(obj: Mapping[str, Any], type_: str) -> Object | None:
    """Return the condition of this type, or None."""
    found = items_of(status_of(obj), "conditions")
    return next((one for one in found if one.get("type") == type_), None)


def is_true(obj: Mapping[str, Any], type_: str) -> bool:
    """Return whether the condition of this type is there and ``True``."""
    found = condition(obj, type_)
    return found is not None and found.get("status") == "True"


def with_condition(
    conditions: Sequence[Object],
    type_: str,
    status: str,
    now: float,
    reason: str = "",
    message: str = "",
) -> list[Object]:
    """Return the conditions with one of them set to the status ``True`` or ``False``.

    ``lastTransitionTime`` moves only when the status does.
    """
    old = next((one for one in conditions if one.get("type") == type_), None)
    same = old is not None and old.get("status") == status
    since = old["lastTransitionTime"] if old is not None and same else timestamp(now)
    new: Object = {"type": type_, "status": status, "lastTransitionTime": since}
    if reason:
        new["reason"] = reason
    if message:
        new["message"] = message
    kept = [one for one in conditions if one.get("type") != type_]
    at = next((i for i, one in enumerate(conditions) if one.get("type") == type_), len(kept))
    return [*kept[:at], new, *kept[at:]]
