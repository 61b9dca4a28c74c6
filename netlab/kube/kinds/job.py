"""Job: its words, columns, defaults, and the labels that tie its pods to it.

Source: Kubernetes, ``pkg/apis/batch/v1/defaults.go``, ``pkg/registry/batch/job/strategy.go``.
"""

from collections.abc import Iterator
from datetime import datetime
from typing import Final

from netlab.documents.json_schema import mapping
from netlab.documents.problems import FieldPath, Report, invalid
from netlab.kube.conditions import is_true
from netlab.kube.field_checks import check_at_least_0
from netlab.kube.field_error import Cause, invalid_value
from netlab.kube.kinds.columns import AGE, CONTAINERS, NAME, SELECTOR, Column, column, duration
from netlab.kube.kinds.defaults import filled
from netlab.kube.kinds.kind import ClusterContext, Kind
from netlab.kube.kinds.pod.defaults import template_with_defaults
from netlab.kube.kinds.pod.validation import check_pod_spec, check_template_metadata
from netlab.kube.metadata import check_choice
from netlab.kube.objects import (
    Object,
    labels_of,
    metadata_of,
    name_of,
    spec_of,
    status_of,
    uid_of,
    with_metadata,
    with_spec,
)
from netlab.kube.resource import Resource

CONTROLLER_UID: Final = "batch.kubernetes.io/controller-uid"
JOB_NAME: Final = "batch.kubernetes.io/job-name"

_MODES: Final = ("Indexed", "NonIndexed")
_COUNTS: Final = (
    *("parallelism", "completions", "backoffLimit", "activeDeadlineSeconds"),
    *("ttlSecondsAfterFinished", "backoffLimitPerIndex", "maxFailedIndexes"),
)
_MOST_PARALLEL: Final = 100_000
_NO_LIMIT: Final = (1 << 31) - 1
"""Where each index has a limit of its own, the Job has none unless it says so."""
_IMMUTABLE: Final = ("completions", "selector", "template", "completionMode")


def validate_job(job: Object, path: FieldPath, report: Report, context: ClusterContext) -> None:
    """Report what is wrong with a Job, or with the template of one."""
    spec, inside = mapping(job.get("spec")), (*path, "spec")
    check_at_least_0(spec, _COUNTS, inside, report)
    check_choice(spec.get("completionMode"), _MODES, (*inside, "completionMode"), report)
    policies = ("Failed", "TerminatingOrFailed")
    where = (*inside, "podReplacementPolicy")
    check_choice(spec.get("podReplacementPolicy"), policies, where, report)
    _check_indexes(spec, inside, report)
    check_template_metadata(mapping(spec.get("template")), (*inside, "template"), report)
    pod = mapping(mapping(spec.get("template")).get("spec"))
    within = (*inside, "template", "spec")
    check_pod_spec(pod, within, report, context.nodes)
    policy = pod.get("restartPolicy") or "Always"
    check_choice(policy, ("OnFailure", "Never"), (*within, "restartPolicy"), report)


def _check_indexes(spec: Object, path: FieldPath, report: Report) -> None:
    """Report what only an Indexed Job may have, and what it needs."""
    if spec.get("completionMode") == "Indexed":
        if spec.get("completions") is None:
            why = "when completion mode is Indexed"
            report.add((*path, "completions"), f"Required value: {why}")
        parallelism = spec.get("parallelism")
        if isinstance(parallelism, int) and parallelism > _MOST_PARALLEL:
            why = f"must be less than or equal to {_MOST_PARALLEL} when completion mode is Indexed"
            report.add((*path, "parallelism"), invalid(parallelism, why))
        return
    for field in ("backoffLimitPerIndex", "maxFailedIndexes"):
        if spec.get(field) is not None:
            why = "requires indexed completion mode"
            report.add((*path, field), invalid(spec[field], why))


def _validate_status(job: Object, report: Report) -> None:
    counts = ("active", "succeeded", "failed", "ready", "terminating")
    check_at_least_0(mapping(job.get("status")), counts, ("status",), report)


def _prepare_for_create(job: Object) -> Object:
    """Return a new Job that selects its own pods, by its uid, unless it brings a selector."""
    spec = spec_of(job)
    if spec.get("manualSelector") or not isinstance(spec.get("template"), dict):
        return job
    labels = {
        CONTROLLER_UID: uid_of(job),
        JOB_NAME: name_of(job),
        "controller-uid": uid_of(job),
        "job-name": name_of(job),
    }
    template = spec["template"]
    template = with_metadata(template, labels={**labels_of(template), **labels})
    selector = {"matchLabels": {CONTROLLER_UID: uid_of(job)}}
    return with_spec(job, selector=selector, template=template)


def _with_defaults(job: Object) -> Object:
    spec = spec_of(job)
    if spec.get("completions") is None and spec.get("parallelism") is None:
        spec = {**spec, "completions": 1, "parallelism": 1}
    spec = filled(
        spec,
        {
            "parallelism": 1,
            "backoffLimit": 6 if spec.get("backoffLimitPerIndex") is None else _NO_LIMIT,
            "completionMode": "NonIndexed",
            "manualSelector": False,
            "podReplacementPolicy": "TerminatingOrFailed",
            "suspend": False,
        },
    )
    template = template_with_defaults(spec)
    labels = labels_of(job) or labels_of(template)
    job = with_metadata(job, labels=labels) if labels else job
    return {**job, "spec": {**spec, "template": template}, "status": status_of(job)}


def _forbidden_changes(old: Object, new: Object) -> Iterator[Cause]:
    for field in _IMMUTABLE:
        before, after = spec_of(old).get(field), spec_of(new).get(field)
        if before != after:
            yield invalid_value(f"spec.{field}", after, "field is immutable")


def _status(job: Object) -> str:
    if is_true(job, "Complete"):
        return "Complete"
    if is_true(job, "Failed"):
        return "Failed"
    if metadata_of(job).get("deletionTimestamp"):
        return "Terminating"
    if is_true(job, "Suspended"):
        return "Suspended"
    if is_true(job, "SuccessCriteriaMet"):
        return "SuccessCriteriaMet"
    return "FailureTarget" if is_true(job, "FailureTarget") else "Running"


def _completions(job: Object) -> str:
    spec, done = spec_of(job), status_of(job).get("succeeded", 0)
    if spec.get("completions") is not None:
        return f"{done}/{spec['completions']}"
    parallel = spec.get("parallelism") or 0
    return f"{done}/1 of {parallel}" if parallel > 1 else f"{done}/1"


def _duration(job: Object, now: float) -> str:
    status = status_of(job)
    if not status.get("startTime"):
        return ""
    start = datetime.fromisoformat(status["startTime"]).timestamp()
    end = status.get("completionTime")
    return duration((datetime.fromisoformat(end).timestamp() if end else now) - start)


KIND: Final = Kind(
    resource=Resource(
        kind="Job",
        plural="jobs",
        group="batch",
        categories=("all",),
        subresources=("status",),
        has_generation=True,
    ),
    columns=(
        NAME,
        column("Status", _status),
        column("Completions", _completions),
        Column(name="Duration", cell=_duration),
        AGE,
        *CONTAINERS,
        SELECTOR,
    ),
    validate=validate_job,
    validate_status=_validate_status,
    prepare_for_create=_prepare_for_create,
    with_defaults=_with_defaults,
    forbidden_changes=_forbidden_changes,
)
