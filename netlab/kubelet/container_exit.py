"""How a container has ended, from what the container runtime tells of its process."""

from netlab.kube.kinds.pod.status import Exit
from netlab.kube.objects import Object
from netlab.kubelet.runtime.requests import Exited
from netlab.kubelet.termination_message import termination_message

_KILLED = 137


def exit_of(lab: str, pod: Object, container: str, message: Exited) -> Exit:
    """Return the end of a container as its pod's status has it; an unknown one counts as a kill."""
    status = message.status
    number = -status if status is not None and status < 0 else None
    code = 128 + number if number else (_KILLED if status is None else status or 0)
    reason = "OOMKilled" if message.out_of_memory else ""
    said = termination_message(lab, pod, container, code)
    return Exit(code=code, signal=number, reason=reason, message=said)
