"""CronJob: stored, and started by nobody."""

from typing import Final

from netlab.kube.kinds.columns import (
    AGE,
    NAME,
    NONE,
    age_column,
    column,
    in_spec,
    number,
)
from netlab.kube.kinds.defaults import filled
from netlab.kube.kinds.kind import Kind
from netlab.kube.objects import Object, items_of, spec_of, status_of
from netlab.kube.resource import Resource


def _with_defaults(obj: Object) -> Object:
    defaults = {
        "concurrencyPolicy": "Allow",
        "failedJobsHistoryLimit": 1,
        "successfulJobsHistoryLimit": 3,
        "suspend": False,
    }
    return {**obj, "spec": filled(spec_of(obj), defaults), "status": status_of(obj)}


KIND: Final = Kind(
    resource=Resource(
        kind="CronJob",
        plural="cronjobs",
        group="batch",
        short_names=("cj",),
        categories=("all",),
        subresources=("status",),
        has_generation=True,
    ),
    columns=(
        NAME,
        column("Schedule", in_spec("schedule")),
        column("Timezone", in_spec("timeZone")),
        column("Suspend", lambda obj: str(bool(spec_of(obj).get("suspend"))).capitalize()),
        number("Active", lambda obj: len(items_of(status_of(obj), "active"))),
        age_column("Last Schedule", lambda obj: status_of(obj).get("lastScheduleTime"), NONE),
        AGE,
    ),
    with_defaults=_with_defaults,
    is_only_stored=True,
)
