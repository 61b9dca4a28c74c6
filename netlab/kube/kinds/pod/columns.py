"""The columns of pods, and the one word that says best how a pod is.

Source: Kubernetes, ``pkg/printers/internalversion/printers.go`` (printPod).
"""

from typing import Final

from netlab.kube.conditions import is_true
from netlab.kube.kinds.columns import AGE, NAME, NONE, Column, age, column, in_spec, in_status
from netlab.kube.objects import Object, is_terminating, items_of, spec_of, status_of


def _ready(pod: Object) -> str:
    statuses = items_of(status_of(pod), "containerStatuses")
    sidecars = {one["name"] for one in _sidecars(pod)}
    init = items_of(status_of(pod), "initContainerStatuses")
    ready = sum(bool(one.get("ready")) for one in statuses)
    ready += sum(bool(one.get("ready")) for one in init if one["name"] in sidecars)
    return f"{ready}/{len(items_of(spec_of(pod), 'containers')) + len(sidecars)}"


def _sidecars(pod: Object) -> list[Object]:
    init = items_of(spec_of(pod), "initContainers")
    return [one for one in init if one.get("restartPolicy") == "Always"]


def _status(pod: Object) -> str:
    """Return the word that says best how a pod is: its first container's trouble, or its phase."""
    status = status_of(pod)
    word = str(status.get("reason") or status.get("phase") or "Unknown")
    starting = _starting(pod)
    if starting:
        word = starting
    else:
        for one in reversed(items_of(status, "containerStatuses")):
            word = _trouble(one) or word
        if word == "Completed" and status.get("phase") == "Running":
            word = "Running" if is_true(pod, "Ready") else "NotReady"
    if is_terminating(pod) and status.get("phase") not in {"Failed", "Succeeded"}:
        return "Terminating"
    return word


def _starting(pod: Object) -> str:
    """Return how far the init containers have come; empty when none keeps the pod waiting."""
    sidecars = {one["name"] for one in _sidecars(pod)}
    init = items_of(spec_of(pod), "initContainers")
    statuses = {one["name"]: one for one in items_of(status_of(pod), "initContainerStatuses")}
    for number, spec in enumerate(init):
        status = statuses.get(spec["name"])
        if status is None:
            continue
        state = status.get("state") or {}
        ended = state.get("terminated")
        if (ended and ended.get("exitCode") == 0) or (
            spec["name"] in sidecars and status.get("started")
        ):
            continue
        trouble = _trouble(status)
        if trouble and trouble != "PodInitializing":
            return f"Init:{trouble}"
        return f"Init:{number}/{len(init)}"
    return ""


def _trouble(status: Object) -> str:
    state = status.get("state") or {}
    for kind in ("waiting", "terminated"):
        found = state.get(kind) or {}
        if found.get("reason"):
            return str(found["reason"])
        if kind == "terminated" and found.get("signal"):
            return f"Signal:{found['signal']}"
        if kind == "terminated" and found:
            return f"ExitCode:{found.get('exitCode', 0)}"
    return ""


def _restarts(pod: Object, now: float) -> str:
    status = status_of(pod)
    names = {one["name"] for one in _sidecars(pod)}
    counted = [
        *items_of(status, "containerStatuses"),
        *(one for one in items_of(status, "initContainerStatuses") if one["name"] in names),
    ]
    count = sum(one.get("restartCount", 0) for one in counted)
    ends = [
        (one.get("lastState") or {}).get("terminated", {}).get("finishedAt") or ""
        for one in counted
    ]
    last = max(ends, default="")
    return f"{count} ({age(last, now)} ago)" if count and last else str(count)


def _ip(pod: Object) -> str:
    status = status_of(pod)
    found = items_of(status, "podIPs")
    return str(found[0]["ip"] if found else status.get("podIP") or NONE)


def _gates(pod: Object) -> str:
    gates = items_of(spec_of(pod), "readinessGates")
    met = sum(is_true(pod, gate["conditionType"]) for gate in gates)
    return f"{met}/{len(gates)}" if gates else NONE


COLUMNS: Final = (
    NAME,
    column("Ready", _ready),
    column("Status", _status),
    Column(name="Restarts", cell=_restarts),
    AGE,
    column("IP", _ip, is_wide=True),
    column("Node", in_spec("nodeName"), is_wide=True),
    column("Nominated Node", in_status("nominatedNodeName", NONE), is_wide=True),
    column("Readiness Gates", _gates, is_wide=True),
)
