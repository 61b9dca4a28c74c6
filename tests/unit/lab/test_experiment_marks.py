"""What an experiment left is put back by whoever comes next; what one that goes on has, is not."""

import os
from copy import deepcopy
from typing import Any

import pytest

from netlab.kube.objects import Key
from netlab.kube.patch import merge
from netlab.kube.status import not_found
from netlab.lab.experiment_marks import made, policy_patch, policy_restored, put_back
from netlab.linux import processes

SERVICE = {
    "kind": "Service",
    "metadata": {"name": "web", "namespace": "default", "annotations": {"mine": "stays"}},
    "spec": {"type": "NodePort", "externalTrafficPolicy": "Cluster"},
}
POD = {"kind": "Pod", "metadata": {"name": "caller", "namespace": "default"}, "spec": {}}


class Objects:
    """A lab's objects by path."""

    def __init__(self, **at: Any) -> None:  # noqa: ANN401
        self.services: dict[str, Any] = at.get("services", {})
        self.pods: dict[str, Any] = at.get("pods", {})

    def get(self, path: str, /) -> dict[str, Any]:
        return {"items": list(vars(self).get(path.rpartition("/")[2], {}).values())}

    def create(self, path: str, body: dict[str, Any], /) -> dict[str, Any]:
        raise AssertionError(path, body)

    def patch(self, path: str, body: dict[str, Any], content_type: str, /) -> dict[str, Any]:
        assert content_type == "application/merge-patch+json"
        name = path.rpartition("/")[2]
        self.services[name] = merge(self.services[name], body)
        return self.services[name]

    def delete(self, path: str, /) -> dict[str, Any]:
        if path.rpartition("/")[2] not in self.pods:
            raise not_found(Key("pods", "default", "caller"))
        return self.pods.pop(path.rpartition("/")[2])


@pytest.fixture
def ended(monkeypatch: pytest.MonkeyPatch) -> int:
    """Have marks name a process that has ended."""
    pid = os.fork()
    if pid == 0:
        os._exit(0)
    gone = processes.identity(pid)
    os.waitpid(pid, 0)
    monkeypatch.setattr(processes, "identity", lambda _: gone)
    return pid


def test_a_policy_is_put_back_and_nothing_else_is_changed(ended: int):
    assert ended
    objects = Objects(services={"web": merge(SERVICE, policy_patch("Local", "Cluster"))})
    assert objects.services["web"]["spec"]["externalTrafficPolicy"] == "Local"
    assert put_back(objects) == ["put back externalTrafficPolicy Cluster of Service web"]
    assert objects.services["web"] == SERVICE
    assert put_back(objects) == []


def test_what_was_made_is_deleted(ended: int):
    assert ended
    objects = Objects(pods={"caller": made(POD)})
    assert put_back(objects) == ["delete Pod caller, which an experiment has left"]
    assert objects.pods == {}


def test_what_somebody_else_deletes_meanwhile_is_no_failure(ended: int):
    assert ended
    objects = Objects(pods={"other": made(POD)})
    assert put_back(objects) == []


def test_a_service_that_has_no_policy_any_more_loses_the_marks_alone(ended: int):
    assert ended
    changed = merge(SERVICE, policy_patch("Local", "Cluster"))
    changed["spec"] = {"type": "ClusterIP"}
    objects = Objects(services={"web": changed})
    assert put_back(objects) == ["take the marks of an experiment off Service web"]
    assert objects.services["web"] == {**SERVICE, "spec": {"type": "ClusterIP"}}


def test_an_experiment_that_goes_on_is_skipped():
    pods = {"caller": made(POD)}
    services = {"web": merge(SERVICE, policy_patch("Local", "Cluster"))}
    objects = Objects(pods=deepcopy(pods), services=deepcopy(services))
    assert put_back(objects) == []
    assert (objects.pods, objects.services) == (pods, services)


def test_the_way_back_takes_the_marks_off():
    changed = merge(SERVICE, policy_patch("Local", "Cluster"))
    assert merge(changed, policy_restored("Cluster")) == SERVICE
