"""The status of a pod as its node reports it, each report a new state of the object.

Theory of operation
-------------------
A container is *waiting*, *running* or *terminated*; phase and conditions follow from its
containers' states. Init containers come first, one after the other; one that is always restarted (a
sidecar) goes on beside the others. The wait before a restart grows: the first restart comes at
once, the next after 10 s, doubled each time up to 300 s; a container that ran for ten minutes
starts over. What the wait before the present run was is the time between the end of the last run
and the start of this one.

Source: kubelet, ``pkg/kubelet/kubelet_pods.go`` (getPhase), ``pkg/kubelet/status/generate.go``;
Kubernetes documentation, "Pod Lifecycle".
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Final

from netlab.kube.conditions import is_true, with_condition
from netlab.kube.kinds.pod.containers import container_spec, container_status
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

DEADLINE_EXCEEDED: Final = "DeadlineExceeded"
"""The reason in the status of a pod whose ``activeDeadlineSeconds`` are over."""
RESET_S: Final = 600.0
"""A run of this length makes the next restart immediate again."""

_WAITS_S: Final = (0, 10, 20, 40, 80, 160, 300)
_FIELDS: Final = {
    "initContainers": "initContainerStatuses",
    "containers": "containerStatuses",
    "ephemeralContainers": "ephemeralContainerStatuses",
}
"""Fields of the spec, and of the status that belongs to each."""


def containers_started(
    pod: Object, now: float, containers: Collection[str] | None = None
) -> Object:
    """Return the pod with these containers running; those without probes are ready.

    A container that is already running stays as it is. One that ran before counts a restart.

    Args:
        pod: Bound to a node.
        now: Wall clock seconds.
        containers: Names; None means all but init and ephemeral ones.
    """
    if containers is None:
        containers = [one["name"] for one in items_of(spec_of(pod), "containers")]
    changes = {}
    for name in containers:
        status = _status_of(pod, container_spec(pod, name))
        if "running" not in status["state"]:
            changes[name] = _running(pod, status, now)
    return _with_statuses(pod, changes, now)


def container_probed(
    pod: Object, container: str, now: float, *, ready: bool, started: bool
) -> Object:
    """Return the pod after probes of a container have told how it is."""
    status = _status_of(pod, container_spec(pod, container))
    is_running = "running" in status["state"]
    new = {**status, "ready": ready and is_running, "started": started and is_running}
    return pod if new == status else _with_statuses(pod, {container: new}, now)


def conditions_heeded(pod: Object, now: float) -> Object:
    """Return the pod after somebody else has set a condition of a readiness gate."""
    if not status_of(pod).get("containerStatuses"):
        return pod
    changed = _with_statuses(pod, {}, now)
    return pod if status_of(changed) == status_of(pod) else changed


def container_not_started(
    pod: Object, container: str, reason: str, message: str, now: float
) -> Object:
    """Return the pod with a container waiting, for a reason such as ``ErrImagePull``."""
    status = _status_of(pod, container_spec(pod, container))
    waiting = {"reason": reason, **({"message": message} if message else {})}
    ended = status["state"].get("terminated")
    new = {
        **status,
        "state": {"waiting": waiting},
        "lastState": {"terminated": ended} if ended is not None else status["lastState"],
        "ready": False,
        "started": False,
    }
    return _with_statuses(pod, {container: new}, now)


@dataclass(frozen=True, slots=True, kw_only=True)
class Exit:
    """How a container has ended."""

    code: int
    """As a shell shows it: 128 and the signal's number for a killed process."""
    signal: int | None = None
    """The signal that killed it."""
    reason: str = ""
    """Why, where the exit code does not say it: ``OOMKilled``, ``StartError``."""
    message: str = ""
    """Its last words."""


def container_exited(
    pod: Object, container: str, end: Exit, now: float, *, wait_s: int = 0
) -> Object:
    """Return the pod after a container's process has ended.

    If it is to run again it is either ``terminated``, to be started again at once, or ``waiting``
    in ``CrashLoopBackOff``. Else the pod has ``Succeeded`` or ``Failed`` when its last container
    has ended.

    Args:
        pod: The pod.
        container: Name.
        end: How its process did.
        now: Wall clock seconds.
        wait_s: How long it waits until it runs again: see ``next_wait``.
    """
    spec = container_spec(pod, container)
    before = _status_of(pod, spec)
    started_at = (before["state"].get("running") or {}).get("startedAt") or timestamp(now)
    ended: Object = {
        "exitCode": end.code,
        "reason": end.reason or ("Error" if end.code else "Completed"),
        "startedAt": started_at,
        "finishedAt": timestamp(now),
        "containerID": before.get("containerID", ""),
    }
    if end.signal is not None:
        ended["signal"] = end.signal
    if end.message:
        ended["message"] = end.message
    # An init container that is done is what the pod waits for.
    done = _is_plain_init(pod, spec) and end.code == 0
    new = {**before, "ready": done, "started": False}
    if not wait_s or not restarts(pod, container, end.code):
        return _with_statuses(pod, {container: {**new, "state": {"terminated": ended}}}, now)
    message = (
        f"back-off {_duration(wait_s)} restarting failed container={container} "
        f"pod={name_of(pod)}_{namespace_of(pod)}({uid_of(pod)})"
    )
    waiting = {"waiting": {"reason": "CrashLoopBackOff", "message": message}}
    new |= {"state": waiting, "lastState": {"terminated": ended}}
    return _with_statuses(pod, {container: new}, now)


def restarts(pod: Object, container: str, exit_code: int) -> bool:
    """Return whether a container that ended so is to run again."""
    spec = container_spec(pod, container)
    policy = spec_of(pod).get("restartPolicy", "Always")
    if any(one["name"] == container for one in items_of(spec_of(pod), "ephemeralContainers")):
        return False
    if is_sidecar(pod, container):
        return True
    if _is_plain_init(pod, spec):
        return exit_code != 0 and policy != "Never"
    return policy == "Always" or (policy == "OnFailure" and exit_code != 0)


def next_wait(pod: Object, container: str, now: float) -> int:
    """Return the seconds to wait after a run that ends now, until the container runs again."""
    status = _status_of(pod, container_spec(pod, container))
    last = status["lastState"].get("terminated")
    running = status["state"].get("running")
    if last is None or running is None or now - seconds(running["startedAt"]) >= RESET_S:
        return 0
    # Timestamps hold whole seconds, so a wait of 10 s may look like 9.
    waited = seconds(running["startedAt"]) - seconds(last["finishedAt"]) + 1
    step = max(i for i, wait in enumerate(_WAITS_S) if i == 0 or wait <= waited)
    return _WAITS_S[min(step + 1, len(_WAITS_S) - 1)]


def next_restart_count(pod: Object, container: str) -> int:
    """Return how often a container will have been started again when it is started now."""
    status = _status_of(pod, container_spec(pod, container))
    count: int = status["restartCount"]
    return count + _ran(status)


def is_finished(pod: Object) -> bool:
    """Return whether all containers have ended for good."""
    return status_of(pod).get("phase") in {"Succeeded", "Failed"}


def is_over_deadline(pod: Object) -> bool:
    """Return whether a pod was active for longer than it may: it has failed, whatever follows."""
    return status_of(pod).get("reason") == DEADLINE_EXCEEDED


def is_sidecar(pod: Object, container: str) -> bool:
    """Return whether an init container is one that goes on beside the others."""
    init = items_of(spec_of(pod), "initContainers")
    return any(one["name"] == container and one.get("restartPolicy") == "Always" for one in init)


def _is_plain_init(pod: Object, spec: Object) -> bool:
    init = items_of(spec_of(pod), "initContainers")
    is_init = any(one["name"] == spec["name"] for one in init)
    return is_init and not is_sidecar(pod, spec["name"])


def _duration(wait_s: int) -> str:
    """Return seconds as Go prints them.

    >>> _duration(80)
    '1m20s'
    """
    minutes, rest = divmod(wait_s, 60)
    return f"{minutes}m{rest}s" if minutes else f"{rest}s"


def _running(pod: Object, status: Object, now: float) -> Object:
    ended = status["state"].get("terminated")
    spec = container_spec(pod, status["name"])
    started = not spec.get("startupProbe")
    return {
        **status,
        "state": {"running": {"startedAt": timestamp(now)}},
        "lastState": {"terminated": ended} if ended is not None else status["lastState"],
        "containerID": f"netlab://{uid_of(pod)}/{status['name']}",
        "ready": started and not spec.get("readinessProbe") and not _is_plain_init(pod, spec),
        "started": started,
        "restartCount": status["restartCount"] + _ran(status),
    }


def _ran(status: Object) -> bool:
    """Return whether a container that does not run has run before."""
    return "terminated" in status["state"] or "terminated" in status["lastState"]


def _status_of(pod: Object, container: Object) -> Object:
    """Return a container's status, or the one it has before anything happened to it."""
    has_init = bool(items_of(spec_of(pod), "initContainers"))
    return container_status(pod, container["name"]) or {
        "name": container["name"],
        "image": container.get("image", ""),
        "imageID": "",
        "state": {"waiting": {"reason": "PodInitializing" if has_init else "ContainerCreating"}},
        "lastState": {},
        "ready": False,
        "started": False,
        "restartCount": 0,
    }


def _with_statuses(pod: Object, changes: Mapping[str, Object], now: float) -> Object:
    """Return the pod with these container statuses, by name, and all that follows from them."""
    statuses = {
        field: [changes.get(one["name"]) or _status_of(pod, one) for one in items_of(spec, sort)]
        for spec in [spec_of(pod)]
        for sort, field in _FIELDS.items()
        if spec.get(sort)
    }
    new = {**status_of(pod), **statuses}
    phase = "Failed" if is_over_deadline(pod) else _phase(pod, new)
    conditions = _conditions(pod, new, phase, now)
    start = status_of(pod).get("startTime") or timestamp(now)
    return with_status(pod, **statuses, phase=phase, conditions=conditions, startTime=start)


def _incomplete(pod: Object, status: Object) -> list[str]:
    """Return the init containers that others wait for."""
    statuses = {one["name"]: one for one in items_of(status, "initContainerStatuses")}
    found = []
    for spec in items_of(spec_of(pod), "initContainers"):
        one = statuses.get(spec["name"]) or {}
        state = one.get("state") or {}
        ended = state.get("terminated") or (one.get("lastState") or {}).get("terminated")
        if is_sidecar(pod, spec["name"]):
            is_done = bool(one.get("started"))
        else:
            is_done = "terminated" in state and (ended or {}).get("exitCode") == 0
        if not is_done:
            found.append(spec["name"])
    return found


def _conditions(pod: Object, status: Object, phase: str, now: float) -> list[Object]:
    both = [*items_of(status, "containerStatuses")]
    both += [
        one
        for one in items_of(status, "initContainerStatuses")
        if is_sidecar(pod, one["name"]) and phase != "Succeeded"
    ]
    unready = [one["name"] for one in both if not one["ready"]]
    incomplete = [] if phase == "Succeeded" else _incomplete(pod, status)
    conditions = items_of(status_of(pod), "conditions")
    conditions = with_condition(conditions, "PodScheduled", "True", now)
    conditions = with_condition(
        conditions,
        "Initialized",
        "False" if incomplete else "True",
        now,
        "ContainersNotInitialized" if incomplete else "",
        f"containers with incomplete status: [{' '.join(incomplete)}]" if incomplete else "",
    )
    reason, message = "", ""
    if phase == "Succeeded":
        reason = "PodCompleted"
    elif unready:
        reason = "ContainersNotReady"
        message = f"containers with unready status: [{' '.join(unready)}]"
    ready = "False" if unready else "True"
    conditions = with_condition(conditions, "ContainersReady", ready, now, reason, message)
    unmet = _unmet_gates(pod)
    if unmet and not unready:
        ready, reason, message = "False", "ReadinessGatesNotReady", unmet
    return with_condition(conditions, "Ready", ready, now, reason, message)


def _unmet_gates(pod: Object) -> str:
    gates = [one["conditionType"] for one in items_of(spec_of(pod), "readinessGates")]
    known = {one.get("type") for one in items_of(status_of(pod), "conditions")}
    return ", ".join(
        f'corresponding condition of pod readiness gate "{gate}" does not exist.'
        if gate not in known
        else f'the status of pod readiness gate "{gate}" is not "True", but False'
        for gate in gates
        if not is_true(pod, gate)
    )


def _phase(pod: Object, status: Object) -> str:
    statuses = items_of(status, "containerStatuses")
    if _has_failed_init(pod, status):
        return "Failed"
    exit_codes = [
        ended["exitCode"]
        for one in statuses
        for ended in [one["state"].get("terminated")]
        if ended is not None and not restarts(pod, one["name"], ended["exitCode"])
    ]
    if len(exit_codes) == len(items_of(spec_of(pod), "containers")):
        return "Failed" if any(exit_codes) else "Succeeded"
    never_ran = all(
        "waiting" in one["state"] and "terminated" not in one["lastState"] for one in statuses
    )
    return "Pending" if never_ran else "Running"


def _has_failed_init(pod: Object, status: Object) -> bool:
    for one in items_of(status, "initContainerStatuses"):
        ended = one["state"].get("terminated")
        if ended and ended["exitCode"] and not restarts(pod, one["name"], ended["exitCode"]):
            return True
    return False
