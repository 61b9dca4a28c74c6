"""How a client wants an object deleted: ``DeleteOptions``, in the body or in the query."""

from dataclasses import dataclass
from typing import Any, Final

from netlab.apiserver.request import Request, is_true
from netlab.kube.objects import Key, Object, metadata_of
from netlab.kube.status import bad_request, precondition_failed

_POLICIES: Final = ("Background", "Foreground", "Orphan")
_MAX_GRACE_S: Final = 2**31


@dataclass(frozen=True, slots=True, kw_only=True)
class DeletionOptions:
    """How an object is to be deleted."""

    grace_s: int | None
    """None leaves it to the object."""
    propagation: str
    """``Background``, ``Foreground`` or ``Orphan``."""
    preconditions: Object
    is_dry_run: bool


def read_options(request: Request) -> DeletionOptions:
    """Return the options of a deletion.

    Raises:
        StatusError: They cannot be understood (``BadRequest``).
    """
    body = request.object() if request.body.strip() else {}
    query = request.query
    policy = body.get("propagationPolicy") or query.get("propagationPolicy") or "Background"
    if policy not in _POLICIES:
        known = ", ".join(f'"{one}"' for one in _POLICIES)
        raise bad_request(
            f"propagationPolicy: Unsupported value: {policy!r}: supported values: {known}"
        )
    if body.get("orphanDependents") is True or is_true(query.get("orphanDependents", "")):
        policy = "Orphan"
    preconditions = body.get("preconditions") or {}
    if not isinstance(preconditions, dict):
        raise bad_request("preconditions must be an object")
    dry_run = body.get("dryRun") or []
    if dry_run not in ([], ["All"]):
        raise bad_request('dryRun: Unsupported value: supported values: "All"')
    grace = body.get("gracePeriodSeconds", query.get("gracePeriodSeconds"))
    return DeletionOptions(
        grace_s=_grace(grace),
        propagation=policy,
        preconditions=preconditions,
        is_dry_run=bool(dry_run) or request.is_dry_run,
    )


def check_preconditions(key: Key, obj: Object, preconditions: Object) -> None:
    """Refuse to delete what is not the object that was meant.

    Raises:
        StatusError: It has another uid or another version (``Conflict``).
    """
    for part, word in (("uid", "UID"), ("resourceVersion", "ResourceVersion")):
        wanted, has = preconditions.get(part), metadata_of(obj)[part]
        if wanted not in (None, has):
            raise precondition_failed(key, word, str(wanted), str(has))


def _grace(given: Any) -> int | None:  # noqa: ANN401 any JSON
    if given is None:
        return None
    try:
        seconds = int(given)
    except (TypeError, ValueError, OverflowError) as error:
        raise bad_request(f"gracePeriodSeconds must be a number, not {given!r}") from error
    if isinstance(given, bool) or not -_MAX_GRACE_S < seconds < _MAX_GRACE_S:
        raise bad_request(f"gracePeriodSeconds must be a number, not {given!r}")
    return max(0, seconds)
