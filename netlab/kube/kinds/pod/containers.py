"""The containers of a pod, of all three sorts, and the runs that their logs are of.

Source: Kubernetes, ``pkg/registry/core/pod/strategy.go`` (LogLocation), kubelet,
``validateContainerLogStatus``.
"""

from dataclasses import dataclass
from typing import Any, Final

from netlab.kube.objects import Object, items_of, name_of, spec_of, status_of
from netlab.kube.status import bad_request

_SORTS: Final = {
    "containers": "containerStatuses",
    "initContainers": "initContainerStatuses",
    "ephemeralContainers": "ephemeralContainerStatuses",
}
"""Fields of the spec, and of the status that belongs to each."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ContainerRun:
    """One run of a container, from its start to its end."""

    container: str
    restart_count: int

    def is_present_in(self, pod: Object) -> bool:
        """Return whether this run goes on, or is yet to begin, in a newer state of its pod."""
        status = container_status(pod, self.container)
        is_same = status.get("restartCount", 0) == self.restart_count
        return is_same and "terminated" not in (status.get("state") or {})


def container_named(pod: Object, name: str) -> str:
    """Return the name of the container that a client means.

    Args:
        pod: The pod.
        name: As the client says; empty for the only one.

    Raises:
        StatusError: There is no such container, or more than one to choose from.
    """
    spec = spec_of(pod)
    if not name:
        names = [one["name"] for one in items_of(spec, "containers")]
        if len(names) == 1:
            return str(names[0])
        raise bad_request(
            f"a container name must be specified for pod {name_of(pod)}, choose one of: "
            f"[{' '.join(names)}]"
        )
    if all(one["name"] != name for sort in _SORTS for one in items_of(spec, sort)):
        raise bad_request(f"container {name} is not valid for pod {name_of(pod)}")
    return name


def container_spec(pod: Object, name: str) -> dict[str, Any]:
    """Return a container, of any sort, as the pod's spec has it; there must be one."""
    spec = spec_of(pod)
    return next(one for sort in _SORTS for one in items_of(spec, sort) if one["name"] == name)


def container_statuses(pod: Object) -> list[Object]:
    """Return the statuses of all containers, of any sort."""
    status = status_of(pod)
    return [one for sort in _SORTS.values() for one in items_of(status, sort)]


def container_status(pod: Object, name: str) -> dict[str, Any]:
    """Return the status of a container; empty before it has one."""
    status = status_of(pod)
    return next(
        (one for sort in _SORTS.values() for one in items_of(status, sort) if one["name"] == name),
        {},
    )


def log_of_run(pod: Object, container: str, *, previous: bool) -> ContainerRun:
    """Return the run whose log is meant: the present one, or the one before.

    Raises:
        StatusError: There has been none.
    """
    status = container_status(pod, container)
    state: dict[str, Any] = status.get("state") or {}
    count: int = status.get("restartCount", 0)
    is_waiting = not state or "waiting" in state
    has_ended_before = bool((status.get("lastState") or {}).get("terminated"))
    if previous:
        if not has_ended_before:
            raise bad_request(
                f'previous terminated container "{container}" in pod "{name_of(pod)}" not found'
            )
        return ContainerRun(container=container, restart_count=count if is_waiting else count - 1)
    if is_waiting and not has_ended_before:
        raise bad_request(
            f'container "{container}" in pod "{name_of(pod)}" is waiting to start: {_reason(state)}'
        )
    return ContainerRun(container=container, restart_count=count)


def _reason(state: dict[str, Any]) -> str:
    reason = (state.get("waiting") or {}).get("reason") or "ContainerCreating"
    pull = {
        "ErrImagePull": "image can't be pulled",
        "ImagePullBackOff": "trying and failing to pull image",
    }
    return pull.get(reason, reason)
