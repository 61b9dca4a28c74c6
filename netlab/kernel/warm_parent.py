"""The warm parent: the process that containers are forked from.

Theory of operation
-------------------
A container's first process is a copy of this one, so what lies in its memory is paid for once by
all of them, and what they write to is paid for by each. Therefore it is forked off the control
plane before anything large is imported, and its objects are kept from the garbage collector, which
would write to every page of them.

It has one thread and answers requests over a channel: ``Start`` when the new process says that it
serves (meanwhile others are started), ``Watch`` at once. As the containers' parent it learns how
they end and reports it. When the control plane is gone, so is this process; the containers go on,
and the next control plane has them watched again.
"""

import contextlib
import gc
import os
import resource
import selectors
import signal
import socket
from pathlib import Path
from typing import Final, NoReturn

from netlab.errors import HostError, KernelError
from netlab.kernel import channel, containers, processes
from netlab.kernel.container_requests import Exited, Start, Watch
from netlab.model.processes import ProcessId

_FILES: Final = 65536
"""Open files at most: one for each container, and a few."""


def fork(root: Path) -> socket.socket:
    """Fork the warm parent off the calling process and return our end of its channel.

    Args:
        root: A directory to build the containers' root file system on; made if it is missing.
    """
    ours, theirs = channel.pair()
    if os.fork() == 0:
        ours.close()
        _main(theirs, root)
    theirs.close()
    return ours


def _main(end: socket.socket, root: Path) -> NoReturn:
    status = 0
    try:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        containers.end_on_sigterm()
        processes.set_title("netlab warm parent")
        _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, _FILES), hard))
        _WarmParent(end, root).run()
    except BaseException as error:  # noqa: BLE001 (the last word of this process)
        print(f"warm parent: {type(error).__name__}: {error}", flush=True)  # noqa: T201 (its log)
        status = 70
    os._exit(status)


class _WarmParent:
    def __init__(self, end: socket.socket, root: Path) -> None:
        self._end = end
        self._root = root
        self._template: containers.Template | None = None
        self._selector = selectors.DefaultSelector()
        self._selector.register(end, selectors.EVENT_READ, self._request)

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
        if self._template is None:
            self._template = containers.Template(self._root)
            gc.collect()
            gc.freeze()
        pid, pipe = containers.start(request.container, self._template)

        def started() -> None:
            self._selector.unregister(pipe)
            reason = os.read(pipe, 4096).decode(errors="replace")
            os.close(pipe)
            # Not reaped yet, so the pid is still this process's, whatever became of it.
            process = processes.identity(pid)
            error = HostError(reason) if reason else None
            channel.send(self._end, channel.Answer(number=number, value=process, error=error))
            if reason:
                os.waitpid(pid, 0)
            else:
                self._watch(process)

        self._selector.register(pipe, selectors.EVENT_READ, started)

    def _watch(self, process: ProcessId) -> None:
        try:
            descriptor = os.pidfd_open(process.pid)
        except ProcessLookupError:
            channel.send(self._end, Exited(process=process, status=None))
            return

        def ended() -> None:
            self._selector.unregister(descriptor)
            os.close(descriptor)
            status = None
            with contextlib.suppress(ChildProcessError):
                status = os.waitstatus_to_exitcode(os.waitpid(process.pid, 0)[1])
            channel.send(self._end, Exited(process=process, status=status))

        self._selector.register(descriptor, selectors.EVENT_READ, ended)
