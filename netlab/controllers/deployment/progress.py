"""The status of a Deployment: counts, and the conditions Available and Progressing.

Source: Kubernetes, ``pkg/controller/deployment/progress.go`` and ``sync.go``.
"""

from collections.abc import Sequence

from netlab.controllers.deployment.rolling import limits
from netlab.kube.conditions import condition, with_condition
from netlab.kube.objects import Object, items_of, metadata_of, name_of, spec_of, status_of
from netlab.kube.timestamps import seconds, timestamp

_COMPLETE = "NewReplicaSetAvailable"
_COUNTS = ("replicas", "readyReplicas", "availableReplicas")


def status_of_rollout(
    deployment: Object, new: Object | None, replicasets: Sequence[Object], now: float
) -> tuple[Object, float | None]:
    """Return the status, and when a missing deadline would change it.

    Args:
        deployment: As stored.
        new: The ReplicaSet of its present template, or None before there is one.
        replicasets: All it owns, ``new`` too.
        now: Wall clock seconds.
    """
    wanted = spec_of(deployment).get("replicas", 1)
    counts = {field: sum(status_of(one).get(field, 0) for one in replicasets) for field in _COUNTS}
    counts["updatedReplicas"] = status_of(new).get("replicas", 0) if new is not None else 0
    counts["unavailableReplicas"] = max(0, wanted - counts["availableReplicas"])
    status: Object = {
        "observedGeneration": metadata_of(deployment)["generation"],
        **{field: count for field, count in counts.items() if count},
    }
    conditions = _with_available(deployment, counts["availableReplicas"], now)
    progressing = _progressing(deployment, new, counts, now)
    conditions = with_condition(conditions, "Progressing", *progressing[:1], now, *progressing[1:])
    status["conditions"] = _with_update_times(deployment, conditions, counts, now)
    return status, _deadline(deployment, status["conditions"], now)


def _with_available(deployment: Object, available: int, now: float) -> list[Object]:
    _, unavailable = limits(deployment)
    before = items_of(status_of(deployment), "conditions")
    if available >= spec_of(deployment).get("replicas", 1) - unavailable:
        reason, message = "MinimumReplicasAvailable", "Deployment has minimum availability."
        return with_condition(before, "Available", "True", now, reason, message)
    reason = "MinimumReplicasUnavailable"
    message = "Deployment does not have minimum availability."
    return with_condition(before, "Available", "False", now, reason, message)


def _progressing(
    deployment: Object, new: Object | None, counts: dict[str, int], now: float
) -> tuple[str, str, str]:
    """Return status, reason and message of the condition Progressing."""
    if spec_of(deployment).get("paused"):
        return "Unknown", "DeploymentPaused", "Deployment is paused"
    named = f'ReplicaSet "{name_of(new)}"' if new is not None else "ReplicaSet"
    wanted = spec_of(deployment).get("replicas", 1)
    done = (counts["updatedReplicas"], counts["replicas"], counts["availableReplicas"])
    if new is not None and done == (wanted, wanted, wanted):
        return "True", _COMPLETE, f"{named} has successfully progressed."
    last = condition(deployment, "Progressing")
    if last is not None and last.get("reason") == _COMPLETE and done[0] == done[1]:
        # A rollout that was complete stays so: pods that fail afterwards are no new rollout.
        return "True", _COMPLETE, last.get("message", "")
    due = _due(deployment, last)
    if last is not None and last.get("reason") == "ProgressDeadlineExceeded":
        due = now
    if due is not None and due <= now and not _moved(deployment, counts):
        return "False", "ProgressDeadlineExceeded", f"{named} has timed out progressing."
    return "True", "ReplicaSetUpdated", f"{named} is progressing."


def _moved(deployment: Object, counts: dict[str, int]) -> bool:
    """Return whether the counts show progress since the last status."""
    before = status_of(deployment)
    generation = metadata_of(deployment)["generation"]
    return before.get("observedGeneration") != generation or any(
        counts[field] > before.get(field, 0)
        for field in ("updatedReplicas", "readyReplicas", "availableReplicas")
    )


def _due(deployment: Object, progressing: Object | None) -> float | None:
    if progressing is None or progressing.get("reason") != "ReplicaSetUpdated":
        return None
    limit = spec_of(deployment).get("progressDeadlineSeconds", 600)
    return _updated_at(progressing) + float(limit)


def _updated_at(one: Object) -> float:
    return seconds(one.get("lastUpdateTime") or one["lastTransitionTime"])


def _with_update_times(
    deployment: Object, conditions: list[Object], counts: dict[str, int], now: float
) -> list[Object]:
    """Return the conditions with ``lastUpdateTime``: the time of the last progress."""
    timed = []
    moved = _moved(deployment, counts)
    for one in conditions:
        before = condition(deployment, one["type"])
        same = before is not None and all(
            before.get(field) == one.get(field) for field in ("status", "reason", "message")
        )
        fresh = not same or (moved and one.get("reason") == "ReplicaSetUpdated")
        at = (
            timestamp(now)
            if fresh or before is None
            else before.get("lastUpdateTime") or timestamp(now)
        )
        timed.append({**one, "lastUpdateTime": at})
    return timed


def _deadline(deployment: Object, conditions: Sequence[Object], now: float) -> float | None:
    progressing = next(one for one in conditions if one["type"] == "Progressing")
    due = _due(deployment, progressing)
    return due if due is not None and due > now else None
