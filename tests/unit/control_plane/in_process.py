"""A lab's whole control plane in the test's process; both its children only note what they hear.

Its agents, their loops and the store are the real ones. The netns agent takes every change for
done; the container runtime's processes begin at once and end when they are signalled.
"""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, cast

import pytest

from netlab.control_plane.control_plane import ControlPlane
from netlab.errors import KernelError
from netlab.kube.defaults import with_defaults
from netlab.kube.objects import Object
from netlab.kubelet.runtime.requests import Exited, Start
from netlab.kubeproxy.listeners import NodeListeners
from netlab.kubeproxy.servers import ProxyServers
from netlab.linux import channel
from netlab.model import rundir
from netlab.model.names import ROUTER, host_netns
from netlab.model.processes import ProcessId
from netlab.netns_agent import requests as rq

if TYPE_CHECKING:
    from netlab.control_plane.api_serving import ApiServing

LAB: Final = "inside"
SETTLED_S: Final = 30.0
_FIRST_PID: Final = 4_200_000
"""Beyond the kernel's PID_MAX_LIMIT: no process has one of these."""


class Child:
    """The far end of a channel, answered in the event loop of the control plane itself."""

    def __init__(self) -> None:
        self.near, self._far = channel.pair()
        self._pids = _FIRST_PID
        asyncio.get_running_loop().add_reader(self._far.fileno(), self._answer_one)

    def ended(self, process: ProcessId, status: int) -> None:
        """Tell the control plane that a process has ended."""
        channel.send(self._far, Exited(process=process, status=status))

    def close(self) -> None:
        """Listen no more."""
        loop = asyncio.get_running_loop()
        for end in (self.near, self._far):
            loop.remove_reader(end.fileno())
            end.close()

    def _answer_one(self) -> None:
        (number, request), _ = channel.receive(self._far)
        if isinstance(request, rq.Connect):
            error = KernelError("nobody is there")
            channel.send(self._far, channel.Answer(number=number, error=error))
        elif isinstance(request, rq.Listen):
            kind = socket.SOCK_DGRAM if request.is_udp else socket.SOCK_STREAM
            with socket.socket(socket.AF_INET, kind) as opened:
                opened.bind(("127.0.0.1", 0))
                answer = channel.Answer(number=number)
                channel.send(self._far, answer, [opened.fileno()])
        else:
            value = self._value(request)
            channel.send(self._far, channel.Answer(number=number, value=value))

    def _value(self, request: object) -> Any:  # noqa: ANN401 (each request has its own)
        match request:
            case rq.ReadLab() | rq.Restore() | rq.LoadTables():
                return {}
            case rq.SaveRules() | rq.ReadTables():
                return dict.fromkeys(request.keys, "")
            case rq.CleanUdp():
                return dict.fromkeys(request.keys, 0)
            case rq.FindLost():
                return frozenset()
            case Start():
                self._pids += 1
                return ProcessId(pid=self._pids, start_time=1)
            case _:
                return None


class NoApi:
    """An API that is served nowhere in the lab."""

    async def sync(self, *_: object) -> None:
        """Do nothing."""


class Inside:
    """A control plane that runs, and what a test does with it."""

    def __init__(self, plane: ControlPlane, runtime: Child) -> None:
        self.plane = plane
        self.runtime = runtime
        self.store = plane.store

    def create(self, manifest: Object) -> Object:
        """Store an object, with its defaults, past every check of the API."""
        return self.store.create(with_defaults(self.store.identified(manifest)))

    async def settled(self) -> None:
        """Wait until every agent is at rest; one that fails again and again never is."""
        async with asyncio.timeout(SETTLED_S):
            while not await self.plane.loops.settled(0.5):
                assert not self.plane.failure, self.plane.failure
        assert not self.plane.failure, self.plane.failure


def _without_processes(runtime: Child, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have nothing done to processes and mounts of this machine."""

    def send_signal(process: ProcessId, number: int) -> bool:
        runtime.ended(process, -number)
        return True

    processes = "netlab.linux.processes"
    monkeypatch.setattr(f"{processes}.send_signal", send_signal)
    monkeypatch.setattr(f"{processes}.inits_of_containers", lambda _: [])
    monkeypatch.setattr(f"{processes}.kill", lambda *_: None)
    # Volumes with a limit are file systems, which would outlive the directory.
    monkeypatch.setattr("netlab.kubelet.pod_volumes.make_empty_dir", lambda *_: None)


@asynccontextmanager
async def control_plane(
    topology: str, directory: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Inside]:
    """Run the control plane of a topology; files go below a directory."""
    monkeypatch.setattr(rundir, "RUN", directory)
    rundir.pods_directory(LAB).mkdir(parents=True, exist_ok=True)
    rundir.topology_file(LAB).write_text(topology)
    agent, runtime = Child(), Child()

    _without_processes(runtime, monkeypatch)
    plane = ControlPlane(LAB, agent.near, runtime.near)
    await plane.begin()
    servers = ProxyServers(plane.kube_proxy, plane.store, plane.clock)
    listeners = NodeListeners(plane.listen, servers)
    plane.proxy_agent.serve(listeners)
    plane.serve_in_lab(cast("ApiServing", NoApi()))
    loops = asyncio.ensure_future(plane.loops.run())
    try:
        yield Inside(plane, runtime)
    finally:
        loops.cancel()
        await asyncio.gather(loops, return_exceptions=True)
        monkeypatch.setattr(servers, "listeners", set)
        await listeners.sync(set())
        plane.outside_dns.follow(plane.topology, {host_netns(LAB, ROUTER)})
        agent.close()
        runtime.close()
        plane.store.close()
