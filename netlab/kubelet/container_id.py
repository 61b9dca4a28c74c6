"""A container's id in its pod's status: the pid and start time of its first process."""

from collections.abc import Collection, Mapping
from typing import Final

from netlab.kube.objects import Object, items_of, status_of, with_status
from netlab.model.processes import ProcessId

STAND_IN_ID: Final = "netlab://stand-in"
"""The imageID of a container for whose unknown image an echo server runs."""

_SCHEME = "netlab://"
_STATUSES: Final = ("containerStatuses", "initContainerStatuses", "ephemeralContainerStatuses")


def container_id(process: ProcessId) -> str:
    """Return the id of the container whose first process this is.

    >>> container_id(ProcessId(pid=17, start_time=4711))
    'netlab://17-4711'
    """
    return f"{_SCHEME}{process.pid}-{process.start_time}"


def process_of(text: str) -> ProcessId | None:
    """Return the first process of the container with this id; None for any other text.

    >>> process_of("netlab://17-4711")
    ProcessId(pid=17, start_time=4711)
    >>> process_of("") is None
    True
    """
    pid, _, start_time = text.removeprefix(_SCHEME).partition("-")
    if not (pid.isdigit() and start_time.isdigit()):
        return None
    return ProcessId(pid=int(pid), start_time=int(start_time))


def with_container_ids(
    pod: Object, started: Mapping[str, ProcessId], stand_ins: Collection[str]
) -> Object:
    """Return a pod whose status has the ids of containers that started, and of their images.

    Args:
        pod: With a status of each container.
        started: The first processes, by the containers' names.
        stand_ins: Those containers for whose unknown image something else runs.
    """

    def identified(status: Object) -> Object:
        name = status["name"]
        if name not in started:
            return status
        image_id = STAND_IN_ID if name in stand_ins else status["image"]
        return {**status, "containerID": container_id(started[name]), "imageID": image_id}

    for field in _STATUSES:
        statuses = items_of(status_of(pod), field)
        if statuses:
            pod = with_status(pod, **{field: [identified(one) for one in statuses]})
    return pod
