"""When the kubelet signals the processes of pods."""

import asyncio
import signal

import pytest

from netlab.control.store import Store
from netlab.lab.kubelet import Kubelet
from netlab.model.objects import Object
from netlab.model.processes import ProcessId
from netlab.model.topology import Topology

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
    "spec": {"nodeName": "node1", "containers": [{"name": "echo", "image": "echoserver:1.4"}]},
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
    processes = "netlab.lab.kubelet.processes"
    monkeypatch.setattr(f"{processes}.send_signal", lambda *what: found.append(what))
    monkeypatch.setattr(f"{processes}.inits_of_containers", lambda _: [])
    monkeypatch.setattr(f"{processes}.kill", lambda *_: None)
    monkeypatch.setattr("netlab.lab.kubelet.netns.names_of", lambda _: [])
    return found


async def _no_runtime(request: object) -> None:
    del request


def test_a_pod_is_asked_to_end_only_when_the_rules_lead_elsewhere_and_killed_when_it_is_late(
    store: Store, topology: Topology, sent: list[tuple[ProcessId, int]]
):
    store.create(POD)
    kubelet = Kubelet("default", store, _no_runtime)
    asyncio.run(kubelet.adopt())

    asyncio.run(kubelet.run_pods(topology, NOW))
    assert sent == []
    kubelet.ask_to_end()
    assert sent == [(PROCESS, signal.SIGTERM)]

    asyncio.run(kubelet.run_pods(topology, NOW + 1))
    kubelet.ask_to_end()
    assert sent == [(PROCESS, signal.SIGTERM)]

    asyncio.run(kubelet.run_pods(topology, NOW + 31))
    assert sent[1:] == [(PROCESS, signal.SIGKILL)]
