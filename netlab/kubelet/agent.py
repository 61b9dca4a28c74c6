"""The kubelet of every node: keeps a process for each container that its pods want.

Theory of operation
-------------------
A sync compares the pods in the store with the processes that run. It has what is missing started,
all at once, and waits for none: a container that starts slowly keeps no other waiting. Its start is
reported in the pod's status by the sync that follows it. A pod that is being deleted is asked to
end (SIGTERM) when every node holds the rules that lead new connections to others, however busy the
machine is; where rules are refused again and again, it is asked nevertheless. It is killed when its
grace period is over; when its last process is gone the object is removed, and with it its network
namespace. That a process has ended is told by the container runtime and reported at once, so that
the pod leaves its EndpointSlices.

A pod that cannot be read is left out, and named in ``unreadable``.

A container's id in the pod's status is its process's pid and start time: a control plane that
starts anew knows by it which processes to take over.
"""

import asyncio
import contextlib
import signal
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import Any, Final, NamedTuple

from netlab.apiserver.store import Store
from netlab.kube.kinds.pod import status as pod_status
from netlab.kube.objects import (
    Object,
    is_terminating,
    items_of,
    metadata_of,
    spec_of,
    status_of,
    uid_of,
    with_status,
)
from netlab.kube.resources import key_of
from netlab.kube.timestamps import seconds
from netlab.kube.unreadable import UnreadableObjects
from netlab.kubelet.container_spec import (
    container_directory,
    container_of,
    is_placed,
    may_run,
    netns_of,
    volume_directory,
)
from netlab.kubelet.failures import failure_of
from netlab.kubelet.runtime.requests import Exited, RemovePod, Start, Watch
from netlab.kubelet.sources import Sources
from netlab.kubelet.volume_files import make_empty_dir, write_volume
from netlab.kubelet.volumes import VolumeError, volume_of, volumes_of
from netlab.linux import netns_names, processes
from netlab.linux.timeouts import scaled
from netlab.model.names import LB, NetnsName, host_netns
from netlab.model.processes import ProcessId

Call = Callable[[object], Awaitable[Any]]
_ID: Final = "netlab://{pid}-{start_time}"
_GRACE_S: Final = 30
_KILL_S: Final = 10.0
_RULES_S: Final = 5.0
"""A pod is not asked to end for so long, at most, when rules still lead to it."""
_RETRY_S: Final = 10.0
"""After a container could not be started: the user may have installed its program."""
_VOLUME_RETRY_S: Final = 0.5
"""After what a volume is made of was not there."""


class _ContainerKey(NamedTuple):
    uid: str
    name: str


class Kubelet:
    """All processes of a lab's pods.

    Args:
        lab: Name.
        store: Whose pods to run.
        call: Sends a request to the container runtime.
        has_namespace: Tells whether a network namespace is there, with its links.
        rules_follow: Waits until every node holds the rules that follow from the objects as they
            are when it is called.
        wake: Has ``sync`` called soon.
    """

    def __init__(
        self,
        lab: str,
        store: Store,
        call: Call,
        *,
        has_namespace: Callable[[NetnsName], bool],
        rules_follow: Callable[[], Awaitable[None]],
        wake: Callable[[], None],
    ) -> None:
        self.unreadable = UnreadableObjects()
        self._has_namespace = has_namespace
        self._rules_follow = rules_follow
        self._wake = wake
        self._lab = lab
        self._store = store
        self._call = call
        self._running: dict[str, dict[str, ProcessId]] = {}
        self._keys: dict[ProcessId, _ContainerKey] = {}
        self._ended: list[tuple[_ContainerKey, int | None]] = []
        self._ended_early: dict[ProcessId, int | None] = {}
        """Ends that were told before the start of the process was taken note of."""
        self._terminating: dict[ProcessId, asyncio.Task[None]] = {}
        """What asks each process to end, or has."""
        self._starting: dict[_ContainerKey, tuple[Object, Object, asyncio.Task[ProcessId]]] = {}
        """Pod, container and start of each that is to run."""
        self._retry_at: dict[_ContainerKey, float] = {}
        self._cleaning: set[asyncio.Future[Any]] = set()

    async def adopt(self) -> None:
        """Take over the processes that an earlier control plane started."""
        for pod in self._store.list_("pods"):
            for status in items_of(status_of(pod), "containerStatuses"):
                key = _ContainerKey(uid_of(pod), status["name"])
                process = _process_of(status.get("containerID", ""))
                if process is None or "running" not in status.get("state", {}):
                    continue
                self._remember(key, process)
                await self._call(
                    Watch(
                        process=process,
                        directory=container_directory(self._lab, pod, key.name),
                        restart_count=status.get("restartCount", 0),
                        pod_uid=key.uid,
                    )
                )
        # A container whose start was not written down any more is nobody's, and holds its ports.
        inits = processes.inits_of_lab(self._lab, netns_names.names_of(self._lab))
        # HAProxy is the load balancer's.
        balancers = processes.inits_of_containers([host_netns(self._lab, LB)])
        strays = inits - self._keys.keys() - set(balancers)
        processes.kill(strays, scaled(_KILL_S))

    def processes(self) -> dict[tuple[str, str], ProcessId]:
        """Return the processes that run, by pod uid and container name."""
        return {
            (uid, name): process
            for uid, found in self._running.items()
            for name, process in found.items()
        }

    def exited(self, message: Exited) -> None:
        """Take note of a process that has ended; the next sync reports it."""
        key = self._keys.pop(message.process, None)
        if key is None:
            self._ended_early[message.process] = message.status
        else:
            self._terminating.pop(message.process, None)
            found = self._running.get(key.uid, {})
            if found.get(key.name) == message.process:
                del found[key.name]
            if not found:
                self._running.pop(key.uid, None)
            self._ended.append((key, message.status))

    def is_starting(self) -> bool:
        """Tell whether a container is on its way."""
        return bool(self._starting)

    async def sync(self, sources: Sources, now: float) -> float | None:
        """Report what has happened to containers, and start and end what pods ask for.

        Args:
            sources: What pods are told beside themselves.
            now: Wall clock seconds.

        Returns:
            When to look again, in wall clock seconds; None when nothing waits.
        """
        self._report_ended(now)
        self._report_starts(now)
        pods = self._placed()
        self._kill_orphans({uid_of(pod) for pod in pods})
        wakes = [self._end_pods(pods, now), self._start_pods(pods, sources, now)]
        return min((wake for wake in wakes if wake is not None), default=None)

    def _report_ended(self, now: float) -> None:
        """Write the ends of processes into their pods' statuses."""
        ended, self._ended = self._ended, []
        by_uid = {uid_of(pod): pod for pod in self._store.list_("pods")} if ended else {}
        with self._store.transaction():
            for key, status in ended:
                if key.uid not in by_uid:
                    continue
                number = -status if status is not None and status < 0 else None
                code = 128 + number if number else (137 if status is None else status)
                pod = pod_status.container_exited(by_uid[key.uid], key.name, code or 0, number, now)
                by_uid[key.uid] = self._store.update(pod)

    def _placed(self) -> list[Object]:
        """Return the pods that have a node and an address."""
        pods = {key_of(pod): pod for pod in self._store.list_("pods")}
        self.unreadable.keep(pods.keys())
        read = self.unreadable.read
        return [pod for key, pod in pods.items() if read(key, partial(is_placed, pod))]

    def _start_pods(self, pods: list[Object], sources: Sources, now: float) -> float | None:
        """Have the containers started that are missing and due; return when others will be."""
        wakes: list[float] = []
        for pod in pods:
            if is_terminating(pod):
                continue
            found = self.unreadable.read(key_of(pod), partial(self._due, pod, now))
            for spec, at in found or []:
                if at > now:
                    wakes.append(at)
                else:
                    self._start(sources, pod, spec)
        return min(wakes, default=None)

    def _due(self, pod: Object, now: float) -> list[tuple[Object, float]]:
        """Return the containers of a pod that are to be started, and when."""
        if not (may_run(pod) and self._has_namespace(netns_of(self._lab, pod))):
            return []
        due = []
        for spec in items_of(spec_of(pod), "containers"):
            key = _ContainerKey(uid_of(pod), spec["name"])
            if key in self._starting or key.name in self._running.get(key.uid, {}):
                continue
            at = self._retry_at.get(key) or pod_status.restart_at(pod, spec["name"])
            if at is not None:
                due.append((spec, at))
            elif not _has_ended(pod, spec["name"]):
                due.append((spec, now))
        return due

    def _start(self, sources: Sources, pod: Object, spec: Object) -> None:
        task = asyncio.ensure_future(self._start_one(sources, pod, spec))
        task.add_done_callback(lambda _: self._wake())
        self._starting[_ContainerKey(uid_of(pod), spec["name"])] = (pod, spec, task)

    def _report_starts(self, now: float) -> None:
        """Write what came of starts into their pods' statuses."""
        done = {key: start for key, start in self._starting.items() if start[2].done()}
        started: dict[str, tuple[Object, dict[str, ProcessId]]] = {}
        with self._store.transaction():
            for key, (pod, spec, task) in done.items():
                del self._starting[key]
                self._retry_at.pop(key, None)
                error = task.exception()
                if error is None:
                    self._remember(key, task.result())
                    started.setdefault(key.uid, (pod, {}))[1][key.name] = task.result()
                else:
                    is_volume = isinstance(error, VolumeError)
                    self._retry_at[key] = now + (_VOLUME_RETRY_S if is_volume else _RETRY_S)
                    self._report_failure(pod, spec, error, now)
            for pod, found in started.values():
                self._report_started(pod, found, now)

    async def _start_one(self, sources: Sources, pod: Object, spec: Object) -> ProcessId:
        restart_count = pod_status.next_restart_count(pod, spec["name"])
        container = container_of(self._lab, pod, spec, restart_count, sources)
        self._set_up_volumes(pod, sources)
        process: ProcessId = await self._call(Start(container=container))
        return process

    def _set_up_volumes(self, pod: Object, sources: Sources) -> None:
        """Have the files of a pod's volumes on disk.

        Raises:
            VolumeError: What one refers to is not there.
        """
        group = (spec_of(pod).get("securityContext") or {}).get("fsGroup")
        for one in volumes_of(pod):
            volume = volume_of(pod, one, sources)
            directory = Path(volume_directory(self._lab, pod, volume.name))
            if volume.empty_dir_bytes:
                make_empty_dir(directory, volume.empty_dir_bytes, group)
            else:
                write_volume(directory, volume.files, group)

    def _report_started(self, pod: Object, found: dict[str, ProcessId], now: float) -> None:
        current = self._store.get(key_of(pod))
        if current is None or uid_of(current) != uid_of(pod):
            return
        reported = pod_status.containers_started(current, now, found.keys())
        statuses = [
            {**status, "containerID": _id_of(found[status["name"]])}
            if status["name"] in found
            else status
            for status in items_of(status_of(reported), "containerStatuses")
        ]
        self._store.update(with_status(reported, containerStatuses=statuses))

    def _report_failure(self, pod: Object, spec: Object, error: BaseException, now: float) -> None:
        current = self._store.get(key_of(pod))
        if current is None:
            return
        reason, message = failure_of(spec, error)
        self._store.update(
            pod_status.container_not_started(current, spec["name"], reason, message, now)
        )

    def _end_pods(self, pods: list[Object], now: float) -> float | None:
        """Have the processes of pods that are to end told so, kill late ones, remove the ended."""
        with self._store.transaction():
            wakes = [
                self.unreadable.read(key_of(pod), partial(self._end_pod, pod, now))
                for pod in pods
                if is_terminating(pod)
            ]
        return min((wake for wake in wakes if wake is not None), default=None)

    def _end_pod(self, pod: Object, now: float) -> float | None:
        left = list(self._running.get(uid_of(pod), {}).values())
        if not left:
            self._store.remove(key_of(pod))
            self._clean(uid_of(pod))
            return None
        deadline = _deadline(pod, now)
        if deadline <= now:
            for process in left:
                processes.send_signal(process, signal.SIGKILL)
            return now + 1
        new = [process for process in left if process not in self._terminating]
        if new:
            latest_s = min(_RULES_S, (deadline - now) / 2)
            task = asyncio.ensure_future(self._terminate(new, latest_s))
            self._terminating.update(dict.fromkeys(new, task))
        return deadline

    async def _terminate(self, ending: list[ProcessId], latest_s: float) -> None:
        """Ask processes to end when no rule leads to them any more, or time is up."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(latest_s):
                await self._rules_follow()
        for process in ending:
            if process in self._terminating:
                processes.send_signal(process, signal.SIGTERM)

    def _clean(self, uid: str) -> None:
        """Have what is left of a pod removed: its logs, volumes and control group."""
        task = asyncio.ensure_future(self._call(RemovePod(uid=uid)))
        self._cleaning.add(task)
        task.add_done_callback(self._cleaning.discard)

    def _kill_orphans(self, known: set[str]) -> None:
        for uid in self._running.keys() - known:
            for process in self._running[uid].values():
                processes.send_signal(process, signal.SIGKILL)

    def _remember(self, key: _ContainerKey, process: ProcessId) -> None:
        self._running.setdefault(key.uid, {})[key.name] = process
        self._keys[process] = key
        if process in self._ended_early:
            self.exited(Exited(process=process, status=self._ended_early.pop(process)))


def _has_ended(pod: Object, container: str) -> bool:
    for status in items_of(status_of(pod), "containerStatuses"):
        if status["name"] == container:
            return "terminated" in status.get("state", {})
    return False


def _deadline(pod: Object, now: float) -> float:
    """Return when the pod's grace period is over, in wall clock seconds."""
    # The timestamp of deletion is the time by which the pod is to be gone, cut to a whole second:
    # with the next one no pod has less time than it was given.
    marked = metadata_of(pod).get("deletionTimestamp")
    return seconds(marked) + 1 if marked else now + _GRACE_S


def _id_of(process: ProcessId) -> str:
    return _ID.format(pid=process.pid, start_time=process.start_time)


def _process_of(container_id: str) -> ProcessId | None:
    pid, _, start_time = container_id.removeprefix("netlab://").partition("-")
    if not (pid.isdigit() and start_time.isdigit()):
        return None
    return ProcessId(pid=int(pid), start_time=int(start_time))
