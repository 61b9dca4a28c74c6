"""How a container has ended, from what the container runtime tells of its process."""

from netlab.kube.kinds.pod.status import Exit
from netlab.kubelet.runtime.requests import Exited

_KILLED = 137


def exit_of(message: Exited) -> Exit:
    """Return the end of a container as its pod's status has it; an unknown one counts as a kill."""
    status = message.status
    number = -status if status is not None and status < 0 else None
    code = 128 + number if number else (_KILLED if status is None else status or 0)
    reason = "OOMKilled" if message.out_of_memory else ""
    return Exit(code=code, signal=number, reason=reason)
