"""The HAProxy of a lab: a process on the load balancer's host, replaced when it is to do otherwise.

Theory of operation
-------------------
HAProxy reads its configuration once. Another one is for another process, which binds the same ports
beside the first (SO_REUSEPORT). When it is ready, which its admin socket tells, the first one is
asked to finish (SIGUSR1): it takes no more connections and ends with the last of those it has. So
no connection breaks, and a configuration that HAProxy refuses changes nothing.

What process runs with which configuration is told by the kernel: by the namespace that it lives in,
and by the file in its own root. A control plane that starts anew takes it over.

Source: HAProxy management guide, sections 4 (stopping and restarting) and 9.3 (admin socket).
"""

import asyncio
import signal
import socket
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Final, Protocol

from netlab.errors import HostError, NetlabError
from netlab.linux import processes
from netlab.loadbalancer.haproxy import CONFIGURATION, SOCKET
from netlab.model.processes import ProcessId

_READY_S: Final = 5.0
_LOOK_S: Final = 0.01


class Runtime(Protocol):
    """Has a process started on the load balancer's host."""

    async def start(self, configuration: str) -> ProcessId:
        """Start HAProxy in a root of its own that has the configuration in its /etc.

        Raises:
            NetlabError: It could not be started.
        """

    async def watch(self, process: ProcessId) -> None:
        """Have it told when a process ends that an earlier control plane started."""


class HaproxyProcess:
    """The HAProxy of a lab.

    Args:
        runtime: Starts processes.
        find: Returns the processes on the load balancer's host.
    """

    def __init__(self, runtime: Runtime, find: Callable[[], Collection[ProcessId]]) -> None:
        self._runtime = runtime
        self._find = find
        self._current: ProcessId | None = None
        self._configuration: str | None = None
        """What ``_current`` runs with."""
        self._finishing: set[ProcessId] = set()
        self.failure = ""
        """Why HAProxy does not do what it is to do; empty when it does."""

    async def adopt(self) -> str:
        """Take over what an earlier control plane left; return the configuration that serves."""
        found = sorted(self._find(), key=lambda process: process.start_time)
        for process in found:
            await self._runtime.watch(process)
        self._finishing.update(found[:-1])
        if found:
            self._current = found[-1]
            self._configuration = _configuration_of(found[-1])
        return self._configuration or ""

    async def follow(self, configuration: str | None) -> None:
        """Have HAProxy run with a configuration, or not at all."""
        if configuration == self._configuration and not self.failure:
            return
        before = self._current
        if configuration is None:
            self._current, self._configuration, self.failure = None, None, ""
            self._finish(before)
            return
        try:
            process = await self._runtime.start(configuration)
            await _until_ready(process)
        except NetlabError as error:
            hint = f"; {error.hint}" if error.hint else ""
            if str(error) not in self.failure:
                print(f"{error}{hint}", flush=True)  # noqa: T201 (the log)
            self.failure = f"{error}{hint}"
            return
        self._current, self._configuration, self.failure = process, configuration, ""
        self._finish(before)

    def exited(self, process: ProcessId) -> bool:
        """Take note that a process has ended; return whether another is to be started."""
        self._finishing.discard(process)
        if process != self._current:
            return False
        self._current, self._configuration = None, None
        return True

    def owns(self, process: ProcessId) -> bool:
        """Return whether a process is the lab's HAProxy, or one that finishes."""
        return process == self._current or process in self._finishing

    def _finish(self, process: ProcessId | None) -> None:
        if process is not None and processes.send_signal(process, signal.SIGUSR1):
            self._finishing.add(process)


def _configuration_of(process: ProcessId) -> str | None:
    path = Path(f"/proc/{process.pid}/root/etc/{CONFIGURATION}")
    try:
        return path.read_text()
    except OSError:
        return None


async def _until_ready(process: ProcessId) -> None:
    """Wait until HAProxy has bound its ports; its admin socket is the last.

    Raises:
        HostError: It has ended, or takes too long.
    """
    try:
        async with asyncio.timeout(_READY_S):
            while not _answers(f"/proc/{process.pid}/root{SOCKET}"):
                if not processes.is_alive(process):
                    raise HostError("HAProxy does not start", hint="its log says why")
                await asyncio.sleep(_LOOK_S)
    except TimeoutError as error:
        raise HostError(f"HAProxy is not ready after {_READY_S:.0f} s") from error


def _answers(path: str) -> bool:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_NONBLOCK) as client:
        return client.connect_ex(path) == 0
