"""When the kubelet signals the processes of pods."""

import asyncio
import signal

import pytest

from netlab.apiserver.store import Store
from netlab.errors import HostError, KernelError
from netlab.kube.objects import Key, Object, status_of, uid_of
from netlab.kubelet.agent import Kubelet
from netlab.kubelet.prober import Prober
from netlab.kubelet.runtime.requests import Exited, Start
from netlab.kubelet.server import ExecProcess
from netlab.kubelet.termination import Termination
from netlab.model.processes import ProcessId
from netlab.model.topology import Topology
from tests.unit.kubelet.samples import sources_of

PROCESS = ProcessId(pid=4_000_000, start_time=7)
NOW = 1_800_000_000.0
POD: Object = {
    "apiVersion": "v1",
    "kind": "Pod",
    "metadata": {
        "name": "web-1",
        "namespace": "default",
        "deletionTimestamp": "2027-01-15T08:00:30Z",
        "deletionGracePeriodSeconds": 30,
    },
    "spec": {
        "nodeName": "node1",
        "automountServiceAccountToken": False,
        "containers": [{"name": "echo", "image": "echoserver:1.4"}],
    },
    "status": {
        "phase": "Running",
        "podIP": "10.244.1.2",
        "podIPs": [{"ip": "10.244.1.2"}],
        "containerStatuses": [
            {"name": "echo", "containerID": "netlab://4000000-7", "state": {"running": {}}}
        ],
    },
}


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[tuple[ProcessId, int]]:
    found: list[tuple[ProcessId, int]] = []
    processes = "netlab.linux.processes"
    monkeypatch.setattr(f"{processes}.send_signal", lambda *what: found.append(what))
    monkeypatch.setattr(f"{processes}.inits_of_containers", lambda _: [])
    monkeypatch.setattr(f"{processes}.kill", lambda *_: None)
    monkeypatch.setattr("netlab.kubelet.agent.netns_names.names_of", lambda _: [])
    return found


class Rules:
    """Rules of all nodes, which follow the objects when a test says so."""

    def __init__(self) -> None:
        self.follow = asyncio.Event()

    async def wait(self) -> None:
        await self.follow.wait()


class Runtime:
    """A container runtime whose containers start when a test says so."""

    def __init__(self) -> None:
        self.serves = asyncio.Event()
        self.asked: list[Start] = []

    async def __call__(self, request: object) -> ProcessId | None:
        if not isinstance(request, Start):
            return None
        self.asked.append(request)
        if "slow" in request.container.netns:
            await self.serves.wait()
        return ProcessId(pid=5_000_000 + len(self.asked), start_time=8)


async def _nowhere(netns: str, address: str, port: int) -> int:
    raise KernelError(f"{netns}: {address}:{port}")


async def _nothing(pod: Object, container: str, argv: tuple[str, ...]) -> ExecProcess:
    raise HostError(f"{container}: {argv} in {pod}")


def kubelet_of(store: Store, runtime: Runtime, rules: Rules) -> Kubelet:
    return Kubelet(
        "default",
        store,
        runtime,
        termination=Termination(Prober("default", _nowhere, _nothing), rules.wait),
        has_namespace=lambda name: "without-namespace" not in name,
        wake=lambda: None,
    )


def pod(name: str, **fields: Object) -> Object:
    """Return a pod that is to run."""
    own = {"name": name, "namespace": "default"}
    return {**POD, "metadata": own, "status": {"podIPs": [{"ip": "10.244.1.3"}]}, **fields}


async def turns() -> None:
    """Let every task go on until it waits."""
    for _ in range(5):
        await asyncio.sleep(0)


def test_a_pod_is_asked_to_end_once_and_killed_when_it_is_late(
    store: Store, sent: list[tuple[ProcessId, int]], topology: Topology
):
    store.create(POD)

    async def run() -> None:
        rules = Rules()
        kubelet = kubelet_of(store, Runtime(), rules)
        await kubelet.adopt()
        again_at = await kubelet.sync(sources_of(topology), NOW)
        assert again_at is not None
        assert again_at <= NOW + 31
        await turns()
        assert sent == []
        rules.follow.set()
        await turns()
        assert sent == [(PROCESS, signal.SIGTERM)]
        await kubelet.sync(sources_of(topology), NOW + 30.9)
        await turns()
        assert sent[1:] == []
        await kubelet.sync(sources_of(topology), NOW + 31)
        assert sent[1:] == [(PROCESS, signal.SIGKILL)]

    asyncio.run(run())


def test_a_pod_is_asked_to_end_in_time_where_rules_are_refused(
    store: Store,
    sent: list[tuple[ProcessId, int]],
    topology: Topology,
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setattr("netlab.kubelet.termination.RULES_S", 0.02)
    store.create(POD)

    async def run() -> None:
        kubelet = kubelet_of(store, Runtime(), Rules())
        await kubelet.adopt()
        await kubelet.sync(sources_of(topology), NOW)
        await turns()
        assert sent == []
        await asyncio.wait_for(kubelet._termination.asking[PROCESS], 5)
        assert sent == [(PROCESS, signal.SIGTERM)]

    asyncio.run(run())


def test_a_process_that_has_ended_by_itself_is_not_asked_to(
    store: Store, sent: list[tuple[ProcessId, int]], topology: Topology
):
    store.create(POD)

    async def run() -> None:
        rules = Rules()
        kubelet = kubelet_of(store, Runtime(), rules)
        await kubelet.adopt()
        await kubelet.sync(sources_of(topology), NOW)
        kubelet.exited(Exited(process=PROCESS, status=0))
        rules.follow.set()
        await turns()
        assert sent == []

    asyncio.run(run())


@pytest.mark.usefixtures("sent")
def test_a_container_that_starts_slowly_keeps_no_other_waiting(store: Store, topology: Topology):
    for name in ("slow", "quick"):
        store.create(pod(name))

    async def run() -> None:
        runtime = Runtime()
        kubelet = kubelet_of(store, runtime, Rules())
        await kubelet.sync(sources_of(topology), NOW)
        await turns()
        await kubelet.sync(sources_of(topology), NOW)
        assert [phase_of(store, name) for name in ("slow", "quick")] == ["", "Running"]
        assert kubelet.is_starting()
        runtime.serves.set()
        await turns()
        await kubelet.sync(sources_of(topology), NOW)
        assert phase_of(store, "slow") == "Running"
        assert len(runtime.asked) == 2
        assert not kubelet.is_starting()

    asyncio.run(run())


@pytest.mark.usefixtures("sent")
def test_a_container_is_started_when_its_pod_has_a_namespace(store: Store, topology: Topology):
    store.create(pod("without-namespace"))

    async def run() -> None:
        runtime = Runtime()
        kubelet = kubelet_of(store, runtime, Rules())
        await kubelet.sync(sources_of(topology), NOW)
        await turns()
        assert runtime.asked == []

    asyncio.run(run())


@pytest.mark.parametrize(
    "fields",
    [
        {"status": {"podIPs": [{"ip": "10.244.1"}]}},
        {"spec": {"nodeName": "node1", "containers": [{}]}},
        {"metadata": {"name": "odd", "namespace": "default", "deletionTimestamp": "soon"}},
    ],
    ids=["an address that is none", "a container without a name", "a time that is none"],
)
@pytest.mark.usefixtures("sent")
def test_a_pod_that_cannot_be_read_is_left_out_by_its_name(
    store: Store, topology: Topology, fields: dict[str, Object]
):
    store.create(pod("odd", **fields))
    store.create(pod("plain"))

    async def run() -> None:
        kubelet = kubelet_of(store, Runtime(), Rules())
        if "deletionTimestamp" in fields.get("metadata", {}):
            kubelet._running[uid_of(store.list_("pods")[0])] = {"echo": PROCESS}
        await kubelet.sync(sources_of(topology), NOW)
        await turns()
        await kubelet.sync(sources_of(topology), NOW)
        assert phase_of(store, "plain") == "Running"
        assert [str(key) for key in kubelet.unreadable.reasons()] == ["pods default/odd"]
        store.remove(Key("pods", "default", "odd"))
        await kubelet.sync(sources_of(topology), NOW)
        assert kubelet.unreadable.reasons() == {}

    asyncio.run(run())


def phase_of(store: Store, name: str) -> str:
    found: str = status_of(store.require(Key("pods", "default", name))).get("phase", "")
    return found
