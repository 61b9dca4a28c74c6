"""Fail pods that were active for longer than their ``activeDeadlineSeconds``.

Source: Kubernetes, ``pkg/kubelet/active_deadline.go``.
"""

from functools import partial
from typing import Final

from netlab.apiserver.store import Store
from netlab.kube.events import Record
from netlab.kube.kinds.pod.status import DEADLINE_EXCEEDED, is_finished
from netlab.kube.objects import Object, is_terminating, spec_of, status_of, with_status
from netlab.kube.resources import key_of
from netlab.kube.timestamps import seconds
from netlab.kube.unreadable import UnreadableObjects

_MESSAGE: Final = "Pod was active on the node longer than the specified deadline"


def enforce_deadlines(
    store: Store, now: float, unreadable: UnreadableObjects
) -> tuple[list[Record], float | None]:
    """Write into the status of pods whose time is over that they have failed.

    Their containers are ended as those of any pod that is finished.

    Args:
        store: Where the pods are.
        now: Wall clock seconds.
        unreadable: Takes the pods that cannot be read.

    Returns:
        What is to be told, and when the next pod's time is over, in wall clock seconds.
    """
    told: list[Record] = []
    later: list[float] = []
    for pod in store.list_("pods"):
        until = unreadable.read_unless_left_out(key_of(pod), partial(_until, pod))
        if until is not None and until > now:
            later.append(until)
        elif until is not None:
            failed = with_status(pod, phase="Failed", reason=DEADLINE_EXCEEDED, message=_MESSAGE)
            told.append(_record(store.update(failed)))
    return told, min(later, default=None)


def _until(pod: Object) -> float | None:
    """Return when a pod's time is over; None for one that has none, or that has ended."""
    limit_s, started = spec_of(pod).get("activeDeadlineSeconds"), status_of(pod).get("startTime")
    if limit_s is None or not started or is_finished(pod) or is_terminating(pod):
        return None
    return seconds(started) + float(limit_s)


def _record(pod: Object) -> Record:
    return Record(
        object=pod,
        reason=DEADLINE_EXCEEDED,
        message=_MESSAGE,
        component="kubelet",
        host=str(spec_of(pod).get("nodeName") or ""),
    )
