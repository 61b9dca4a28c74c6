"""The warm parent: the process that containers are forked from.

Theory of operation
-------------------
A container's first process is a copy of this one. What lies in memory is paid for once by all of
them, but a page that the copy *or its parent* writes to is from then on each container's own. So
the warm parent is forked before anything large is imported, keeps its objects from the garbage
collector (which would write to every page of them), and between two forks does hardly more than a
container does itself: it takes a message of a few bytes, forks, and answers with the pid. What to
start is in a file in memory that the new process reads.

Its parent, the container runtime, does the rest. When that is gone, so is this process.
"""

import contextlib
import errno
import gc
import os
import signal
import socket
import struct
from collections.abc import Sequence
from pathlib import Path
from typing import Final, NoReturn

from netlab.kubelet.runtime import container
from netlab.kubelet.runtime.container import Container, Template
from netlab.linux import processes
from netlab.linux.netns import NETNS

_PID: Final = struct.Struct("i")
"""The runtime's message: 0 to start a container, else whom to reap."""
_ANSWER: Final = struct.Struct("ii")
"""A pid or a wait status, and an error number."""
_DESCRIPTORS: Final = struct.Struct("iii")
"""What goes with a start: the container in a file, its network namespace, a pipe."""
_ROOM: Final = socket.CMSG_SPACE(_DESCRIPTORS.size)


class WarmParent:
    """The warm parent as its own parent, the container runtime, speaks to it.

    Args:
        lab: Name.
        root: A directory to build the containers' root file system on; made if it is missing.
        not_his: Sockets of the caller's that the warm parent must not hold open.

    It is forked at once, and builds the root when the first container is to start.
    """

    def __init__(self, lab: str, root: Path, not_his: Sequence[socket.socket]) -> None:
        self._end, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        if os.fork() == 0:
            for unwanted in (self._end, *not_his):
                unwanted.close()
            _main(theirs, lab, root)
        theirs.close()

    def fileno(self) -> int:
        """Return a descriptor that becomes readable when the warm parent has ended."""
        return self._end.fileno()

    def start(self, container: Container) -> tuple[int, int]:
        """Start a container's first process.

        Returns:
            Its pid on the host, and a pipe. The pipe ends, empty, once the process serves or has
            executed its program; otherwise it holds the reason why it could not.

        Raises:
            OSError: The kernel refused to fork, or the pod has no network namespace.
            EOFError: The warm parent has ended.
        """
        Path(container.log_file).parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        reader, writer = os.pipe2(os.O_CLOEXEC)
        with contextlib.ExitStack() as sent:
            sent.callback(os.close, writer)
            try:
                netns = os.open(NETNS / container.netns, os.O_RDONLY | os.O_CLOEXEC)
                sent.callback(os.close, netns)
                order = _in_memory(container.encoded())
                sent.callback(os.close, order)
                socket.send_fds(self._end, [_PID.pack(0)], [order, netns, writer])
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
        """Return how a container that has ended did, as ``os.waitstatus_to_exitcode`` gives it.

        None when another warm parent started it.
        """
        self._end.send(_PID.pack(pid))
        status, error = self._answer()
        return None if error else os.waitstatus_to_exitcode(status)

    def _answer(self) -> tuple[int, int]:
        answer = self._end.recv(_ANSWER.size)
        if not answer:
            raise EOFError
        value, error = _ANSWER.unpack(answer)
        return value, error


def _in_memory(data: bytes) -> int:
    descriptor = os.memfd_create("container")
    os.write(descriptor, data)
    os.lseek(descriptor, 0, os.SEEK_SET)
    return descriptor


def _main(end: socket.socket, lab: str, root: Path) -> NoReturn:
    status = 0
    try:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        container.end_on_sigterm()
        processes.set_title("netlab warm parent")
        _serve(end, lab, root)
    except ConnectionError:
        pass
    except BaseException as error:  # noqa: BLE001 (the last word of this process)
        print(f"warm parent: {type(error).__name__}: {error}", flush=True)  # noqa: T201 (its log)
        status = 70
    os._exit(status)


def _serve(end: socket.socket, lab: str, root: Path) -> None:
    template: Template | None = None
    gc.disable()
    while True:
        message, ancillary, _, _ = end.recvmsg(_PID.size, _ROOM, socket.MSG_CMSG_CLOEXEC)
        if not message:
            return
        if not ancillary:
            end.send(_reap(_PID.unpack(message)[0]))
            continue
        order, netns, pipe = _DESCRIPTORS.unpack(ancillary[0][2])
        try:
            if template is None:
                template = Template(lab, root)
                gc.freeze()
            end.send(_ANSWER.pack(container.fork(order, template, netns, pipe), 0))
        except OSError as error:
            os.write(pipe, (error.strerror or str(error)).encode())
            end.send(_ANSWER.pack(0, error.errno or errno.EINVAL))
        finally:
            os.close(order)
            os.close(netns)
            os.close(pipe)


def _reap(pid: int) -> bytes:
    try:
        return _ANSWER.pack(os.waitpid(pid, 0)[1], 0)
    except ChildProcessError:
        return _ANSWER.pack(0, errno.ECHILD)
