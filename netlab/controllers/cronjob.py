"""Make a Job whenever a CronJob's schedule says so.

Source: Kubernetes, ``pkg/controller/cronjob``.
"""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, tzinfo
from typing import Final
from zoneinfo import ZoneInfo

from netlab.apiserver.changes import Change, Create, Delete, Outcome, update_if_changed
from netlab.controllers.controller import Controller, Objects, itself, owner
from netlab.controllers.job_status import finished_at
from netlab.controllers.pod_control import owner_reference
from netlab.kube.conditions import is_true
from netlab.kube.cron import Every, Schedule, parse_schedule
from netlab.kube.events import Record
from netlab.kube.objects import (
    Key,
    Object,
    annotations_of,
    is_terminating,
    labels_of,
    metadata_of,
    name_of,
    namespace_of,
    spec_of,
    status_of,
    uid_of,
)
from netlab.kube.resources import key_of
from netlab.kube.timestamps import seconds, timestamp

NAME: Final = "cronjob-controller"
SCHEDULED: Final = "batch.kubernetes.io/cronjob-scheduled-timestamp"

_MISSED: Final = 100
"""Times that may have been missed; after more nothing is made up for."""


def step(cronjob: Object, jobs: Sequence[Object], now: float) -> Outcome:
    """Return the Job that is due, what is forgotten, and the status.

    Args:
        cronjob: As stored, not terminating.
        jobs: Those it owns.
        now: Wall clock seconds.
    """
    spec = spec_of(cronjob)
    active = [job for job in jobs if finished_at(job) is None]
    schedule = parse_schedule(spec["schedule"])
    zone: tzinfo = ZoneInfo(spec["timeZone"]) if spec.get("timeZone") else UTC
    due, next_at = _due(cronjob, schedule, zone, now)
    changes: list[Change] = []
    status = _status(cronjob, jobs, active)
    if due is not None and not spec.get("suspend"):
        changes = _started(cronjob, active, due, now)
        if changes:
            status["lastScheduleTime"] = timestamp(due)
    updates = update_if_changed(cronjob, {**cronjob, "status": status})
    return Outcome(changes=(*changes, *_forgotten(cronjob, jobs), *updates), wake_at=next_at)


def sync(objects: Objects, key: Key, now: float) -> Outcome:
    """Look at the CronJob at ``key``."""
    cronjob = objects.get(key)
    if cronjob is None or is_terminating(cronjob):
        return Outcome()
    return step(cronjob, objects.owned(uid_of(cronjob), "jobs"), now)


CONTROLLER: Final = Controller(
    name="cronjob", watches={"cronjobs": itself, "jobs": owner("cronjobs")}, step=sync
)


def _due(
    cronjob: Object, schedule: Schedule | Every, zone: tzinfo, now: float
) -> tuple[float | None, float | None]:
    """Return the last time that is past and was not served, and the next that comes."""
    last = status_of(cronjob).get("lastScheduleTime") or metadata_of(cronjob)["creationTimestamp"]
    deadline = spec_of(cronjob).get("startingDeadlineSeconds")
    since = seconds(last)
    if deadline is not None:
        since = max(since, now - float(deadline))
    at: datetime | None = datetime.fromtimestamp(since, zone)
    due: float | None = None
    for _ in range(_MISSED):
        at = schedule.next_after(at) if at is not None else None
        if at is None or at.timestamp() > now:
            return due, at.timestamp() if at is not None else None
        due = at.timestamp()
    later = schedule.next_after(datetime.fromtimestamp(now, zone))
    return None, later.timestamp() if later is not None else None


def _started(cronjob: Object, active: Sequence[Object], due: float, now: float) -> list[Change]:
    policy = spec_of(cronjob).get("concurrencyPolicy", "Allow")
    if active and policy == "Forbid":
        message = "Not starting job because prior execution is running and concurrency policy is"
        told = Record(
            object=cronjob, reason="JobAlreadyActive", message=f"{message} Forbid", component=NAME
        )
        is_new = due + 1 > now
        return [told] if is_new else []
    stopped: list[Change] = []
    if policy == "Replace":
        stopped = [Delete(key=key_of(job)) for job in active]
    job = _job(cronjob, due)
    message = f"Created job {name_of(job)}"
    made = Record(object=cronjob, reason="SuccessfulCreate", message=message, component=NAME)
    return [*stopped, Create(object=job), made]


def _job(cronjob: Object, due: float) -> Object:
    template = spec_of(cronjob)["jobTemplate"]
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {
            "name": f"{name_of(cronjob)}-{int(due) // 60}",
            "namespace": namespace_of(cronjob),
            "labels": labels_of(template),
            "annotations": {**annotations_of(template), SCHEDULED: timestamp(due)},
            "ownerReferences": [owner_reference(cronjob)],
        },
        "spec": spec_of(template),
    }


def _status(cronjob: Object, jobs: Sequence[Object], active: Sequence[Object]) -> Object:
    before = status_of(cronjob)
    references = [
        {
            "apiVersion": "batch/v1",
            "kind": "Job",
            "name": name_of(job),
            "namespace": namespace_of(job),
            "uid": uid_of(job),
        }
        for job in active
    ]
    ends = [
        status_of(job)["completionTime"]
        for job in jobs
        if is_true(job, "Complete") and status_of(job).get("completionTime")
    ]
    last = max([*ends, before.get("lastSuccessfulTime") or ""])
    kept = {"lastScheduleTime": before.get("lastScheduleTime"), "lastSuccessfulTime": last}
    return {
        **({"active": references} if references else {}),
        **{field: text for field, text in kept.items() if text},
    }


def _forgotten(cronjob: Object, jobs: Sequence[Object]) -> Iterator[Change]:
    """Yield the deletion of finished Jobs beyond the history's limits, oldest first."""
    spec = spec_of(cronjob)
    for kind, field, default in (
        ("Complete", "successfulJobsHistoryLimit", 3),
        ("Failed", "failedJobsHistoryLimit", 1),
    ):
        done = sorted(
            (job for job in jobs if is_true(job, kind)), key=lambda job: finished_at(job) or 0
        )
        excess = len(done) - int(spec.get(field, default))
        yield from (Delete(key=key_of(job)) for job in done[: max(0, excess)])


def _end(job: Object) -> float:
    return finished_at(job) or 0.0
