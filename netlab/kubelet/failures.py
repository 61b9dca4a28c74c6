"""Why a container could not be started, in the kubelet's words.

Source: Kubernetes, ``pkg/kubelet/images/types.go``, ``pkg/kubelet/kuberuntime``.
"""

import traceback

from netlab.errors import NetlabError
from netlab.kube.objects import Object
from netlab.kubelet.images import ImageError, find_image, missing_program
from netlab.kubelet.sources import CreateContainerConfigError
from netlab.kubelet.volumes import VolumeError


def failure_of(container: Object, error: BaseException) -> tuple[str, str]:
    """Return the reason and the message of a container that waits because it could not be started.

    Args:
        container: As the pod has it.
        error: What starting it met.
    """
    if isinstance(error, ImageError):
        return "ErrImagePull", str(error)
    if isinstance(error, VolumeError):
        return "ContainerCreating", str(error)
    if isinstance(error, CreateContainerConfigError):
        return "CreateContainerConfigError", str(error)
    if not isinstance(error, NetlabError):
        traceback.print_exception(error)
        return "RunContainerError", f"{type(error).__name__}: {error}"
    name = container.get("image", "")
    image = find_image(name, {})
    if image is not None and image.package and not container.get("command"):
        # The image is what is missing where the machine lacks its program.
        return "ErrImagePull", str(missing_program(name, image, str(error)))
    return "RunContainerError", f"{error}; {error.hint}" if error.hint else str(error)
