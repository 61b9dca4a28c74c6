"""Run the pods of a Job until enough have succeeded, or too many have failed.

Source: Kubernetes, ``pkg/controller/job``.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from netlab.apiserver.changes import Change, Delete, Outcome, update_if_changed
from netlab.controllers.controller import Controller, Objects, itself, owner_or_selecting
from netlab.controllers.job_status import (
    Counts,
    Over,
    counts_of,
    failed_indexes,
    finished_at,
    index_of,
    is_indexed,
    retry_at,
    status_of_job,
    succeeded_indexes,
    why_over,
)
from netlab.controllers.pod_control import BATCH, claim, create_pod, delete_pod, new_pod, pods_of
from netlab.kube.events import Record
from netlab.kube.kinds.pod.status import is_finished
from netlab.kube.objects import (
    Key,
    Object,
    annotations_of,
    is_terminating,
    items_of,
    labels_of,
    name_of,
    spec_of,
    with_metadata,
    with_spec,
)
from netlab.kube.resources import key_of
from netlab.kube.timestamps import seconds

NAME: Final = "job-controller"
INDEX: Final = "batch.kubernetes.io/job-completion-index"

_INDEX_VARIABLE: Final = "JOB_COMPLETION_INDEX"


@dataclass(frozen=True, slots=True, kw_only=True)
class JobState:
    """A Job and its pods, those that have ended too."""

    job: Object
    pods: Sequence[Object]

    @property
    def active(self) -> list[Object]:
        """Pods that run or are to run."""
        return [one for one in self.pods if not is_finished(one) and not is_terminating(one)]


def step(job: Object, pods: Sequence[Object], now: float) -> Outcome:
    """Return what brings a Job further, and its status.

    Args:
        job: As stored, not terminating.
        pods: Those it owns and those that match its selector.
        now: Wall clock seconds.
    """
    over_at = finished_at(job)
    if over_at is not None:
        return _forgotten(job, over_at, now)
    claims, mine = claim(job, pods)
    state = JobState(job=job, pods=mine)
    counts = counts_of(job, mine)
    over = why_over(job, counts, now)
    moves: list[Change] = []
    wake_at = None
    if over is not None or spec_of(job).get("suspend"):
        for pod in state.active:
            moves += delete_pod(job, pod, NAME)
    else:
        moves, wake_at = _moves(state, counts, now)
    status = status_of_job(job, counts, over, now)
    updates = update_if_changed(job, {**job, "status": status})
    told = _told(job, over) if updates else ()
    deadline = spec_of(job).get("activeDeadlineSeconds")
    times = [at for at in (wake_at, _deadline(status, deadline, now)) if at is not None]
    return Outcome(changes=(*claims, *moves, *updates, *told), wake_at=min(times, default=None))


def sync(objects: Objects, key: Key, now: float) -> Outcome:
    """Look at the Job at ``key``."""
    job = objects.get(key)
    if job is None or is_terminating(job):
        return Outcome()
    return step(job, pods_of(objects, job, spec_of(job)["selector"]), now)


CONTROLLER: Final = Controller(
    name="job", watches={"jobs": itself, "pods": owner_or_selecting("jobs")}, step=sync
)


def _moves(state: JobState, counts: Counts, now: float) -> tuple[list[Change], float | None]:
    """Return pods to make or to give up, and when a pod that failed may be made again."""
    spec = spec_of(state.job)
    parallelism = int(spec.get("parallelism", 1))
    completions = spec.get("completions")
    if completions is None:
        # As many as there is work for: when one has succeeded no more are started.
        wanted = counts.active if counts.succeeded else parallelism
    else:
        given_up = len(failed_indexes(state.job, state.pods))
        wanted = min(parallelism, max(0, int(completions) - counts.succeeded - given_up))
    if len(state.active) > wanted:
        changes: list[Change] = []
        for pod in sorted(state.active, key=lambda one: bool(spec_of(one).get("nodeName"))):
            if len(changes) < 2 * (len(state.active) - wanted):
                changes += delete_pod(state.job, pod, NAME)
        return changes, None
    at = retry_at(state.pods, counts)
    missing = min(wanted - len(state.active), BATCH)
    if missing and at is not None and at > now:
        return [], at
    return [create_pod(state.job, pod, NAME) for pod in _new_pods(state, missing)], None


def _told(job: Object, over: Over | None) -> tuple[Change, ...]:
    """Return the event that tells how a Job has ended."""
    if over is None:
        return ()
    kind, reason, message = over
    if kind == "Complete":
        event = Record(object=job, reason="Completed", message="Job completed", component=NAME)
    else:
        event = Record(object=job, type="Warning", reason=reason, message=message, component=NAME)
    return (event,)


def _new_pods(state: JobState, count: int) -> Iterator[Object]:
    job = state.job
    if not is_indexed(job):
        yield from (new_pod(job, spec_of(job)["template"]) for _ in range(count))
        return
    done = {
        *succeeded_indexes(job, state.pods),
        *failed_indexes(job, state.pods),
        *(index_of(pod) for pod in state.pods if not is_finished(pod)),
    }
    free = (one for one in range(int(spec_of(job)["completions"])) if one not in done)
    for _, index in zip(range(count), free, strict=False):
        yield _indexed_pod(job, index)


def _indexed_pod(job: Object, index: int) -> Object:
    pod = new_pod(job, spec_of(job)["template"])
    pod = with_metadata(
        pod,
        generateName=f"{name_of(job)}-{index}-",
        labels={**labels_of(pod), INDEX: str(index)},
        annotations={**annotations_of(pod), INDEX: str(index)},
    )
    variable = {
        "name": _INDEX_VARIABLE,
        "valueFrom": {"fieldRef": {"fieldPath": f"metadata.labels['{INDEX}']"}},
    }
    changed = {
        field: [
            {**one, "env": [*items_of(one, "env"), variable]}
            for one in items_of(spec_of(pod), field)
        ]
        for field in ("containers", "initContainers")
        if items_of(spec_of(pod), field)
    }
    return with_spec(pod, hostname=f"{name_of(job)}-{index}", **changed)


def _forgotten(job: Object, over_at: float, now: float) -> Outcome:
    """Return the deletion of a finished Job after its ``ttlSecondsAfterFinished``."""
    ttl = spec_of(job).get("ttlSecondsAfterFinished")
    if ttl is None:
        return Outcome()
    due = over_at + float(ttl)
    return Outcome(changes=[Delete(key=key_of(job))]) if due <= now else Outcome(wake_at=due)


def _deadline(status: Object, limit: object, now: float) -> float | None:
    if not isinstance(limit, int) or not status.get("startTime"):
        return None
    due = seconds(status["startTime"]) + limit
    return due if due > now else None
