"""The kubelet's server: what the API server passes on to the node of a pod.

exec, attach and port-forward are begun here; the API server carries their bytes, from and to the
descriptors that it is given. A process that runs in a container beside its own has no place in the
pod's status: only who had it run learns how it ends.
"""

import asyncio
import os
import signal
from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from netlab.errors import HostError, KernelError, NetlabError
from netlab.kube.kinds.pod.containers import ContainerRun, container_spec
from netlab.kube.objects import Object, uid_of
from netlab.kubelet.container_spec import (
    container_directory,
    is_built_in,
    netns_of,
    process_of,
)
from netlab.kubelet.images import image_name
from netlab.kubelet.prober import connected
from netlab.kubelet.process_config import read_process
from netlab.kubelet.runtime.logs import log_file
from netlab.kubelet.runtime.requests import Attach, CloseInput, Exec, Exited
from netlab.kubelet.sources import Sources
from netlab.linux import processes
from netlab.model.processes import ProcessId
from netlab.netns_agent.calls import Calls
from netlab.netns_agent.requests import Connect

_EXEC_FAILED: Final = (
    "error executing command in container: failed to exec in container: failed to start exec: "
    "OCI runtime exec failed: exec failed: unable to start container process: {}: unknown"
)
"""containerd's words."""
_LOOPBACK: Final = ("127.0.0.1", "::1")
_KILLED: Final = 137


@dataclass(frozen=True, slots=True, kw_only=True)
class ExecProcess:
    """A program that runs in a container beside its own."""

    stdin: int
    stdout: int
    stderr: int | None
    process: ProcessId
    ended: "asyncio.Future[int]"

    async def wait(self) -> int:
        """Return its exit code when it has ended."""
        return await asyncio.shield(self.ended)

    async def end_input(self) -> None:
        """Do nothing: it was the only one to have its input."""

    def kill(self) -> None:
        """Kill it."""
        processes.send_signal(self.process, signal.SIGKILL)


@dataclass(frozen=True, slots=True, kw_only=True)
class AttachedProcess:
    """The first process of a container, which has other listeners."""

    stdin: int | None
    stdout: int
    stderr: int | None
    ended: "asyncio.Future[int]"
    close_input: Callable[[], Awaitable[None]] | None
    """For an input that ends with who attached first."""

    async def wait(self) -> int:
        """Return its exit code when it has ended."""
        return await asyncio.shield(self.ended)

    async def end_input(self) -> None:
        """Have the container's input end, if it is to."""
        if self.close_input is not None:
            await self.close_input()

    def kill(self) -> None:
        """Leave it: it is not the client's."""


class Server:
    """Answers for every node of a lab.

    Args:
        lab: Name.
        sources: Returns what pods are told beside themselves.
        running: Returns the first processes of containers, by pod uid and container name.
        runtime: Requests to the container runtime.
        netns_agent: Requests to the netns agent.
    """

    def __init__(
        self,
        lab: str,
        sources: Callable[[], Sources],
        running: Callable[[], Mapping[tuple[str, str], ProcessId]],
        *,
        runtime: Calls,
        netns_agent: Calls,
    ) -> None:
        self._lab = lab
        self._sources = sources
        self._running = running
        self._runtime = runtime
        self._netns_agent = netns_agent
        self._waiting: defaultdict[ProcessId, list[asyncio.Future[int]]] = defaultdict(list)
        self._executed: set[ProcessId] = set()
        self._starting = 0
        self._ended_early: dict[ProcessId, int] = {}
        """Ends that were told before the start of the process was taken note of."""

    def exited(self, message: Exited) -> bool:
        """Tell who waits that a process has ended.

        Returns:
            Whether it was no container's first process, and so concerns nobody else.
        """
        code = _exit_code(message.status)
        for future in self._waiting.pop(message.process, ()):
            if not future.done():
                future.set_result(code)
        if self._starting:
            self._ended_early[message.process] = code
        is_executed = message.process in self._executed
        self._executed.discard(message.process)
        return is_executed

    async def exec(
        self, pod: Object, container: str, command: Sequence[str], *, tty: bool
    ) -> ExecProcess:
        """Run a program in a container.

        Raises:
            NetlabError: The container does not run, or the program cannot be executed.
        """
        first = self._process_of(pod, container)
        spec = container_spec(pod, container)
        directory = Path(container_directory(self._lab, pod, container))
        own = read_process(directory) or process_of(pod, spec, self._sources())
        environment = {**own.env, "TERM": "xterm"} if tty else own.env
        process = own._replace(argv=tuple(command), env=environment)
        if is_built_in(spec, command[0], self._sources()):
            process = process._replace(argv=(image_name(command[0]), *command[1:]), built_in=True)
        self._starting += 1
        try:
            request = Exec(container=first, process=process, tty=tty)
            started, descriptors = await self._with_descriptors(request)
            ended = self._end_of(started)
            if started in self._ended_early:
                ended.set_result(self._ended_early.pop(started))
            else:
                self._executed.add(started)
        finally:
            self._starting -= 1
            if not self._starting:
                self._ended_early.clear()
        if tty:
            descriptors = [descriptors[0], os.dup(descriptors[0])]
        return ExecProcess(
            stdin=descriptors[0],
            stdout=descriptors[1],
            stderr=None if tty else descriptors[2],
            process=started,
            ended=ended,
        )

    async def _with_descriptors(self, request: Exec) -> tuple[ProcessId, list[int]]:
        try:
            return await self._runtime.with_descriptors(request)
        except NetlabError as error:
            raise HostError(_EXEC_FAILED.format(error)) from error

    async def attach(self, pod: Object, container: str) -> AttachedProcess:
        """Join the standard streams of a container's first process.

        Raises:
            NetlabError: The container does not run.
        """
        first = self._process_of(pod, container)
        spec = container_spec(pod, container)
        ended = self._end_of(first)
        _, descriptors = await self._runtime.with_descriptors(Attach(container=first))
        outputs = 1 if spec.get("tty") else 2

        async def close_input() -> None:
            await self._runtime(CloseInput(container=first))

        return AttachedProcess(
            stdin=descriptors[0] if len(descriptors) > outputs else None,
            stdout=descriptors[-outputs],
            stderr=descriptors[-1] if outputs == 2 else None,
            ended=ended,
            close_input=close_input if spec.get("stdinOnce") else None,
        )

    async def connect(self, pod: Object, port: int, addresses: Sequence[str] = _LOOPBACK) -> int:
        """Return the descriptor of a connection to a port of the pod, from inside it.

        Args:
            pod: Runs.
            port: Of TCP.
            addresses: Of the pod, by default its loopback; the first that answers is taken.

        Raises:
            NetlabError: Nothing listens there.
        """
        reason = ""
        for address in addresses:
            request = Connect(netns=netns_of(self._lab, pod), address=address, port=port)
            try:
                descriptor = await self._netns_agent.descriptor(request)
            except KernelError as error:
                reason = reason or str(error)
                continue
            failure = await connected(descriptor)
            if not failure:
                return descriptor
            os.close(descriptor)
            reason = reason or f"dial tcp {address}:{port}: connect: {failure}"
        raise HostError(reason)

    def log_file(self, pod: Object, run: ContainerRun) -> Path:
        """Return the file of a run's log."""
        return log_file(Path(container_directory(self._lab, pod, run.container)), run.restart_count)

    def _process_of(self, pod: Object, container: str) -> ProcessId:
        found = self._running().get((uid_of(pod), container))
        if found is None:
            message = f'unable to upgrade connection: container not found ("{container}")'
            raise HostError(message)
        return found

    def _end_of(self, process: ProcessId) -> "asyncio.Future[int]":
        future = asyncio.get_running_loop().create_future()
        self._waiting[process].append(future)
        return future


def _exit_code(status: int | None) -> int:
    """Return an exit code as a shell has it; an unknown end counts as a kill."""
    if status is None:
        return _KILLED
    return 128 - status if status < 0 else status
