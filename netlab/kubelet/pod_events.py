"""What the kubelet tells of pods in Events, in its words.

Source: Kubernetes, ``pkg/kubelet/events/event.go``, ``pkg/kubelet/kuberuntime``,
``pkg/kubelet/images/image_manager.go``, ``pkg/kubelet/prober``.
"""

from typing import Literal

from netlab.kube.events import Record
from netlab.kube.kinds.pod.containers import container_spec
from netlab.kube.objects import Object, items_of, name_of, namespace_of, spec_of, uid_of
from netlab.kubelet.failures import (
    ERR_IMAGE_PULL,
    FAILED_MOUNT,
    IMAGE_PULL_BACK_OFF,
    StartFailure,
)
from netlab.kubelet.probes import ProbeKind


def started(pod: Object, container: str, *, is_stand_in: bool) -> list[Record]:
    """Return what is told of a container that has been started."""
    image = container_spec(pod, container).get("image", "")
    pulled = f'Container image "{image}" already present on machine'
    if is_stand_in:
        pulled = f'netlab has no program for image "{image}": an echo server stands in for it'
    return [
        _record(pod, container, "Pulled", pulled),
        _record(pod, container, "Created", f"Created container: {container}"),
        _record(pod, container, "Started", f"Started container {container}"),
    ]


def failed(pod: Object, container: str, failure: StartFailure) -> list[Record]:
    """Return what is told of a container that could not be started."""
    image = container_spec(pod, container).get("image", "")

    def warning(reason: str, message: str) -> Record:
        return _record(pod, container, reason, message, "Warning")

    match failure.reason:
        case "StartError":
            return [
                *started(pod, container, is_stand_in=False)[:2],
                warning("Failed", f"Error: {failure.message}"),
            ]
        case "ErrImagePull":
            return [
                _record(pod, container, "Pulling", f'Pulling image "{image}"'),
                warning("Failed", f'Failed to pull image "{image}": {failure.message}'),
                warning("Failed", f"Error: {ERR_IMAGE_PULL}"),
            ]
        case "ImagePullBackOff":
            return [
                _record(pod, container, "BackOff", f'Back-off pulling image "{image}"'),
                warning("Failed", f"Error: {IMAGE_PULL_BACK_OFF}"),
            ]
        case _ if failure.is_volume:
            return [_record(pod, "", FAILED_MOUNT, failure.message, "Warning")]
        case _:
            return [warning("Failed", f"Error: {failure.message}")]


def back_off(pod: Object, container: str) -> Record:
    """Return what is told of a container that waits until it is started again."""
    where = f"{name_of(pod)}_{namespace_of(pod)}({uid_of(pod)})"
    message = f"Back-off restarting failed container {container} in pod {where}"
    return _record(pod, container, "BackOff", message, "Warning")


def stopping(pod: Object, container: str) -> Record:
    """Return what is told of a container that ends with its pod."""
    return _record(pod, container, "Killing", f"Stopping container {container}")


def probe_kills(pod: Object, container: str, kind: ProbeKind) -> Record:
    """Return what is told of a container that ends because of a probe."""
    message = f"Container {container} failed {kind} probe, will be restarted"
    return _record(pod, container, "Killing", message)


def unhealthy(pod: Object, container: str, kind: ProbeKind, why: str) -> Record:
    """Return what is told of a probe that failed."""
    message = f"{kind.capitalize()} probe failed: {why}"
    return _record(pod, container, "Unhealthy", message, "Warning")


def hook_failed(pod: Object, container: str, hook: str, why: str) -> Record:
    """Return what is told of a hook that failed."""
    return _record(pod, container, f"Failed{hook}Hook", f"{hook}Hook failed: {why}", "Warning")


def _record(
    pod: Object,
    container: str,
    reason: str,
    message: str,
    type_: Literal["Normal", "Warning"] = "Normal",
) -> Record:
    return Record(
        object=pod,
        reason=reason,
        message=message,
        component="kubelet",
        host=str(spec_of(pod).get("nodeName") or ""),
        type=type_,
        field_path=_path(pod, container),
    )


def _path(pod: Object, container: str) -> str:
    for sort in ("containers", "initContainers", "ephemeralContainers"):
        if any(one["name"] == container for one in items_of(spec_of(pod), sort)):
            return f"spec.{sort}{{{container}}}"
    return ""
