"""When the kubelet signals the processes of pods."""

import asyncio
import signal

import pytest

from netlab.apiserver.store import Store
from netlab.kube.objects import Object
from netlab.kubelet.agent import Kubelet
from netlab.kubelet.runtime.requests import Exited
from netlab.model.processes import ProcessId

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
    processes = "netlab.kubelet.agent.processes"
    monkeypatch.setattr(f"{processes}.send_signal", lambda *what: found.append(what))
    monkeypatch.setattr(f"{processes}.inits_of_containers", lambda _: [])
    monkeypatch.setattr(f"{processes}.kill", lambda *_: None)
    monkeypatch.setattr("netlab.kubelet.agent.netns.names_of", lambda _: [])
    return found


async def _no_runtime(request: object) -> None:
    del request


@pytest.fixture
def kubelet(store: Store, sent: list[tuple[ProcessId, int]]) -> Kubelet:
    """A kubelet that has taken over a pod, which is to be deleted now."""
    assert sent == []
    store.create(POD)
    kubelet = Kubelet("default", store, _no_runtime)
    asyncio.run(kubelet.adopt())
    kubelet.end_pods(NOW)
    return kubelet


def test_a_pod_is_asked_to_end_once_and_killed_when_it_is_late(
    kubelet: Kubelet, sent: list[tuple[ProcessId, int]]
):
    assert sent == []
    kubelet.ask_to_end(NOW, are_rules_laid=True)
    assert sent == [(PROCESS, signal.SIGTERM)]

    kubelet.end_pods(NOW + 1)
    kubelet.ask_to_end(NOW + 1, are_rules_laid=True)
    assert sent == [(PROCESS, signal.SIGTERM)]

    kubelet.end_pods(NOW + 30.9)
    assert sent[1:] == []
    kubelet.end_pods(NOW + 31)
    assert sent[1:] == [(PROCESS, signal.SIGKILL)]


def test_a_pod_is_not_asked_to_end_while_rules_lead_to_it_unless_it_would_be_killed_unasked(
    kubelet: Kubelet, sent: list[tuple[ProcessId, int]]
):
    for now in (NOW, NOW + 1, NOW + 2):
        kubelet.end_pods(now)
        kubelet.ask_to_end(now, are_rules_laid=False)
    assert sent == []
    kubelet.ask_to_end(NOW + 10, are_rules_laid=False)
    assert sent == [(PROCESS, signal.SIGTERM)]


def test_a_process_that_has_ended_by_itself_is_not_asked_to(
    kubelet: Kubelet, sent: list[tuple[ProcessId, int]]
):
    kubelet.exited(Exited(process=PROCESS, status=0))
    kubelet.ask_to_end(NOW, are_rules_laid=True)
    assert sent == []
