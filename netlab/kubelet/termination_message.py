"""What a container said when it ended: the file that it may write, or the end of its log.

Source: Kubernetes, ``pkg/kubelet/kuberuntime`` (getTerminationMessage), and the documentation,
"Determine the Reason for Pod Failure".
"""

import os
from pathlib import Path
from typing import Final

from netlab.apiserver.streams.logs import LogOptions, LogReader
from netlab.kube.kinds.pod.containers import container_spec, container_status
from netlab.kube.objects import Object, uid_of
from netlab.kubelet.container_spec import container_directory
from netlab.kubelet.runtime.logs import log_file
from netlab.model import rundir

_MESSAGE_BYTES: Final = 4096
_LOG_BYTES: Final = 2048
_LOG_LINES: Final = 80
_READ_BYTES: Final = 4 * _LOG_BYTES
"""Of the log; each line has some 40 bytes of its own in the file."""


def termination_message(lab: str, pod: Object, container: str, exit_code: int) -> str:
    """Return the message of a container that has ended; empty where it left none.

    Args:
        lab: Name.
        pod: With the status of the run that has ended.
        container: Name.
        exit_code: As the pod's status has it.
    """
    path = rundir.termination_logs_directory(lab) / uid_of(pod) / container
    message = _end_of(path, _MESSAGE_BYTES)
    policy = container_spec(pod, container).get("terminationMessagePolicy")
    if not message and exit_code and policy == "FallbackToLogsOnError":
        directory = Path(container_directory(lab, pod, container))
        restart_count = container_status(pod, container).get("restartCount", 0)
        message = _end_of_log(log_file(directory, restart_count))
    return message.decode(errors="replace")


def _end_of_log(path: Path) -> bytes:
    text = _end_of(path, _READ_BYTES)
    if len(text) == _READ_BYTES:
        # The first line may be a part of one.
        text = text.partition(b"\n")[2]
    lines = LogReader(LogOptions()).feed(text).splitlines(keepends=True)
    return b"".join(lines[-_LOG_LINES:])[-_LOG_BYTES:]


def _end_of(path: Path, size: int) -> bytes:
    """Return the last bytes of a file; none where there is no file."""
    try:
        with path.open("rb") as file:
            file.seek(max(0, file.seek(0, os.SEEK_END) - size))
            return file.read(size)
    except FileNotFoundError:
        return b""
