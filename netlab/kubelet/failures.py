"""Why a container could not be started, in the kubelet's words, and when it is tried again.

Source: Kubernetes, ``pkg/kubelet/images/types.go``, ``pkg/kubelet/kuberuntime``.
"""

import traceback
from dataclasses import dataclass, replace
from typing import ClassVar, Final

from netlab.errors import NetlabError
from netlab.kube.objects import Object
from netlab.kubelet.images import ImageError, find_image, missing_program, runs_own_program
from netlab.kubelet.runtime.container import EXEC
from netlab.kubelet.sources import CreateContainerConfigError
from netlab.kubelet.volumes import VolumeError

ERR_IMAGE_PULL: Final = "ErrImagePull"
IMAGE_PULL_BACK_OFF: Final = "ImagePullBackOff"
FAILED_MOUNT: Final = "FailedMount"
START_ERROR: Final = "StartError"
"""The container was made, and its program could not be executed: it has ended."""
START_ERROR_CODE: Final = 128
"""The exit code that containerd gives such a container."""
_NOT_STARTED: Final = (
    "failed to create containerd task: failed to create shim task: OCI runtime create failed: "
    "runc create failed: unable to start container process: {}: unknown"
)
_FIRST_S: Final = 10.0
"""The user may have installed what was missing."""
_LONGEST_S: Final = 300.0
_FIRST_VOLUME_S: Final = 0.5
_LONGEST_VOLUME_S: Final = 120.0


@dataclass(frozen=True, slots=True, kw_only=True)
class StartFailure:
    """Why a container waits that could not be started."""

    SHOWN_S: ClassVar[float] = 1.0
    """How long the first word for an image is shown, before that it is waited for."""

    reason: str
    message: str
    is_volume: bool = False
    wait_s: float = 0.0
    since: float = 0.0
    """When it failed, in wall clock seconds."""

    @property
    def retry_at(self) -> float:
        """When it is tried again, in wall clock seconds."""
        return self.since + self.wait_s

    def after(self, last: "StartFailure | None", now: float) -> "StartFailure":
        """Return this failure after the one before, whose wait it doubles."""
        if self.wait_s:
            return self
        first, longest = (_FIRST_S, _LONGEST_S)
        if self.is_volume:
            first, longest = _FIRST_VOLUME_S, _LONGEST_VOLUME_S
        wait_s = min(last.wait_s * 2, longest) if last is not None else first
        return replace(self, wait_s=wait_s, since=now)

    def backing_off(self) -> "StartFailure":
        """Return the failure of an image as it is shown while it is waited for."""
        image = self.message
        return replace(self, reason=IMAGE_PULL_BACK_OFF, message=f"Back-off pulling image: {image}")


def start_failure(container: Object, error: BaseException) -> StartFailure:
    """Return why a container could not be started.

    Args:
        container: As the pod has it.
        error: What starting it met.
    """
    if isinstance(error, ImageError):
        return StartFailure(reason=ERR_IMAGE_PULL, message=str(error))
    if isinstance(error, VolumeError):
        return StartFailure(reason="ContainerCreating", message=str(error), is_volume=True)
    if isinstance(error, CreateContainerConfigError):
        return StartFailure(reason="CreateContainerConfigError", message=str(error))
    if isinstance(error, NetlabError):
        return _not_run(container, error)
    traceback.print_exception(error)
    return StartFailure(reason="RunContainerError", message=f"{type(error).__name__}: {error}")


def _not_run(container: Object, error: NetlabError) -> StartFailure:
    name = container.get("image", "")
    image = find_image(name, {})
    if image is not None and image.package and runs_own_program(image, container):
        # The image is what is missing where the machine lacks its program.
        message = str(missing_program(name, image, str(error)))
        return StartFailure(reason=ERR_IMAGE_PULL, message=message)
    if str(error).startswith(EXEC):
        return StartFailure(reason=START_ERROR, message=_NOT_STARTED.format(error))
    message = f"{error}; {error.hint}" if error.hint else str(error)
    return StartFailure(reason="RunContainerError", message=message)
