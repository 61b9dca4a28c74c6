"""The kubelet of every node: keeps a process for each container that its pods want.

Theory of operation
-------------------
A sync compares the pods in the store with the processes that run. It has what is missing started
(``lifecycle`` says what), all at once, and waits for none: a container that starts slowly keeps no
other waiting. Its start is reported in the pod's status by the sync that follows it. Probes are
made beside that (``probing``), and a sync writes what they say. A pod that is being deleted is
asked to end when every node holds the rules that lead new connections to others (``termination``);
when its last process is gone the object is removed, and with it its network namespace and files.
That a process has ended is told by the container runtime and reported at once, so that the pod
leaves its EndpointSlices. A pod that cannot be read is left out, and named in ``unreadable``.

A container's id in the pod's status is its process's pid and start time: a control plane that
starts anew knows by it which processes to take over. What waits for its restart is remembered here
alone; after such a start it is started at once.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from functools import partial
from pathlib import Path
from typing import Any, Final

from netlab.apiserver.events import Recorder
from netlab.apiserver.store import Store
from netlab.kube.events import Record
from netlab.kube.kinds.pod import status as pod_status
from netlab.kube.kinds.pod.containers import container_spec, container_status, container_statuses
from netlab.kube.objects import Object, is_terminating, metadata_of, spec_of, uid_of
from netlab.kube.resources import key_of
from netlab.kube.unreadable import UnreadableObjects
from netlab.kubelet import disk_pressure, pod_events
from netlab.kubelet.active_deadline import enforce_deadlines
from netlab.kubelet.container_exit import exit_of
from netlab.kubelet.container_id import process_of, with_container_ids
from netlab.kubelet.container_spec import (
    container_directory,
    container_of,
    is_placed,
    is_stand_in,
    netns_of,
)
from netlab.kubelet.failures import (
    ERR_IMAGE_PULL,
    START_ERROR,
    START_ERROR_CODE,
    StartFailure,
    start_failure,
)
from netlab.kubelet.images import require_rootfs
from netlab.kubelet.lifecycle import due_containers, left_over
from netlab.kubelet.pod_volumes import PodVolumes
from netlab.kubelet.probes import Verdict
from netlab.kubelet.probing import ContainerKey, Probing
from netlab.kubelet.process_config import write_process
from netlab.kubelet.quick_ends import QuickEnds
from netlab.kubelet.readiness_gates import heed_readiness_gates
from netlab.kubelet.retries import Retries
from netlab.kubelet.runtime.requests import Exited, RemovePod, Start, Watch
from netlab.kubelet.sources import Sources
from netlab.kubelet.termination import Termination, grace_s
from netlab.linux import netns_names, processes
from netlab.linux.timeouts import scaled
from netlab.model import rundir
from netlab.model.names import LB, NetnsName, host_netns
from netlab.model.processes import ProcessId

Call = Callable[[object], Awaitable[Any]]
_KILL_S: Final = 10.0


class Kubelet:
    """All processes of a lab's pods.

    Args:
        lab: Name.
        store: Whose pods to run.
        call: Sends a request to the container runtime.
        termination: Ends processes, and has what makes probes and runs hooks.
        has_namespace: Tells whether a network namespace is there, with its links.
        wake: Has ``sync`` called soon.
    """

    def __init__(
        self,
        lab: str,
        store: Store,
        call: Call,
        *,
        termination: Termination,
        has_namespace: Callable[[NetnsName], bool],
        wake: Callable[[], None],
    ) -> None:
        self.unreadable = UnreadableObjects()
        self._read = self.unreadable.read_unless_left_out
        self._lab = lab
        self._store = store
        self._call = call
        self._prober = termination.prober
        self._has_namespace = has_namespace
        self._wake = wake
        self._recorder = Recorder(store)
        self._termination = termination
        self._probing = Probing(termination.prober, wake)
        self._volumes = PodVolumes(lab)
        self._running: dict[str, dict[str, ProcessId]] = {}
        self._keys: dict[ProcessId, ContainerKey] = {}
        self._ended: list[tuple[ContainerKey, Exited]] = []
        self._quick_ends = QuickEnds()
        self._ended_early: dict[ProcessId, Exited] = {}
        """Ends that were told before the start of the process was taken note of."""
        self._starting: dict[ContainerKey, tuple[Object, Object, asyncio.Task[ProcessId]]] = {}
        """Pod, container and start of each that is to run."""
        self._retries = Retries()
        self._stand_ins: set[ContainerKey] = set()
        """Containers for whose unknown image something else runs."""
        self._with_files: set[str] = set()
        """Pods that have a directory, or control groups."""
        self._tasks: set[asyncio.Future[Any]] = set()

    async def adopt(self) -> None:
        """Take over the processes that an earlier control plane started, and the pods' files."""
        self._with_files = {path.name for path in rundir.pods_directory(self._lab).glob("*")}
        for pod in self._store.list_("pods"):
            for status in container_statuses(pod):
                process = process_of(status.get("containerID", ""))
                if process is None or "running" not in status.get("state", {}):
                    continue
                key = ContainerKey(uid_of(pod), status["name"])
                self._remember(key, process)
                self._probing.begin(key, pod, container_spec(pod, key.name), 0.0)
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
        processes.kill(inits - self._keys.keys() - set(balancers), scaled(_KILL_S))

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
            if self._starting:
                self._ended_early[message.process] = message
                self._quick_ends.ended(message.process)
            return
        self._termination.ended(message.process)
        self._probing.end(key)
        found = self._running.get(key.uid, {})
        if found.get(key.name) == message.process:
            del found[key.name]
        if not found:
            self._running.pop(key.uid, None)
        self._ended.append((key, message))

    def retry_now(self) -> None:
        """Have the next sync start what waits for its restart, or for another try."""
        self._retries.clear()
        self._wake()

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
        self.unreadable.clear()
        with self._store.transaction():
            # A container may have ended before it is known to have started.
            self._report_starts(now)
            self._report_ended(now)
            probed_at = self._report_probes(now)
            heed_readiness_gates(self._store, now, self.unreadable)
            disk = disk_pressure.look(self._store, rundir.rundir(self._lab), now)
            overdue, overdue_at = enforce_deadlines(self._store, now, self.unreadable)
            for event in (*disk, *overdue):
                self._record(event, now)
        pods = [
            pod
            for pod in self._store.list_("pods")
            if self._read(key_of(pod), partial(is_placed, pod))
        ]
        self._forget_all_but({uid_of(pod) for pod in self._store.list_("pods")})
        running = [pod for pod in pods if uid_of(pod) in self._running]
        update = self._volumes.update
        wakes = [
            now + disk_pressure.LOOK_S,
            probed_at,
            overdue_at,
            *(self._read(key_of(pod), partial(update, pod, sources, now)) for pod in running),
            self._end_pods(now),
            self._start_pods(pods, sources, now),
        ]
        return min((wake for wake in wakes if wake is not None), default=None)

    def _current(self, key: ContainerKey, pod: Object) -> Object | None:
        """Return the present state of a pod that is still the same one."""
        current = self._store.get(key_of(pod))
        return current if current is not None and uid_of(current) == key.uid else None

    def _record(self, event: Record, now: float) -> None:
        self._recorder.record(event, now)

    def _report_ended(self, now: float) -> None:
        """Write the ends of processes into their pods' statuses."""
        ended, self._ended = self._ended, []
        by_uid = {uid_of(pod): pod for pod in self._store.list_("pods")} if ended else {}
        for key, message in ended:
            pod = by_uid.get(key.uid)
            if pod is None:
                continue
            write = partial(self._write_ended, key, pod, message, now)
            by_uid[key.uid] = self._read(key_of(pod), write) or pod

    def _write_ended(self, key: ContainerKey, pod: Object, message: Exited, now: float) -> Object:
        """Write the end of a container that ran, with its last words; return the pod."""
        # How it ended nobody saw: that was while no control plane was there.
        is_crash = message.status is not None
        end = exit_of(self._lab, pod, key.name, message)
        return self._write_exit(key, pod, end, now, is_crash=is_crash)

    def _write_exit(
        self, key: ContainerKey, pod: Object, end: pod_status.Exit, now: float, *, is_crash: bool
    ) -> Object:
        """Write the end of a container, and have it wait for its restart; return the pod."""
        wait_s = pod_status.next_wait(pod, key.name, now) if is_crash else 0
        new = self._store.update(
            pod_status.container_exited(pod, key.name, end, now, wait_s=wait_s)
        )
        if not is_terminating(pod) and pod_status.restarts(pod, key.name, end.code):
            self._retries.restart(key, now + wait_s)
            if wait_s:
                self._record(pod_events.back_off(pod, key.name), now)
        return new

    def _report_starts(self, now: float) -> None:
        """Write what came of starts into their pods' statuses."""
        done = {key: start for key, start in self._starting.items() if start[2].done()}
        started: dict[str, tuple[Object, dict[str, ProcessId]]] = {}
        for key, (pod, spec, task) in done.items():
            del self._starting[key]
            self._retries.tried(key)
            error = task.exception()
            if error is None:
                self._retries.started(key)
                self._remember(key, task.result())
                self._probing.begin(key, pod, spec, now)
                started.setdefault(key.uid, (pod, {}))[1][key.name] = task.result()
            else:
                failure = start_failure(spec, error)
                report = self._report_failure
                if failure.reason == START_ERROR:
                    report = self._report_start_error
                self._read(key_of(pod), partial(report, key, pod, failure, now))
        if not self._starting:
            self._ended_early.clear()
        for pod, found in started.values():
            self._read(key_of(pod), partial(self._report_started, pod, found, now))

    def _report_started(self, pod: Object, found: dict[str, ProcessId], now: float) -> None:
        names = [name for name, process in found.items() if process in self._keys]
        stand_ins = {key.name for key in self._stand_ins if key.uid == uid_of(pod)}
        current = self._current(ContainerKey(uid_of(pod), ""), pod)
        if current is None:
            return
        new = pod_status.containers_started(current, now, found.keys())
        new = with_container_ids(new, found, stand_ins)
        quick = [one for one in self._ended if one[0].uid == uid_of(pod) and one[0].name in found]
        if not quick:
            self._store.update(new)
        # What has ended already is told as one change: nobody is to attach to it meanwhile.
        for one in quick:
            self._ended.remove(one)
            new = self._write_ended(one[0], new, one[1], now)
        for name in found:
            for event in pod_events.started(pod, name, is_stand_in=name in stand_ins):
                self._record(event, now)
        for name in names:
            hook = (container_spec(pod, name).get("lifecycle") or {}).get("postStart")
            if hook:
                self._run(self._post_start(pod, name, hook, now))

    async def _post_start(self, pod: Object, name: str, hook: Object, now: float) -> None:
        """Run a container's hook after its start; where it fails, the container is to end."""
        failure = await self._prober.probe(pod, container_spec(pod, name), hook, scaled(60))
        process = self._running.get(uid_of(pod), {}).get(name)
        if failure is not None and process is not None:
            self._record(pod_events.hook_failed(pod, name, "PostStart", failure), now)
            self._termination.end(pod, {name: process}, now, grace_s(pod))

    def _report_failure(
        self, key: ContainerKey, pod: Object, failure: StartFailure, now: float
    ) -> None:
        failure = failure.after(self._retries.failure(key), now)
        self._retries.failed(key, failure)
        current = self._current(key, pod)
        if current is None:
            return
        new = pod_status.container_not_started(
            current, key.name, failure.reason, failure.message, now
        )
        if key.name and container_status(current, key.name) != container_status(new, key.name):
            self._store.update(new)
        for event in pod_events.failed(pod, key.name, failure):
            self._record(event, now)

    def _report_start_error(
        self, key: ContainerKey, pod: Object, failure: StartFailure, now: float
    ) -> None:
        """Write that a container has ended before its program began."""
        current = self._current(key, pod)
        if current is None:
            return
        self._retries.started(key)
        for event in pod_events.failed(pod, key.name, failure):
            self._record(event, now)
        started = pod_status.containers_started(current, now, [key.name])
        end = pod_status.Exit(code=START_ERROR_CODE, reason=START_ERROR, message=failure.message)
        self._write_exit(key, started, end, now, is_crash=True)

    def _report_probes(self, now: float) -> float | None:
        """Write what probes say, and have containers end whose probes failed."""
        wake = self._probing.sync(now)
        by_uid: dict[str, Object] = {}
        failures, verdicts = self._probing.failures(), list(self._probing.verdicts())
        if failures or verdicts:
            by_uid = {uid_of(pod): pod for pod in self._store.list_("pods")}
        for failure in failures:
            if failure.key.uid in by_uid:
                pod = by_uid[failure.key.uid]
                event = pod_events.unhealthy(pod, failure.key.name, failure.kind, failure.message)
                self._record(event, now)
        for key, said in verdicts:
            if key.uid in by_uid:
                pod = by_uid[key.uid]
                report = partial(self._report_verdict, key, pod, said, now)
                by_uid[key.uid] = self._read(key_of(pod), report) or pod
        return wake

    def _report_verdict(self, key: ContainerKey, pod: Object, said: Verdict, now: float) -> Object:
        """Write what the probes of a container say, and end one that failed; return the pod."""
        new = pod_status.container_probed(
            pod, key.name, now, ready=said.ready, started=said.started
        )
        if new is not pod:
            new = self._store.update(new)
        process = self._running.get(key.uid, {}).get(key.name)
        if said.failed is not None and process is not None and not is_terminating(pod):
            self._probing.end(key)
            self._record(pod_events.probe_kills(pod, key.name, said.failed), now)
            self._termination.end(pod, {key.name: process}, now, grace_s(pod))
        return new

    def _start_pods(self, pods: list[Object], sources: Sources, now: float) -> float | None:
        """Have the containers started that are missing and due; return when others will be."""
        wakes: list[float | None] = []
        starting: dict[str, list[str]] = {}
        for key in self._starting:
            starting.setdefault(key.uid, []).append(key.name)
        for pod in pods:
            if is_terminating(pod):
                continue
            names = starting.get(uid_of(pod), ())
            found = self._read(key_of(pod), partial(self._due, pod, names, now))
            for spec, at in found or []:
                if at <= now:
                    self._start(sources, pod, spec, now)
                    continue
                wakes.append(
                    self._read(key_of(pod), partial(self._wait, pod, spec["name"], at, now))
                )
        return min((wake for wake in wakes if wake is not None), default=None)

    def _due(self, pod: Object, starting: Iterable[str], now: float) -> list[tuple[Object, float]]:
        """Return the containers of a pod that are to be started, and when."""
        uid = uid_of(pod)
        running = self._running.get(uid, {})
        extra = {name: running[name] for name in left_over(pod, running)}
        if extra:
            self._termination.end(pod, extra, now, grace_s(pod))
        if not self._has_namespace(netns_of(self._lab, pod)):
            return []
        active, at = {*running, *starting}, self._retries.due(uid)
        return [(one.spec, one.at) for one in due_containers(pod, active, at, now)]

    def _wait(self, pod: Object, name: str, at: float, now: float) -> float:
        """Return when to look again at a container that waits."""
        key = ContainerKey(uid_of(pod), name)
        failure = self._retries.failure(key)
        if failure is None or failure.reason != ERR_IMAGE_PULL:
            return at
        if now < failure.since + failure.SHOWN_S:
            return failure.since + failure.SHOWN_S
        self._report_failure(key, pod, failure.backing_off(), now)
        return at

    def _start(self, sources: Sources, pod: Object, spec: Object, now: float) -> None:
        task = asyncio.ensure_future(self._start_one(sources, pod, spec, now))
        task.add_done_callback(lambda _: self._wake())
        self._starting[ContainerKey(uid_of(pod), spec["name"])] = (pod, spec, task)
        self._with_files.add(uid_of(pod))

    async def _start_one(
        self, sources: Sources, pod: Object, spec: Object, now: float
    ) -> ProcessId:
        restart_count = pod_status.next_restart_count(pod, spec["name"])
        container = container_of(self._lab, pod, spec, restart_count, sources)
        require_rootfs(spec.get("image", ""), container.rootfs)
        if is_stand_in(spec, sources):
            self._stand_ins.add(ContainerKey(uid_of(pod), spec["name"]))
        self._volumes.set_up(pod, sources, now)
        write_process(Path(container.directory), container.process)
        target = self._running.get(uid_of(pod), {}).get(spec.get("targetContainerName", ""))
        process: ProcessId = await self._call(Start(container=container, target=target))
        await self._quick_ends.wait(pod, spec, process)
        return process

    def _end_pods(self, now: float) -> float | None:
        """Have the processes of pods that are to end told so, kill late ones, remove the ended."""
        wakes = []
        with self._store.transaction():
            for pod in self._store.list_("pods"):
                if is_terminating(pod) and spec_of(pod).get("nodeName"):
                    wakes.append(self._read(key_of(pod), partial(self._end_pod, pod, now)))
                    if key_of(pod) in self.unreadable.reasons():
                        self._end_unreadable(pod)
        return min((wake for wake in wakes if wake is not None), default=None)

    def _end_unreadable(self, pod: Object) -> None:
        """End a pod of which nobody can tell how it wants to be ended."""
        left = self._running.get(uid_of(pod), {})
        self._termination.kill(left.values())
        if not left and not metadata_of(pod).get("finalizers"):
            self._store.remove(key_of(pod))

    def _end_pod(self, pod: Object, now: float) -> float | None:
        if any(key.uid == uid_of(pod) for key in self._starting):
            # It ends as one that runs; the end of the start calls for the next sync.
            return None
        left = dict(self._running.get(uid_of(pod), {}))
        if left:
            new, wake = self._termination.end_pod(pod, left, now)
            for name in new:
                self._record(pod_events.stopping(pod, name), now)
            return wake
        if not metadata_of(pod).get("finalizers"):
            # The sync that follows removes its files.
            self._store.remove(key_of(pod))
        return None

    def _forget_all_but(self, known: set[str]) -> None:
        """Kill what runs for pods that are gone; then remove their files, and remember nothing."""
        for uid in self._running.keys() - known:
            self._termination.kill(self._running[uid].values())
        starting = {key.uid for key in self._starting}
        ended = self._with_files - known - self._running.keys() - starting
        for uid in ended:
            self._run(self._call(RemovePod(uid=uid)))
        self._with_files -= ended
        self._volumes.keep(known)
        self._stand_ins = {key for key in self._stand_ins if key.uid in known}
        self._retries.forget_all_but(known)

    def _run(self, work: Awaitable[Any]) -> None:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _remember(self, key: ContainerKey, process: ProcessId) -> None:
        self._running.setdefault(key.uid, {})[key.name] = process
        self._keys[process] = key
        if process in self._ended_early:
            self.exited(self._ended_early.pop(process))
