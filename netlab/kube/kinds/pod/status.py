"""The status of a pod as its node reports it, each report a new state of the object.

Theory of operation
-------------------
A container is *waiting*, *running* or *terminated*; phase and conditions follow from its
containers' states. The wait before a restart grows: the first restart comes at once, the next
after 10 s, doubled each time up to 300 s; a container that ran for ten minutes starts over.
Nothing but the status remembers this: the wait before the present run is the time between the end
of the last run and the start of this one, and the wait that is on is told in the message of
``CrashLoopBackOff``.

Source: kubelet, ``pkg/kubelet/kuberuntime``; Kubernetes documentation, "Pod Lifecycle".
"""

import re
from collections.abc import Collection
from typing import Final

from netlab.kube.conditions import with_condition
from netlab.kube.objects import (
    Object,
    items_of,
    name_of,
    namespace_of,
    spec_of,
    status_of,
    uid_of,
    with_status,
)
from netlab.kube.timestamps import seconds, timestamp

RESET_S: Final = 600.0
"""A run of this length makes the next restart immediate again."""

_WAITS_S: Final = (0, 10, 20, 40, 80, 160, 300)

_BACK_OFF: Final = re.compile(r"back-off (?:(\d+)m)?(\d+)s ")


def containers_started(
    pod: Object, now: float, containers: Collection[str] | None = None
) -> Object:
    """Return the pod with these containers running, started and ready.

    A container that is already running stays as it is. One that ran before counts a restart.

    Args:
        pod: Bound to a node.
        now: Wall clock seconds.
        containers: Names; None means all.
    """
    statuses = []
    for container in items_of(spec_of(pod), "containers"):
        status = _status_of(pod, container)
        wanted = containers is None or container["name"] in containers
        if wanted and "running" not in status["state"]:
            status = _running(pod, status, now)
        statuses.append(status)
    return _reported(pod, statuses, now)


def container_not_started(
    pod: Object, container: str, reason: str, message: str, now: float
) -> Object:
    """Return the pod with a container waiting, for a reason such as ``ErrImagePull``."""
    waiting = {"waiting": {"reason": reason, "message": message}}
    return _with_container(pod, container, now, state=waiting, ready=False, started=False)


def container_exited(
    pod: Object, container: str, exit_code: int, signal: int | None, now: float
) -> Object:
    """Return the pod after a container's process has ended.

    If the restart policy wants it back, it is either ``terminated``, to be started again at once,
    or ``waiting`` in ``CrashLoopBackOff``; ``restart_at`` tells when. Else the pod has
    ``Succeeded`` or ``Failed`` when its last container has ended.

    Args:
        pod: The pod.
        container: Name.
        exit_code: As a shell shows it: 128 and the signal's number for a killed process.
        signal: The signal that killed it, or None.
        now: Wall clock seconds.
    """
    before = _status_named(pod, container)
    started_at = (before["state"].get("running") or {}).get("startedAt") or timestamp(now)
    ended: Object = {
        "exitCode": exit_code,
        "reason": "Error" if exit_code else "Completed",
        "startedAt": started_at,
        "finishedAt": timestamp(now),
        "containerID": before.get("containerID", ""),
    }
    if signal is not None:
        ended["signal"] = signal
    wait_s = _next_wait(before, now)
    if not _restarts(pod, exit_code) or not wait_s:
        return _with_container(
            pod, container, now, state={"terminated": ended}, ready=False, started=False
        )
    message = (
        f"back-off {_duration(wait_s)} restarting failed container={container} "
        f"pod={name_of(pod)}_{namespace_of(pod)}({uid_of(pod)})"
    )
    waiting = {"waiting": {"reason": "CrashLoopBackOff", "message": message}}
    return _with_container(
        pod,
        container,
        now,
        state=waiting,
        lastState={"terminated": ended},
        ready=False,
        started=False,
    )


def restart_at(pod: Object, container: str) -> float | None:
    """Return when a container that has ended is to be started again.

    Returns:
        Wall clock seconds, perhaps past; None while it runs, and if it is not to run again.
    """
    status = _status_named(pod, container)
    ended = status["state"].get("terminated")
    if ended is not None:
        return seconds(ended["finishedAt"]) if _restarts(pod, ended["exitCode"]) else None
    told = _BACK_OFF.match((status["state"].get("waiting") or {}).get("message", ""))
    last = status["lastState"].get("terminated")
    if told is None or last is None:
        return None
    return seconds(last["finishedAt"]) + int(told[1] or 0) * 60 + int(told[2])


def next_restart_count(pod: Object, container: str) -> int:
    """Return how often a container will have been started again when it is started now."""
    status = _status_named(pod, container)
    count: int = status["restartCount"]
    return count + _ran(status)


def is_finished(pod: Object) -> bool:
    """Return whether all containers have ended for good."""
    return status_of(pod).get("phase") in {"Succeeded", "Failed"}


def _restarts(pod: Object, exit_code: int) -> bool:
    policy = spec_of(pod).get("restartPolicy", "Always")
    return policy == "Always" or (policy == "OnFailure" and exit_code != 0)


def _next_wait(status: Object, now: float) -> int:
    """Return the seconds to wait after a run that ends now."""
    last = status["lastState"].get("terminated")
    running = status["state"].get("running")
    if last is None or running is None or now - seconds(running["startedAt"]) >= RESET_S:
        return 0
    # Timestamps hold whole seconds, so a wait of 10 s may look like 9.
    waited = seconds(running["startedAt"]) - seconds(last["finishedAt"]) + 1
    step = max(i for i, wait in enumerate(_WAITS_S) if i == 0 or wait <= waited)
    return _WAITS_S[min(step + 1, len(_WAITS_S) - 1)]


def _duration(wait_s: int) -> str:
    """Return seconds as Go prints them.

    >>> _duration(80)
    '1m20s'
    """
    minutes, rest = divmod(wait_s, 60)
    return f"{minutes}m{rest}s" if minutes else f"{rest}s"


def _running(pod: Object, status: Object, now: float) -> Object:
    ended = status["state"].get("terminated")
    return {
        **status,
        "state": {"running": {"startedAt": timestamp(now)}},
        "lastState": {"terminated": ended} if ended is not None else status["lastState"],
        "containerID": f"netlab://{uid_of(pod)}/{status['name']}",
        "ready": True,
        "started": True,
        "restartCount": status["restartCount"] + _ran(status),
    }


def _ran(status: Object) -> bool:
    """Return whether a container that does not run has run before."""
    return "terminated" in status["state"] or "terminated" in status["lastState"]


def _status_named(pod: Object, container: str) -> Object:
    spec = next(one for one in items_of(spec_of(pod), "containers") if one["name"] == container)
    return _status_of(pod, spec)


def _status_of(pod: Object, container: Object) -> Object:
    """Return a container's status, or the one it has before anything happened to it."""
    statuses = items_of(status_of(pod), "containerStatuses")
    found = next((one for one in statuses if one["name"] == container["name"]), None)
    return found or {
        "name": container["name"],
        "image": container.get("image", ""),
        "imageID": "",
        "state": {"waiting": {"reason": "ContainerCreating"}},
        "lastState": {},
        "ready": False,
        "started": False,
        "restartCount": 0,
    }


def _with_container(pod: Object, container: str, now: float, **fields: object) -> Object:
    statuses = []
    for spec in items_of(spec_of(pod), "containers"):
        status = _status_of(pod, spec)
        statuses.append({**status, **fields} if spec["name"] == container else status)
    return _reported(pod, statuses, now)


def _reported(pod: Object, statuses: list[Object], now: float) -> Object:
    """Return the pod with these container statuses and all that follows from them."""
    phase = _phase(pod, statuses)
    unready = [one["name"] for one in statuses if not one["ready"]]
    reason, message = "", ""
    if phase == "Succeeded":
        reason = "PodCompleted"
    elif unready:
        reason = "ContainersNotReady"
        message = f"containers with unready status: [{' '.join(unready)}]"
    conditions = items_of(status_of(pod), "conditions")
    conditions = with_condition(conditions, "PodScheduled", "True", now)
    conditions = with_condition(conditions, "Initialized", "True", now)
    status = "False" if unready else "True"
    for type_ in ("ContainersReady", "Ready"):
        conditions = with_condition(conditions, type_, status, now, reason, message)
    return with_status(
        pod,
        phase=phase,
        conditions=conditions,
        containerStatuses=statuses,
        startTime=status_of(pod).get("startTime") or timestamp(now),
    )


def _phase(pod: Object, statuses: list[Object]) -> str:
    for_good = [one["state"].get("terminated") for one in statuses]
    exit_codes = [
        ended["exitCode"]
        for ended in for_good
        if ended is not None and not _restarts(pod, ended["exitCode"])
    ]
    if len(exit_codes) == len(statuses):
        return "Failed" if any(exit_codes) else "Succeeded"
    never_ran = all(
        "waiting" in one["state"] and "terminated" not in one["lastState"] for one in statuses
    )
    return "Pending" if never_ran else "Running"
