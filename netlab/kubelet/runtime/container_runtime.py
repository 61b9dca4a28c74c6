"""The container runtime: the process that has containers started and learns how they end.

Theory of operation
-------------------
It has one thread and answers requests over a channel: ``Start`` when the new process says that it
serves (meanwhile others are started), ``Watch`` at once. The processes are forked by its child, the
warm parent, which it tells to; each is watched through a pidfd, and its status is asked of the warm
parent, whose child it is. When the control plane is gone, so is this process, and with it the warm
parent; the containers go on, and the next control plane has them watched again.
"""

import contextlib
import os
import resource
import selectors
import signal
import socket
from pathlib import Path
from typing import Final, NoReturn

from netlab.errors import HostError, KernelError
from netlab.kubelet.runtime.requests import Exited, Start, Watch
from netlab.kubelet.runtime.zygote import WarmParent
from netlab.linux import channel, processes
from netlab.model.processes import ProcessId

_FILES: Final = 65536
"""Open files at most: one for each container, and a few."""


def fork(lab: str, root: Path) -> socket.socket:
    """Fork the container runtime off the calling process and return our end of its channel.

    Args:
        lab: Name.
        root: A directory to build the containers' root file system on; made if it is missing.
    """
    ours, theirs = channel.pair()
    if os.fork() == 0:
        ours.close()
        _main(theirs, lab, root)
    theirs.close()
    return ours


def _main(end: socket.socket, lab: str, root: Path) -> NoReturn:
    status = 0
    try:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        processes.set_title("netlab container runtime")
        _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, _FILES), hard))
        _ContainerRuntime(end, lab, root).run()
    except BaseException as error:  # noqa: BLE001 (the last word of this process)
        print(f"container runtime: {type(error).__name__}: {error}", flush=True)  # noqa: T201 (log)
        status = 70
    os._exit(status)


class _ContainerRuntime:
    def __init__(self, end: socket.socket, lab: str, root: Path) -> None:
        self._end = end
        self._warm_parent = WarmParent(lab, root, [end])
        self._selector = selectors.DefaultSelector()
        self._selector.register(end, selectors.EVENT_READ, self._request)
        self._selector.register(self._warm_parent, selectors.EVENT_READ, _end)

    def run(self) -> None:
        with contextlib.suppress(EOFError, ConnectionError):
            while True:
                for key, _ in self._selector.select():
                    key.data()

    def _request(self) -> None:
        (number, request), _ = channel.receive(self._end)
        try:
            if isinstance(request, Start):
                self._start(number, request)
            else:
                assert isinstance(request, Watch)  # noqa: S101 (the only other)
                self._watch(request.process)
                channel.send(self._end, channel.Answer(number=number))
        except OSError as error:
            failure = KernelError(f"{type(request).__name__}: {error}")
            channel.send(self._end, channel.Answer(number=number, error=failure))

    def _start(self, number: int, request: Start) -> None:
        pid, pipe = self._warm_parent.start(request.container)

        def started() -> None:
            self._selector.unregister(pipe)
            reason = os.read(pipe, 4096).decode(errors="replace")
            os.close(pipe)
            # Not reaped yet, so the pid is still this process's, whatever became of it.
            process = processes.identity(pid)
            error = HostError(reason) if reason else None
            channel.send(self._end, channel.Answer(number=number, value=process, error=error))
            if reason:
                self._warm_parent.reap(pid)
            else:
                self._watch(process)

        self._selector.register(pipe, selectors.EVENT_READ, started)

    def _watch(self, process: ProcessId) -> None:
        try:
            descriptor = processes.pidfd(process)
        except ProcessLookupError:
            channel.send(self._end, Exited(process=process, status=None))
            return

        def ended() -> None:
            self._selector.unregister(descriptor)
            os.close(descriptor)
            status = self._warm_parent.reap(process.pid)
            channel.send(self._end, Exited(process=process, status=status))

        self._selector.register(descriptor, selectors.EVENT_READ, ended)


def _end() -> None:
    """End with the warm parent: its answers are read where they are waited for, so it has gone."""
    raise EOFError
