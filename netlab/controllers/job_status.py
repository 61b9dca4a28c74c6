"""How far a Job is: counts of its pods, and whether it is over.

Source: Kubernetes, ``pkg/controller/job/job_controller.go`` and ``indexed_job_utils.go``.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from netlab.kube.conditions import condition, is_true, with_condition
from netlab.kube.kinds.pod.status import is_finished
from netlab.kube.objects import (
    Object,
    annotations_of,
    is_terminating,
    items_of,
    spec_of,
    status_of,
)
from netlab.kube.timestamps import seconds, timestamp

_INDEX: Final = "batch.kubernetes.io/job-completion-index"
_FIRST_WAIT_S: Final = 10.0
_LONGEST_WAIT_S: Final = 600.0
_REACHED: Final = "Reached expected number of succeeded pods"

Over = tuple[str, str, str]
"""``Complete`` or ``Failed``, reason and message."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """A Job's pods, counted."""

    active: int
    ready: int
    succeeded: int
    failed: int
    terminating: int
    restarts: int
    """Of containers that are started again in the same pod (``OnFailure``)."""
    indexes: str = ""
    """Those that have succeeded, as ``0,2-4``; empty for a Job without."""
    failed_indexes: str = ""
    """Those that have failed for good, in the same form."""


def is_indexed(job: Object) -> bool:
    """Return whether each completion has a number of its own."""
    return bool(spec_of(job).get("completionMode") == "Indexed")


def index_of(pod: Object) -> int:
    """Return the number of a pod of an indexed Job; -1 for one without."""
    text = annotations_of(pod).get(_INDEX, "")
    return int(text) if text.isascii() and text.isdigit() else -1


def succeeded_indexes(job: Object, pods: Sequence[Object]) -> set[int]:
    """Return the numbers that are done: by these pods, or by some that are gone."""
    before = set(_spelt_out(status_of(job).get("completedIndexes") or ""))
    return before | {index_of(pod) for pod in pods if _phase(pod) == "Succeeded"} - {-1}


def failed_indexes(job: Object, pods: Sequence[Object]) -> set[int]:
    """Return the numbers whose ``backoffLimitPerIndex`` is used up, whether their pods remain."""
    limit = spec_of(job).get("backoffLimitPerIndex")
    if limit is None:
        return set()
    before = set(_spelt_out(status_of(job).get("failedIndexes") or ""))
    failures = [index_of(pod) for pod in pods if _phase(pod) == "Failed"]
    return before | {one for one in failures if failures.count(one) > int(limit)}


def counts_of(job: Object, pods: Sequence[Object]) -> Counts:
    """Return the counts; what has succeeded or failed stays counted when its pod is gone."""
    before = status_of(job)
    active = [one for one in pods if not is_finished(one) and not is_terminating(one)]
    ended = {phase: sum(_phase(one) == phase for one in pods) for phase in ("Succeeded", "Failed")}
    indexes = succeeded_indexes(job, pods) if is_indexed(job) else set()
    succeeded = len(indexes) if is_indexed(job) else ended["Succeeded"]
    return Counts(
        active=len(active),
        ready=sum(is_true(one, "Ready") for one in active),
        succeeded=max(succeeded, int(before.get("succeeded") or 0)),
        failed=max(ended["Failed"], int(before.get("failed") or 0)),
        terminating=sum(is_terminating(one) and not is_finished(one) for one in pods),
        restarts=sum(
            int(one.get("restartCount") or 0)
            for pod in active
            for one in items_of(status_of(pod), "containerStatuses")
        ),
        indexes=_shortened(indexes),
        failed_indexes=_shortened(failed_indexes(job, pods)),
    )


def why_over(job: Object, counts: Counts, now: float) -> Over | None:
    """Return how a Job has ended, or None while it goes on."""
    spec = spec_of(job)
    completions = spec.get("completions")
    if completions is None:
        is_complete = counts.succeeded > 0 and not counts.active
    else:
        is_complete = counts.succeeded >= int(completions)
    if is_complete:
        return "Complete", "CompletionsReached", _REACHED
    if counts.failed_indexes:
        given_up = len(set(_spelt_out(counts.failed_indexes)))
        if counts.succeeded + given_up >= int(completions or 0):
            return "Failed", "FailedIndexes", "Job has failed indexes"
    limit = int(spec.get("backoffLimit", 6))
    is_restarting = (spec["template"].get("spec") or {}).get("restartPolicy") == "OnFailure"
    if counts.failed > limit or (is_restarting and counts.restarts >= limit > 0):
        message = "Job has reached the specified backoff limit"
        return "Failed", "BackoffLimitExceeded", message
    deadline, started = spec.get("activeDeadlineSeconds"), status_of(job).get("startTime")
    if deadline is not None and started and now - seconds(started) >= float(deadline):
        return "Failed", "DeadlineExceeded", "Job was active longer than specified deadline"
    return None


def retry_at(pods: Sequence[Object], counts: Counts) -> float | None:
    """Return when the next pod may be made after some failed; None if none has."""
    ends = [at for pod in pods if _phase(pod) == "Failed" for at in _ends(pod)]
    if not counts.failed or not ends:
        return None
    wait_s = min(_FIRST_WAIT_S * 2.0 ** min(counts.failed - 1, 10), _LONGEST_WAIT_S)
    return max(ends) + wait_s


def finished_at(job: Object) -> float | None:
    """Return when a Job was over, in wall clock seconds; None if it is not."""
    for kind in ("Complete", "Failed"):
        found = condition(job, kind)
        if found is not None and found.get("status") == "True":
            return seconds(found["lastTransitionTime"])
    return None


def status_of_job(job: Object, counts: Counts, over: Over | None, now: float) -> Object:
    """Return the status that follows from the counts."""
    before = status_of(job)
    conditions = items_of(before, "conditions")
    is_suspended = bool(spec_of(job).get("suspend"))
    started = None if is_suspended else before.get("startTime") or timestamp(now)
    if is_suspended:
        conditions = with_condition(
            conditions, "Suspended", "True", now, "JobSuspended", "Job suspended"
        )
    elif any(one.get("type") == "Suspended" for one in conditions):
        conditions = with_condition(
            conditions, "Suspended", "False", now, "JobResumed", "Job resumed"
        )
    if over is not None:
        kind, reason, message = over
        first = "SuccessCriteriaMet" if kind == "Complete" else "FailureTarget"
        for type_ in (first, kind) if not counts.active else (first,):
            conditions = with_condition(conditions, type_, "True", now, reason, message)
    is_complete = over is not None and over[0] == "Complete" and not counts.active
    optional = {
        "active": 0 if over is not None or is_suspended else counts.active,
        "succeeded": counts.succeeded,
        "failed": counts.failed,
        "completedIndexes": counts.indexes,
        "failedIndexes": counts.failed_indexes,
        "startTime": started,
        "completionTime": timestamp(now) if is_complete else None,
        "conditions": conditions,
    }
    return {
        "ready": 0 if over is not None else counts.ready,
        "terminating": counts.terminating,
        "uncountedTerminatedPods": {},
        **{field: value for field, value in optional.items() if value},
    }


def _phase(pod: Object) -> str:
    return str(status_of(pod).get("phase", "Pending"))


def _ends(pod: Object) -> Iterator[float]:
    for one in items_of(status_of(pod), "containerStatuses"):
        ended = (one.get("state") or {}).get("terminated") or {}
        if ended.get("finishedAt"):
            yield seconds(ended["finishedAt"])


def _shortened(indexes: set[int]) -> str:
    """Return numbers as Kubernetes lists them.

    >>> _shortened({0, 2, 3, 4, 6, 7})
    '0,2-4,6,7'
    """
    parts: list[list[int]] = []
    for one in sorted(indexes):
        if parts and parts[-1][-1] == one - 1:
            parts[-1].append(one)
        else:
            parts.append([one])
    return ",".join(
        f"{part[0]}-{part[-1]}" if len(part) > 2 else ",".join(map(str, part)) for part in parts
    )


def _spelt_out(text: str) -> Iterator[int]:
    for part in filter(None, text.split(",")):
        first, _, last = part.partition("-")
        yield from range(int(first), int(last or first) + 1)
