"""CronJob: its words, columns and defaults, and what a schedule must be.

Source: Kubernetes, ``pkg/apis/batch/validation`` (validateCronJobSpec).
"""

from typing import Final
from zoneinfo import available_timezones

from netlab.documents.json_schema import mapping
from netlab.documents.problems import FieldPath, Report, invalid
from netlab.kube.cron import parse_schedule
from netlab.kube.field_checks import check_at_least_0, check_text
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
from netlab.kube.kinds.job import validate_job
from netlab.kube.kinds.kind import ClusterContext, Kind
from netlab.kube.metadata import check_choice, text_of
from netlab.kube.objects import Object, items_of, spec_of, status_of
from netlab.kube.resource import Resource

_LONGEST_NAME: Final = 52
"""A Job's name has a time after it."""


def _validate(obj: Object, path: FieldPath, report: Report, context: ClusterContext) -> None:
    spec, inside = mapping(obj.get("spec")), (*path, "spec")
    schedule = spec.get("schedule")
    if not schedule:
        report.add((*inside, "schedule"), "Required value")
    elif isinstance(schedule, str):
        try:
            parse_schedule(schedule)
        except ValueError as error:
            report.add((*inside, "schedule"), invalid(schedule, str(error)))
    check_text(spec.get("timeZone"), _wrong_zone, (*inside, "timeZone"), report)
    policies = ("Allow", "Forbid", "Replace")
    check_choice(spec.get("concurrencyPolicy"), policies, (*inside, "concurrencyPolicy"), report)
    numbers = ("startingDeadlineSeconds", "successfulJobsHistoryLimit", "failedJobsHistoryLimit")
    check_at_least_0(spec, numbers, inside, report)
    template, within = mapping(spec.get("jobTemplate")), (*inside, "jobTemplate")
    validate_job(template, within, report, context)
    job, within = mapping(template.get("spec")), (*within, "spec")
    if job.get("selector") is not None:
        why = "`selector` will be auto-generated"
        report.add((*within, "selector"), invalid(job["selector"], why))
    if job.get("manualSelector"):
        report.add(
            (*within, "manualSelector"),
            'Unsupported value: true: supported values: "nil", "false"',
        )
    name = text_of(mapping(obj.get("metadata")), "name")
    if len(name) > _LONGEST_NAME:
        why = f"must be no more than {_LONGEST_NAME} characters"
        report.add((*path, "metadata", "name"), invalid(name, why))


def _wrong_zone(name: str) -> str:
    return "" if name in available_timezones() else f"unknown time zone {name}"


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
    validate=_validate,
    with_defaults=_with_defaults,
)
