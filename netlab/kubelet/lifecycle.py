"""Which containers of a pod are to be started, and when: pure.

Init containers run one after the other; a sidecar among them must have started before the next
begins, and goes on. When all are done the others start, all at once. What has ended starts again as
its restart policy says. Ephemeral containers start once.

Source: Kubernetes, ``pkg/kubelet/kuberuntime/kuberuntime_manager.go`` (computePodActions).
"""

from collections.abc import Collection, Iterator, Mapping
from typing import NamedTuple

from netlab.kube.kinds.pod.containers import container_status
from netlab.kube.kinds.pod.status import is_finished, is_over_deadline, is_sidecar, restarts
from netlab.kube.objects import Object, is_terminating, items_of, spec_of


class Due(NamedTuple):
    """A container that is to be started."""

    spec: Object
    at: float
    """When, in wall clock seconds; perhaps past."""


def due_containers(
    pod: Object, active: Collection[str], at: Mapping[str, float], now: float
) -> list[Due]:
    """Return the containers of a pod that are to be started.

    Args:
        pod: The pod, on its node.
        active: Those that run, or are being started.
        at: When those that wait may start, by name.
        now: Wall clock seconds.
    """
    if is_terminating(pod) or is_finished(pod):
        return []
    return [
        Due(spec, at.get(spec["name"], now))
        for spec in _wanted(pod)
        if spec["name"] not in active and _may_start(pod, spec["name"])
    ]


def _wanted(pod: Object) -> Iterator[Object]:
    """Yield the containers that are to run by now."""
    spec = spec_of(pod)
    for one in items_of(spec, "initContainers"):
        if _is_done(pod, one["name"]):
            continue
        yield one
        has_started = container_status(pod, one["name"]).get("started")
        if not (is_sidecar(pod, one["name"]) and has_started):
            return
    yield from items_of(spec, "containers")
    yield from items_of(spec, "ephemeralContainers")


def left_over(pod: Object, active: Collection[str]) -> list[str]:
    """Return what is to end of a finished pod: its sidecars, or all when its time is over."""
    if not is_finished(pod):
        return []
    return [name for name in active if is_over_deadline(pod) or is_sidecar(pod, name)]


def _is_done(pod: Object, name: str) -> bool:
    ended = (container_status(pod, name).get("state") or {}).get("terminated")
    is_plain = not is_sidecar(pod, name)
    return is_plain and ended is not None and ended["exitCode"] == 0


def _may_start(pod: Object, name: str) -> bool:
    ended = (container_status(pod, name).get("state") or {}).get("terminated")
    return ended is None or restarts(pod, name, ended["exitCode"])
