"""The zygote's own program: forks containers, and programs in them; see ``zygote``.

It is executed by the container runtime, and imports nothing that containers need not.
"""

import contextlib
import errno
import gc
import os
import signal
import socket
from array import array
from collections.abc import Sequence
from typing import Final

from netlab.kubelet.runtime import exec as container_exec
from netlab.kubelet.runtime import init as container_init
from netlab.kubelet.runtime.init import Sent, Template
from netlab.kubelet.runtime.zygote import ANSWER, MESSAGE, MOST_DESCRIPTORS, Order
from netlab.linux import processes
from netlab.linux.read_only import is_read_only

_ROOM: Final = socket.CMSG_SPACE(MOST_DESCRIPTORS * array("i").itemsize)


def main(argv: Sequence[str]) -> None:
    """Serve the container runtime until it is gone.

    Args:
        argv: The descriptor of the socket to it, the lab's name, an empty directory, and that of
            all pods' files.
    """
    descriptor, lab, root, pods = argv
    end = socket.socket(fileno=int(descriptor))
    end.set_inheritable(False)
    if not is_read_only("/proc/self/exe"):
        raise SystemExit("zygote: its own program could be changed from a container")
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    container_init.end_on_sigterm()
    processes.set_title("netlab zygote")
    # Known before, it costs no container memory of its own.
    processes.memory_layout()
    template = Template(lab, root, pods)
    gc.collect()
    gc.freeze()
    gc.disable()
    with contextlib.suppress(ConnectionError):
        _serve(end, template)


def _serve(end: socket.socket, template: Template) -> None:
    while True:
        message, ancillary, flags, _ = end.recvmsg(MESSAGE.size, _ROOM, socket.MSG_CMSG_CLOEXEC)
        if not message:
            return
        order, number = MESSAGE.unpack(message)
        if order == Order.REAP:
            end.send(_reap(number))
            continue
        descriptors = array("i", b"".join(one[2] for one in ancillary))
        if flags & socket.MSG_CTRUNC:
            # This process may not have so many open: one container is not started for it.
            for descriptor in descriptors:
                os.close(descriptor)
            end.send(ANSWER.pack(0, errno.EMFILE))
            continue
        sent = Sent(
            file=descriptors[0],
            writer=descriptors[1],
            cgroups=descriptors[2 : 2 + number],
            others=descriptors[2 + number :],
        )
        try:
            end.send(ANSWER.pack(_FORKS[Order(order)](template, sent), 0))
        except OSError as error:
            os.write(descriptors[1], (error.strerror or str(error)).encode())
            end.send(ANSWER.pack(0, error.errno or errno.EINVAL))
        finally:
            for descriptor in descriptors:
                os.close(descriptor)


_FORKS: Final = {
    Order.START: container_init.fork,
    Order.START_IN: container_init.fork_in,
    Order.EXEC: container_exec.fork,
}


def _reap(pid: int) -> bytes:
    try:
        return ANSWER.pack(os.waitpid(pid, 0)[1], 0)
    except ChildProcessError:
        return ANSWER.pack(0, errno.ECHILD)
