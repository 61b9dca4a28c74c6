"""How an object goes: at once, or marked first and later.

A pod on a node is marked: its endpoints become *terminating* and its node ends the processes and
then removes the object. ``metadata.deletionTimestamp`` is the time at which its grace is over.
A namespace is marked until nothing is left in it, and what has finalizers until it has none.

Source: Kubernetes, ``staging/src/k8s.io/apiserver/pkg/registry/rest/delete.go``.
"""

from typing import Final

from netlab.apiserver.store import Store
from netlab.kube.kinds.pod.status import is_finished
from netlab.kube.objects import (
    Key,
    Object,
    is_terminating,
    metadata_of,
    spec_of,
    with_metadata,
    with_status,
)
from netlab.kube.timestamps import timestamp

FOREGROUND: Final = "foregroundDeletion"
"""The finalizer of an object that goes after what it owns."""
DEFAULT_GRACE_S: Final = 30


def delete(store: Store, key: Key, now: float, grace_s: int | None = None) -> Object:
    """Delete the object at ``key``, or mark it, and return its last state.

    Args:
        store: Where it is.
        key: Its key.
        now: Wall clock seconds.
        grace_s: Seconds a pod may take to end; None leaves that to its spec; 0 removes it at once.

    Raises:
        StatusError: There is none (``NotFound``).
    """
    obj = store.require(key)
    marked = mark(key, obj, now, grace_s)
    if marked is not None:
        return store.update(marked)
    return store.remove(key) or obj


def mark(key: Key, obj: Object, now: float, grace_s: int | None = None) -> Object | None:
    """Return the object with its deletion begun, or None if it can go at once."""
    if key.resource == "namespaces":
        if is_terminating(obj):
            return obj
        marked = with_metadata(obj, deletionTimestamp=timestamp(now))
        return with_status(marked, phase="Terminating")
    if key.resource == "pods":
        return _marked_pod(obj, now, grace_s)
    if metadata_of(obj).get("finalizers"):
        return obj if is_terminating(obj) else with_metadata(obj, deletionTimestamp=timestamp(now))
    return None


def _marked_pod(pod: Object, now: float, grace_s: int | None) -> Object | None:
    grace = grace_s
    if grace is None:
        grace = spec_of(pod).get("terminationGracePeriodSeconds", DEFAULT_GRACE_S)
    grace = grace if grace >= 0 else 1
    if grace <= 0 or not spec_of(pod).get("nodeName") or is_finished(pod):
        return None
    if is_terminating(pod) and grace >= metadata_of(pod).get("deletionGracePeriodSeconds", 0):
        return pod
    return with_metadata(
        pod, deletionTimestamp=timestamp(now + grace), deletionGracePeriodSeconds=grace
    )


def is_over(obj: Object) -> bool:
    """Return whether an object whose deletion has begun has nothing left to wait for.

    A pod waits for its node, and a namespace for what is in it; anything else for its finalizers.
    """
    return (
        is_terminating(obj)
        and obj["kind"] not in {"Pod", "Namespace"}
        and not metadata_of(obj).get("finalizers")
    )
