"""The kubelet of every node: keeps a process for each container that its pods want.

Theory of operation
-------------------
A pass compares the pods in the store with the processes that run. It starts what is missing, all
at once, and reports each start in the pod's status. A pod that is being deleted is asked to end
(SIGTERM) when the rules are laid that lead new connections to others, however busy the machine is;
where rules are refused again and again, it is asked nevertheless. It is killed when its grace
period is over; when its last process is gone the object is removed, and with it its network
namespace. That a process has ended is told by the container runtime and reported at once, so that
the pod leaves its EndpointSlices.

A container's id in the pod's status is its process's pid and start time: a control plane that
starts anew knows by it which processes to take over.
"""

import asyncio
import signal
from collections.abc import Awaitable, Callable, Iterable
from typing import Any, Final, NamedTuple

from netlab.apiserver.store import Store
from netlab.errors import NetlabError
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
from netlab.kubelet.container_spec import (
    container_directory,
    container_of,
    may_run,
    placement_of,
)
from netlab.kubelet.images import IMAGES, image_name
from netlab.kubelet.runtime.requests import Exited, Start, Watch
from netlab.linux import netns, processes
from netlab.linux.timeouts import scaled
from netlab.model.processes import ProcessId
from netlab.model.topology import Topology

Call = Callable[[object], Awaitable[Any]]
_ID: Final = "netlab://{pid}-{start_time}"
_GRACE_S: Final = 30
_KILL_S: Final = 10.0
_RULES_S: Final = 5.0
"""A pod is not asked to end for so long, at most, when rules still lead to it."""
_RETRY_S: Final = 10.0
"""After a container could not be started: the user may have installed its program."""


class _ContainerKey(NamedTuple):
    uid: str
    name: str


class Kubelet:
    """All processes of a lab's pods.

    Args:
        lab: Name.
        store: Whose pods to run.
        call: Sends a request to the container runtime.
    """

    def __init__(self, lab: str, store: Store, call: Call) -> None:
        self._lab = lab
        self._store = store
        self._call = call
        self._running: dict[str, dict[str, ProcessId]] = {}
        self._keys: dict[ProcessId, _ContainerKey] = {}
        self._ended: list[tuple[_ContainerKey, int | None]] = []
        self._ended_early: dict[ProcessId, int | None] = {}
        """Ends that were told before the start of the process was taken note of."""
        self._to_ask: dict[ProcessId, float] = {}
        """Whom to ask to end, and when at the latest."""
        self._asked_to_end: set[ProcessId] = set()
        self._retry_at: dict[_ContainerKey, float] = {}

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
        inits = processes.inits_of_lab(self._lab, netns.names_of(self._lab))
        strays = inits - self._keys.keys()
        processes.kill(strays, scaled(_KILL_S))

    def processes(self) -> dict[tuple[str, str], ProcessId]:
        """Return the processes that run, by pod uid and container name."""
        return {
            (uid, name): process
            for uid, found in self._running.items()
            for name, process in found.items()
        }

    def exited(self, message: Exited) -> None:
        """Take note of a process that has ended; the next pass reports it."""
        key = self._keys.pop(message.process, None)
        if key is None:
            self._ended_early[message.process] = message.status
        else:
            self._asked_to_end.discard(message.process)
            self._to_ask.pop(message.process, None)
            found = self._running.get(key.uid, {})
            if found.get(key.name) == message.process:
                del found[key.name]
            if not found:
                self._running.pop(key.uid, None)
            self._ended.append((key, message.status))

    def report_ended(self, now: float) -> None:
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

    def end_pods(self, now: float) -> float | None:
        """Take note of the pods that are to end, kill those that are late, and remove the ended.

        To be called when EndpointSlices have followed the pods, before anything else can happen to
        those: who is noted here is in no rule that is laid from then on.

        Returns:
            When to look again, in wall clock seconds; None when nothing waits.
        """
        placed = self._placed()
        self._kill_strays({uid_of(pod) for pod in placed})
        return self._end_pods([pod for pod in placed if is_terminating(pod)], now)

    async def start_pods(self, topology: Topology, now: float) -> float | None:
        """Start the processes that pods lack.

        Returns:
            When to look again, in wall clock seconds; None when nothing waits.
        """
        due, waiting = self._due([pod for pod in self._placed() if may_run(pod)], now)
        await self._start(due, topology, now)
        return min(waiting, default=None)

    def _placed(self) -> list[Object]:
        return [pod for pod in self._store.list_("pods") if placement_of(pod)]

    def _due(
        self, wanted: list[Object], now: float
    ) -> tuple[list[tuple[Object, Object]], list[float]]:
        due: list[tuple[Object, Object]] = []
        wakes: list[float] = []
        for pod in wanted:
            uid = uid_of(pod)
            for spec in items_of(spec_of(pod), "containers"):
                key = _ContainerKey(uid, spec["name"])
                if key.name in self._running.get(uid, {}):
                    continue
                at = self._retry_at.get(key) or pod_status.restart_at(pod, spec["name"])
                if at is not None and at > now:
                    wakes.append(at)
                elif at is not None or not _has_ended(pod, spec["name"]):
                    due.append((pod, spec))
        return due, wakes

    async def _start(
        self, due: list[tuple[Object, Object]], topology: Topology, now: float
    ) -> None:
        results = await asyncio.gather(
            *(self._start_one(topology, pod, spec) for pod, spec in due), return_exceptions=True
        )
        started: dict[str, tuple[Object, dict[str, ProcessId]]] = {}
        with self._store.transaction():
            for (pod, spec), result in zip(due, results, strict=True):
                key = _ContainerKey(uid_of(pod), spec["name"])
                self._retry_at.pop(key, None)
                if isinstance(result, ProcessId):
                    self._remember(key, result)
                    started.setdefault(key.uid, (pod, {}))[1][key.name] = result
                elif isinstance(result, NetlabError):
                    self._retry_at[key] = now + _RETRY_S
                    self._report_failure(pod, spec, result, now)
                else:
                    raise result
            for pod, found in started.values():
                self._report_started(pod, found, now)

    async def _start_one(self, topology: Topology, pod: Object, spec: Object) -> Any:  # noqa: ANN401
        restart_count = pod_status.next_restart_count(pod, spec["name"])
        container = container_of(self._lab, topology, pod, spec, restart_count)
        return await self._call(Start(container=container))

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

    def _report_failure(self, pod: Object, spec: Object, error: NetlabError, now: float) -> None:
        current = self._store.get(key_of(pod))
        if current is None:
            return
        program = IMAGES.get(image_name(spec.get("image", "")))
        package = program.package if program is not None else ""
        # The image is what is missing where the machine lacks its program.
        is_image = not spec.get("command") and (program is None or package)
        reason = "ErrImagePull" if is_image else "RunContainerError"
        hint = f"apt-get install {package}" if is_image and package else error.hint
        message = f"{error}; {hint}" if hint else str(error)
        self._store.update(
            pod_status.container_not_started(current, spec["name"], reason, message, now)
        )

    def _end_pods(self, ending: list[Object], now: float) -> float | None:
        wakes = []
        with self._store.transaction():
            for pod in ending:
                left = list(self._running.get(uid_of(pod), {}).values())
                if not left:
                    self._store.remove(key_of(pod))
                    continue
                deadline = _deadline(pod, now)
                if deadline > now:
                    self._note(left, now + min(_RULES_S, (deadline - now) / 2))
                else:
                    for process in left:
                        processes.send_signal(process, signal.SIGKILL)
                wakes.append(deadline if deadline > now else now + 1)
        return min(wakes, default=None)

    def _note(self, ending: Iterable[ProcessId], latest: float) -> None:
        for process in ending:
            if process not in self._asked_to_end:
                self._to_ask.setdefault(process, latest)

    def ask_to_end(self, now: float, *, are_rules_laid: bool) -> None:
        """Ask the processes of pods that are being deleted to end.

        Args:
            now: Wall clock seconds.
            are_rules_laid: Whether every node holds the rules that follow from the EndpointSlices;
                otherwise only those are asked that can wait no longer.
        """
        due = [one for one, latest in self._to_ask.items() if are_rules_laid or latest <= now]
        for process in due:
            del self._to_ask[process]
            self._asked_to_end.add(process)
            processes.send_signal(process, signal.SIGTERM)

    def _kill_strays(self, known: set[str]) -> None:
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
