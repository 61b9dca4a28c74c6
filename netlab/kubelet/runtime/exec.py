"""A program that is run in a container which runs already, as ``kubectl exec`` does it.

It has the container's namespaces and control group, and no more rights than the container's own
processes. What it is between the fork and its program nobody in the container can look into: see
``container_init``.
"""

import contextlib
import errno
import os
from collections.abc import Sequence
from typing import Final

from netlab.kubelet.runtime.container import decoded_process
from netlab.kubelet.runtime.init import (
    Sent,
    Template,
    become,
    begin,
    execute,
    open_terminal,
    reason_of,
    run_built_in,
)
from netlab.linux import processes
from netlab.linux.namespaces import setns
from netlab.linux.syscalls import (
    CLONE_NEWCGROUP,
    CLONE_NEWIPC,
    CLONE_NEWNET,
    CLONE_NEWNS,
    CLONE_NEWPID,
    CLONE_NEWUTS,
)
from netlab.model.processes import ProcessId

NAMESPACES: Final = {
    "cgroup": CLONE_NEWCGROUP,
    "ipc": CLONE_NEWIPC,
    "net": CLONE_NEWNET,
    "uts": CLONE_NEWUTS,
    "mnt": CLONE_NEWNS,
    "pid": CLONE_NEWPID,
}
"""By their name in /proc/PID/ns; in the order in which they are entered, the last by a fork."""

_PROCESS_BYTES: Final = 1 << 24


def fork(template: Template, sent: Sent) -> int:
    """Fork a program off the calling process, and return its pid on the host.

    Raises:
        OSError: The kernel refused.
    """
    setns(sent.others[len(NAMESPACES) - 1], CLONE_NEWPID)
    try:
        pid = os.fork()
        if pid == 0:
            _run(template, sent)
    finally:
        setns(template.own_pid_namespace, CLONE_NEWPID)
    return pid


def _run(template: Template, sent: Sent) -> None:
    """Become the program; never returns."""
    program = "exec"
    try:
        process = decoded_process(os.read(sent.file, _PROCESS_BYTES))
        program = process.argv[0]
        os.setsid()
        begin(sent)
        enter(sent.others)
        streams = sent.others[len(NAMESPACES) :]
        if len(streams) == 1:
            open_terminal(process.uid, streams[0])
        else:
            for number, stream in enumerate(streams):
                os.dup2(stream, number)
        if process.built_in:
            run_built_in(template, process, os.uname().nodename, sent.writer)
        else:
            become(process, template.confinement)
            execute(process)
    except SystemExit as ending:
        os._exit(ending.code if isinstance(ending.code, int) else 0)
    except OSError as error:
        os.write(sent.writer, reason_of(error, program))
    os._exit(128)


def open_namespaces(container: ProcessId, opened: contextlib.ExitStack) -> list[int]:
    """Return descriptors of a container's namespaces, in the order of ``NAMESPACES``.

    Args:
        container: Its first process.
        opened: Closes them.

    Raises:
        OSError: It has ended.
    """
    found = []
    for kind in NAMESPACES:
        found.append(os.open(f"/proc/{container.pid}/ns/{kind}", os.O_RDONLY | os.O_CLOEXEC))
        opened.callback(os.close, found[-1])
    if not processes.is_alive(container):
        raise ProcessLookupError(errno.ESRCH, "the container has ended")
    return found


def enter(namespaces: Sequence[int]) -> None:
    """Move the calling process into a container's namespaces, but for that of pids.

    Raises:
        OSError: The kernel refused.
    """
    for descriptor, (kind, flag) in zip(namespaces, NAMESPACES.items(), strict=False):
        if kind != "pid":
            setns(descriptor, flag)
