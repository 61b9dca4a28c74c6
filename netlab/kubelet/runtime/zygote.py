"""The zygote: the process that containers are forked from, as the container runtime speaks to it.

Theory of operation
-------------------
A container's first process is a copy of the zygote. What lies in memory is paid for once by all of
them, but a page that the copy *or its parent* writes to is from then on each container's own. So
the zygote is a program of its own that loads no more than containers run, keeps its objects from
the garbage collector (which would write to every page of them), and between two forks does hardly
more than a container does itself: it takes a message of a few bytes, forks, and answers with the
pid. What to start is in a file in memory that the new process reads.

It is executed in a mount namespace of its own in which every mount is read-only: see
``netlab.linux.read_only``. What runs in a container is a copy of it, so none of the ways that lead
from there to the files of the host is open for change. Its environment holds the lab's marker only.

Its parent, the container runtime, does the rest. When that is gone, so is this process.
"""

import contextlib
import os
import socket
import struct
import sys
from collections.abc import Sequence
from enum import IntEnum
from pathlib import Path
from typing import Final, NoReturn

import netlab
from netlab.linux import read_only
from netlab.linux.processes import OWNER

MESSAGE: Final = struct.Struct("ii")
"""The runtime's message: what to do, and the pid to reap or how many control groups there are."""
ANSWER: Final = struct.Struct("ii")
"""A pid or a wait status, and an error number."""
MOST_DESCRIPTORS: Final = 253
"""What the kernel takes in one message (SCM_MAX_FD)."""


class Order(IntEnum):
    """What the zygote is asked to do."""

    START = 0
    """Start a container. With it go the container in a file, a pipe for the reason why it could not
    start, the lists of processes of its control groups, its network namespace, its mounts, and if
    it has a terminal a socket for the other end."""
    EXEC = 1
    """Run a program in a container. With it go the process in a file, a pipe, the lists of the
    control groups, the namespaces, and three standard streams or a socket for the terminal's other
    end."""
    REAP = 2
    START_IN = 3
    """Start a container in the process namespace of another, which goes with it as the first of
    its namespaces; the rest is as with ``START``."""


class Zygote:
    """The zygote as its own parent speaks to it; it is started at once.

    Args:
        lab: Name.
        root: An empty directory to build the containers' root file system on.
        pods: The directory of all pods' files.
    """

    def __init__(self, lab: str, root: Path, pods: Path) -> None:
        for directory in (root, pods):
            directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._end, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        if os.fork() == 0:
            _execute(theirs, lab, root, pods)
        theirs.close()

    def fileno(self) -> int:
        """Return a descriptor that becomes readable when the zygote has ended."""
        return self._end.fileno()

    def fork(
        self, order: Order, what: bytes, cgroups: Sequence[int], descriptors: Sequence[int]
    ) -> tuple[int, int]:
        """Start a process.

        Args:
            order: ``START``, ``START_IN`` or ``EXEC``.
            what: The container or the process, encoded.
            cgroups: The lists of processes of its control groups.
            descriptors: What else goes with it.

        Returns:
            Its pid on the host, and a pipe. The pipe ends, empty, once the process serves or has
            executed its program; otherwise it holds the reason why it could not.

        Raises:
            OSError: The kernel refused to fork.
            EOFError: The zygote has ended.
        """
        reader, writer = os.pipe2(os.O_CLOEXEC)
        with contextlib.ExitStack() as sent:
            sent.callback(os.close, writer)
            try:
                file = _in_memory(what)
                sent.callback(os.close, file)
                message = MESSAGE.pack(order, len(cgroups))
                socket.send_fds(self._end, [message], [file, writer, *cgroups, *descriptors])
                pid, error = self._answer()
            except OSError:
                os.close(reader)
                raise
        if error:
            reason = os.read(reader, 4096).decode(errors="replace") or os.strerror(error)
            os.close(reader)
            raise OSError(error, reason)
        return pid, reader

    def reap(self, pid: int) -> int | None:
        """Return how a process that has ended did, as ``os.waitstatus_to_exitcode`` gives it.

        None when another zygote started it.
        """
        self._end.send(MESSAGE.pack(Order.REAP, pid))
        status, error = self._answer()
        return None if error else os.waitstatus_to_exitcode(status)

    def _answer(self) -> tuple[int, int]:
        answer = self._end.recv(ANSWER.size)
        if not answer:
            raise EOFError
        value, error = ANSWER.unpack(answer)
        return value, error


def _in_memory(data: bytes) -> int:
    descriptor = os.memfd_create("container")
    os.write(descriptor, data)
    os.lseek(descriptor, 0, os.SEEK_SET)
    return descriptor


def python_command(module: str) -> list[str]:
    """Return the command that runs ``main`` of a module of netlab's in a bare interpreter.

    The interpreter reads neither environment nor site files, and finds what its caller finds.
    """
    # An editable install is found by a hook that a bare interpreter has not.
    path = [str(Path(netlab.__file__).parent.parent), *sys.path]
    code = f"import sys; sys.path[:] = {path!r}; import {module} as m; m.main(sys.argv[1:])"
    return [sys.executable, "-I", "-S", "-X", "utf8", "-c", code]


def _execute(end: socket.socket, lab: str, root: Path, pods: Path) -> NoReturn:
    try:
        read_only.enter_read_only()
        os.set_inheritable(end.fileno(), True)  # noqa: FBT003 (the library's)
        command = python_command("netlab.kubelet.runtime.zygote_main")
        arguments = [str(end.fileno()), lab, str(root), str(pods)]
        os.execve(command[0], [*command, *arguments], {OWNER: lab})  # noqa: S606
    except OSError as error:
        print(f"zygote: {error}", flush=True)  # noqa: T201 (its log)
    os._exit(70)
