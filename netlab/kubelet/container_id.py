"""A container's id in its pod's status: the pid and start time of its first process."""

from netlab.model.processes import ProcessId

_SCHEME = "netlab://"


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
