"""The launcher: the one process of a lab that enters namespaces and starts containers.

Theory of operation
-------------------
A namespace belongs to a thread, and the control plane has an event loop (and a library that may
start threads), so it never enters one. It forks this process first, while it is small, and sends
it requests over a channel. The launcher has one thread: it changes namespaces, opens sockets in
them and hands the descriptors over, runs ``iptables-restore``, and forks containers. As their
parent it learns how they end.

Requests are carried out in order. ``Start`` alone is answered later, when the new process says that
it serves; meanwhile others are started. When the control plane is gone, so is the launcher; what
it made stays, and the next one finds it in the kernel.
"""

import contextlib
import os
import resource
import selectors
import signal
import socket
from pathlib import Path
from typing import Any, NoReturn

from netlab.errors import HostError, KernelError, NetlabError
from netlab.kernel import apply, channel, containers, iptables, processes, read
from netlab.kernel import requests as rq
from netlab.kernel.netns import inside


def fork(root: Path) -> tuple[socket.socket, int]:
    """Fork the launcher off the calling process.

    Args:
        root: An empty directory to build the containers' root file system on.

    Returns:
        The control plane's end of the channel, and the launcher's pid.
    """
    ours, theirs = channel.pair()
    pid = os.fork()
    if pid == 0:
        ours.close()
        _main(theirs, root)
    theirs.close()
    return ours, pid


def _main(end: socket.socket, root: Path) -> NoReturn:
    status = 0
    try:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        _Launcher(end, root).run()
    except BaseException as error:  # noqa: BLE001 (the last word of this process)
        print(f"launcher: {type(error).__name__}: {error}", flush=True)  # noqa: T201 (its log)
        status = 70
    os._exit(status)


class _Launcher:
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
            if isinstance(request, rq.Start):
                self._start(number, request)
                return
            value, descriptors = self._carry_out(request)
            answer = rq.Answer(number=number, value=value)
        except NetlabError as error:
            answer, descriptors = rq.Answer(number=number, error=error), []
        except OSError as error:
            failure = KernelError(f"{type(request).__name__}: {error}")
            answer, descriptors = rq.Answer(number=number, error=failure), []
        channel.send(self._end, answer, descriptors)
        for descriptor in descriptors:
            os.close(descriptor)

    def _carry_out(self, request: rq.Request) -> tuple[Any, list[int]]:
        match request:
            case rq.Apply():
                apply.apply(request.operations)
                return None, []
            case rq.ReadLab():
                return read.read_lab(request.lab), []
            case rq.Restore():
                return iptables.restore(request.texts), []
            case rq.SaveRules():
                return iptables.save(request.netns), []
            case rq.Watch():
                self._watch(request.process)
                return None, []
            case _:
                assert isinstance(request, rq.Listen)  # noqa: S101 (the only one left)
                return None, [_listen(request)]

    def _start(self, number: int, request: rq.Start) -> None:
        if self._template is None:
            self._template = containers.Template(self._root)
        pid, pipe = containers.start(request.container, self._template)
        process = processes.process_id(pid)

        def started() -> None:
            self._selector.unregister(pipe)
            reason = os.read(pipe, 4096).decode(errors="replace")
            os.close(pipe)
            error = HostError(reason) if reason else None
            channel.send(self._end, rq.Answer(number=number, value=process, error=error))
            if reason:
                os.waitpid(pid, 0)
            else:
                self._watch(process)

        self._selector.register(pipe, selectors.EVENT_READ, started)

    def _watch(self, process: rq.ProcessId) -> None:
        try:
            descriptor = os.pidfd_open(process.pid)
        except ProcessLookupError:
            channel.send(self._end, rq.Exited(process=process, status=None))
            return

        def ended() -> None:
            self._selector.unregister(descriptor)
            os.close(descriptor)
            status = None
            with contextlib.suppress(ChildProcessError):
                status = os.waitstatus_to_exitcode(os.waitpid(process.pid, 0)[1])
            channel.send(self._end, rq.Exited(process=process, status=status))

        self._selector.register(descriptor, selectors.EVENT_READ, ended)


def _listen(request: rq.Listen) -> int:
    with inside(request.netns):
        listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM | socket.SOCK_CLOEXEC)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((request.address, request.port))
        listener.listen(128)
    except OSError:
        listener.close()
        raise
    return listener.detach()
