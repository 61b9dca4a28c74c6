"""The container runtime: the process that has containers started and learns how they end.

Theory of operation
-------------------
It has one thread and answers requests over a channel: ``Start`` and ``Exec`` when the new process
says that it serves (meanwhile others are started), the rest at once. The processes are forked by
its child, the zygote; each is watched through a pidfd, and its status is asked of the zygote, whose
child it is. What containers write is read here and goes into their logs. When the control plane is
gone, so is this process, and with it the zygote; the containers go on, what they write waits in
their pipes, and the next control plane has them watched again.
"""

import contextlib
import os
import resource
import selectors
import signal
import socket
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, NoReturn

from netlab.errors import HostError, KernelError
from netlab.kubelet.runtime import stdio
from netlab.kubelet.runtime.output import TURN_S, Output
from netlab.kubelet.runtime.pod_resources import PodResources, Started
from netlab.kubelet.runtime.requests import (
    Attach,
    CloseInput,
    Exec,
    Exited,
    RemovePod,
    Start,
    Watch,
)
from netlab.kubelet.runtime.zygote import Zygote
from netlab.linux import channel, processes
from netlab.model.processes import ProcessId
from netlab.rootless.home import go_home

_FILES: Final = 65536
"""Open files at most: a few for each container."""


def fork(lab: str, directory: Path) -> socket.socket:
    """Fork the container runtime off the calling process and return our end of its channel.

    Args:
        lab: Name.
        directory: The lab's own.
    """
    ours, theirs = channel.pair()
    if os.fork() == 0:
        ours.close()
        _main(theirs, lab, directory)
    theirs.close()
    return ours


def _main(end: socket.socket, lab: str, directory: Path) -> NoReturn:
    status = 0
    try:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        signal.signal(signal.SIGPIPE, signal.SIG_IGN)
        processes.set_title("netlab container runtime")
        go_home()
        _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, _FILES), hard))
        _ContainerRuntime(end, lab, directory).run()
    except BaseException as error:  # noqa: BLE001 (the last word of this process)
        print(f"container runtime: {type(error).__name__}: {error}", flush=True)  # noqa: T201 (log)
        status = 70
    os._exit(status)


class _ContainerRuntime:
    def __init__(self, end: socket.socket, lab: str, directory: Path) -> None:
        self._end = end
        # Forked before anything is open that it must not have.
        self._zygote = Zygote(lab, directory / "rootfs", directory / "pods")
        self._pods = PodResources(lab, directory)
        self._outputs: dict[ProcessId, Output] = {}
        self._inputs: dict[ProcessId, int] = {}
        self._paused: list[int] = []
        self._resume_at = 0.0
        self._selector = selectors.DefaultSelector()
        self._selector.register(end, selectors.EVENT_READ, self._request)
        self._selector.register(self._zygote, selectors.EVENT_READ, _end)
        self._of_stream: dict[int, Output] = {}
        self._answers: dict[type[Any], Callable[[int, Any], None]] = {
            Start: self._start,
            Watch: self._take_over,
            Exec: self._exec,
            Attach: self._attach,
            CloseInput: self._close_input,
            RemovePod: self._remove_pod,
        }

    def run(self) -> None:
        with contextlib.suppress(EOFError, ConnectionError):
            while True:
                wait_s = self._resume_at - time.monotonic() if self._paused else None
                for key, _ in self._selector.select(wait_s):
                    # What came first may have closed this one, and its number be another's.
                    if self._selector.get_map().get(key.fd) is key:
                        self._handle(key)
                if self._paused and time.monotonic() >= self._resume_at:
                    self._resume()

    def _handle(self, key: selectors.SelectorKey) -> None:
        """Do what a descriptor that has become readable asks for.

        What goes wrong with one container's is told, and heeded no more: all others go on.
        """
        try:
            key.data()
        except (EOFError, ConnectionError):
            raise
        except Exception:
            if key.fileobj in (self._end, self._zygote):
                raise
            traceback.print_exc()
            with contextlib.suppress(KeyError, ValueError):
                self._selector.unregister(key.fileobj)

    def _request(self) -> None:
        (number, request), _ = channel.receive(self._end)
        try:
            self._answers[type(request)](number, request)
        except OSError as error:
            failure = KernelError(f"{type(request).__name__}: {error}")
            self._answer(number, error=failure)
        except EOFError:
            raise
        except Exception as error:  # noqa: BLE001 (one container's; all others go on)
            traceback.print_exc()
            failure = KernelError(
                f"bug in {type(request).__name__}: {type(error).__name__}: {error}"
            )
            self._answer(number, error=failure)

    def _answer(
        self,
        number: int,
        value: object = None,
        error: KernelError | HostError | None = None,
        descriptors: list[int] | None = None,
    ) -> None:
        answer = channel.Answer(number=number, value=value, error=error)
        channel.send(self._end, answer, descriptors or ())
        for descriptor in descriptors or ():
            os.close(descriptor)

    def _start(self, number: int, request: Start) -> None:
        container = request.container
        started = self._pods.start(self._zygote, container, request.target)

        def begun(process: ProcessId) -> list[int]:
            terminal = started.received_terminal()
            directory = Path(container.directory)
            self._follow(
                process, Output(directory, container.restart_count, started.readers, terminal)
            )
            if started.input is not None:
                self._inputs[process] = started.input
            self._watch(process, container.pod_uid)
            return []

        self._when_begun(number, started, begun)

    def _exec(self, number: int, request: Exec) -> None:
        started = self._pods.exec(self._zygote, request)

        def begun(process: ProcessId) -> list[int]:
            self._watch(process, "")
            terminal = started.received_terminal()
            return [terminal] if terminal is not None else started.streams

        self._when_begun(number, started, begun)

    def _when_begun(
        self, number: int, started: Started, begun: Callable[[ProcessId], list[int]]
    ) -> None:
        """Answer a request when its process serves, or has executed, or could do neither."""

        def look() -> None:
            self._selector.unregister(started.pipe)
            reason = os.read(started.pipe, 4096).decode(errors="replace")
            os.close(started.pipe)
            # Not reaped yet, so the pid is still this process's, whatever became of it.
            process = processes.identity(started.pid)
            descriptors = []
            if not reason:
                try:
                    descriptors = begun(process)
                except Exception as error:  # noqa: BLE001 (one container's; all others go on)
                    if not isinstance(error, OSError):
                        traceback.print_exc()
                    reason = str(error) or type(error).__name__
                    processes.send_signal(process, signal.SIGKILL)
            if not reason:
                self._answer(number, value=process, descriptors=descriptors)
                return
            self._answer(number, error=HostError(reason))
            self._zygote.reap(started.pid)
            started.close()

        self._selector.register(started.pipe, selectors.EVENT_READ, look)

    def _take_over(self, number: int, request: Watch) -> None:
        directory = Path(request.directory)
        if all((directory / name).exists() for name in stdio.STREAMS):
            readers = [stdio.open_output(directory, name) for name in stdio.STREAMS]
            self._follow(request.process, Output(directory, request.restart_count, readers, None))
        self._watch(request.process, request.pod_uid)
        self._answer(number)

    def _attach(self, number: int, request: Attach) -> None:
        output = self._outputs.get(request.container)
        if output is None:
            self._answer(number, error=HostError("the container has ended"))
            return
        held = output.terminal
        if held is None:
            held = self._inputs.get(request.container)
        inputs = [] if held is None else [os.dup(held)]
        self._answer(number, descriptors=[*inputs, *output.attach()])

    def _close_input(self, number: int, request: CloseInput) -> None:
        held = self._inputs.pop(request.container, None)
        if held is not None:
            os.close(held)
        self._answer(number)

    def _remove_pod(self, number: int, request: RemovePod) -> None:
        self._pods.remove(request.uid)
        self._answer(number)

    def _follow(self, process: ProcessId, output: Output) -> None:
        """Read what a container writes, from now on."""
        self._outputs[process] = output
        for descriptor in output.streams:
            self._of_stream[descriptor] = output
            self._listen(descriptor)

    def _listen(self, descriptor: int) -> None:
        output = self._of_stream[descriptor]

        def read() -> None:
            if output.read(descriptor):
                # Others first: the next turn is not yet.
                self._selector.unregister(descriptor)
                if not self._paused:
                    self._resume_at = time.monotonic() + TURN_S
                self._paused.append(descriptor)
            elif descriptor in output.ended:
                # The kernel would tell of the end again and again.
                self._selector.unregister(descriptor)

        self._selector.register(descriptor, selectors.EVENT_READ, read)

    def _resume(self) -> None:
        paused, self._paused = self._paused, []
        for descriptor in paused:
            self._listen(descriptor)

    def _watch(self, process: ProcessId, pod_uid: str) -> None:
        try:
            descriptor = processes.pidfd(process)
        except ProcessLookupError:
            self._forget(process)
            channel.send(self._end, Exited(process=process, status=None))
            return

        def ended() -> None:
            self._selector.unregister(descriptor)
            os.close(descriptor)
            status = self._zygote.reap(process.pid)
            self._forget(process)
            out_of_memory = status == -signal.SIGKILL and self._pods.was_out_of_memory(pod_uid)
            message = Exited(process=process, status=status, out_of_memory=out_of_memory)
            channel.send(self._end, message)

        self._selector.register(descriptor, selectors.EVENT_READ, ended)

    def _forget(self, process: ProcessId) -> None:
        """Close the streams of a container that has ended."""
        output = self._outputs.pop(process, None)
        if output is not None:
            for descriptor in output.streams:
                if descriptor in self._paused:
                    self._paused.remove(descriptor)
                elif descriptor not in output.ended:
                    self._selector.unregister(descriptor)
                del self._of_stream[descriptor]
            output.close()
        held = self._inputs.pop(process, None)
        if held is not None:
            os.close(held)


def _end() -> None:
    """End with the zygote: its answers are read where they are waited for, so it has gone."""
    raise EOFError
