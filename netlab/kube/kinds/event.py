"""Event: what happened to an object.

Source: Kubernetes, ``pkg/printers/internalversion/printers.go`` (printEvent),
``pkg/apis/core/validation/events.go`` (legacyValidateEvent).
"""

from typing import Final

from netlab.documents.json_schema import mapping
from netlab.documents.problems import FieldPath, Report, invalid
from netlab.kube.field_checks import check_required, check_text
from netlab.kube.kinds.columns import UNKNOWN, Column, age, column, number
from netlab.kube.kinds.kind import ClusterContext, Kind, OtherVersion
from netlab.kube.metadata import text_of
from netlab.kube.names import wrong_qualified_name
from netlab.kube.objects import Object, metadata_of, name_of
from netlab.kube.resource import Resource

_LONGEST: Final = {"reportingInstance": 128, "action": 128, "reason": 128, "message": 1024}


def _validate(event: Object, path: FieldPath, report: Report, _: ClusterContext) -> None:
    space = text_of(mapping(event.get("involvedObject")), "namespace")
    own = text_of(mapping(event.get("metadata")), "namespace")
    has_time = event.get("eventTime") is not None
    fits = own == space if space else own in ("", "default", *(("kube-system",) * has_time))
    if not fits and (space == "" or not has_time):
        why = "does not match event.namespace"
        report.add((*path, "involvedObject", "namespace"), invalid(space, why))
    if not has_time:
        return
    component = event.get("reportingComponent")
    if check_required(event, "reportingComponent", path, report):
        check_text(component, wrong_qualified_name, (*path, "reportingController"), report)
    for field in ("reportingInstance", "action", "reason"):
        check_required(event, field, path, report)
    for field, most in _LONGEST.items():
        if len(text_of(event, field)) > most:
            report.add((*path, field), invalid("", f"can have at most {most} characters"))


def _last_seen(event: Object, now: float) -> str:
    series = (event.get("series") or {}).get("lastObservedTime")
    time = series or event.get("lastTimestamp") or event.get("eventTime")
    return age(time or metadata_of(event).get("creationTimestamp"), now)


def _first_seen(event: Object, now: float) -> str:
    return age(event.get("firstTimestamp") or event.get("eventTime"), now)


def _object(event: Object) -> str:
    involved = event.get("involvedObject") or {}
    kind, name = str(involved.get("kind", "")).lower(), involved.get("name", "")
    return f"{kind}/{name}" if kind else UNKNOWN


def _source(event: Object) -> str:
    source = event.get("source") or {}
    component = source.get("component") or event.get("reportingComponent") or ""
    host = source.get("host") or event.get("reportingInstance") or ""
    return ", ".join(filter(None, (component, host)))


def _count(event: Object) -> int:
    return int((event.get("series") or {}).get("count") or event.get("count") or 1)


_RENAMED: Final = {
    "involvedObject": "regarding",
    "message": "note",
    "reportingComponent": "reportingController",
    "source": "deprecatedSource",
    "firstTimestamp": "deprecatedFirstTimestamp",
    "lastTimestamp": "deprecatedLastTimestamp",
    "count": "deprecatedCount",
}
"""What the group ``events.k8s.io`` calls the fields of the core group."""
_NAMED_BACK: Final = {new: old for old, new in _RENAMED.items()}


def _to_events_group(event: Object) -> Object:
    renamed = {_RENAMED.get(field, field): value for field, value in event.items()}
    # The field must be there; recorders of the core group leave it out.
    time = event.get("eventTime") or event.get("firstTimestamp")
    return {**renamed, "apiVersion": "events.k8s.io/v1", "eventTime": time}


def _from_events_group(event: Object) -> Object:
    renamed = {_NAMED_BACK.get(field, field): value for field, value in event.items()}
    return {**renamed, "apiVersion": "v1"}


KIND: Final = Kind(
    resource=Resource(kind="Event", plural="events", short_names=("ev",)),
    other_versions=(
        OtherVersion(
            resource=Resource(
                kind="Event", plural="events", group="events.k8s.io", short_names=("ev",)
            ),
            to_version=_to_events_group,
            from_version=_from_events_group,
        ),
    ),
    validate=_validate,
    columns=(
        Column(name="Last Seen", cell=_last_seen),
        column("Type", lambda event: str(event.get("type", ""))),
        column("Reason", lambda event: str(event.get("reason", ""))),
        column("Object", _object),
        column(
            "Subobject",
            lambda event: str((event.get("involvedObject") or {}).get("fieldPath", "")),
            is_wide=True,
        ),
        column("Source", _source, is_wide=True),
        column("Message", lambda event: str(event.get("message", "")).strip()),
        Column(name="First Seen", cell=_first_seen, is_wide=True),
        number("Count", _count, is_wide=True),
        Column(name="Name", cell=lambda obj, _: name_of(obj), format="name", is_wide=True),
    ),
)
