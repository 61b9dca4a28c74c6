"""HAProxy as a container of the load balancer's host: it is started as pods' containers are."""

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, Final

from netlab.errors import HostError, NetlabError
from netlab.kubelet.runtime.capabilities import CONTAINER_MASK
from netlab.kubelet.runtime.container import Container, Process
from netlab.kubelet.runtime.requests import Start, Watch
from netlab.linux import processes
from netlab.loadbalancer.haproxy import CONFIGURATION
from netlab.model import rundir
from netlab.model.names import LB, host_netns
from netlab.model.processes import ProcessId

_PATH: Final = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_ETC: Final = {
    "passwd": b"root:x:0:0:root:/root:/bin/sh\n",
    "group": b"root:x:0:\n",
    "hosts": b"127.0.0.1\tlocalhost\n::1\tlocalhost\n",
}


class HaproxyRuntime:
    """Starts HAProxy on a lab's load balancer; see ``netlab.loadbalancer.haproxy_process``.

    Args:
        lab: Name.
        call: Sends a request to the container runtime.
    """

    def __init__(self, lab: str, call: Callable[[object], Awaitable[Any]]) -> None:
        self._lab = lab
        self._call = call

    async def start(self, configuration: str) -> ProcessId:
        """Start HAProxy with a configuration.

        Raises:
            NetlabError: It could not be started; the hint names the package where it is missing.
        """
        directory = self._next_directory()
        container = Container(
            netns=host_netns(self._lab, LB),
            hostname=LB,
            process=Process(
                argv=("haproxy", "-db", "-f", f"/etc/{CONFIGURATION}"),
                env={"PATH": _PATH},
                working_directory="/",
                uid=0,
                gid=0,
                groups=(),
                capabilities=CONTAINER_MASK,
            ),
            built_in=False,
            rootfs="",
            directory=str(directory),
            restart_count=0,
            etc={**_ETC, CONFIGURATION: configuration.encode()},
            mounts=(),
            read_only_root=False,
            stdin=False,
            stdin_once=False,
            tty=False,
            pod_uid="",
            termination_log="",
            limits=(0, 0),
        )
        try:
            process: ProcessId = await self._call(Start(container=container))
        except NetlabError as error:
            raise HostError(f"HAProxy: {error}", hint="apt-get install haproxy") from error
        return process

    async def watch(self, process: ProcessId) -> None:
        """Have it told when a process ends that an earlier control plane started."""
        directory = self._directory_of(process)
        await self._call(Watch(process=process, directory=directory, restart_count=0, pod_uid=""))

    def find(self) -> list[ProcessId]:
        """Return the processes of HAProxy on the load balancer, by pid."""
        return processes.inits_of_containers([host_netns(self._lab, LB)])

    def _directories(self) -> dict[int, Path]:
        # The container runtime can write below the directory of pods' files alone.
        parent = rundir.pod_directory(self._lab, "load-balancer")
        return {int(path.name): path for path in parent.glob("*") if path.name.isdigit()}

    def _next_directory(self) -> Path:
        """Return a directory that no other HAProxy of the lab writes its log to."""
        number = max(self._directories(), default=-1) + 1
        return rundir.pod_directory(self._lab, "load-balancer") / str(number)

    def _directory_of(self, process: ProcessId) -> str:
        """Return where the log of a process lies: its standard output is a pipe there."""
        output = Path(f"/proc/{process.pid}/fd/1")
        for path in self._directories().values():
            pipe = path / "stdout"
            if output.exists() and pipe.exists() and output.samefile(pipe):
                return str(path)
        return ""
