"""Policies that are tried and put back."""

from contextlib import ExitStack

import pytest

from netlab.client.cluster import Body, Cluster
from netlab.lab.policies import PolicyTrial


class Services:
    """A lab's Services without endpoints, as the API keeps them."""

    def __init__(self, **policies: str) -> None:
        self.policies = policies
        self.interrupt_at = 0
        """Number of the change that an interrupt comes in the middle of; 0 for none."""
        self.changes = 0

    def get(self, path: str, /) -> Body:
        if path == "/netlab/v1/settled":
            return {"settled": True}
        if path != "/api/v1/services":
            return {"items": []}
        return {"items": [self._service(name) for name in self.policies]}

    def _service(self, name: str) -> Body:
        ports = [
            {"name": protocol, "protocol": protocol, "port": 80, "nodePort": 30000 + len(name)}
            for protocol in ("TCP", "UDP")
        ]
        spec = {"type": "NodePort", "clusterIP": "10.0.0.9", "ports": ports}
        if name == "internal":
            spec = {"type": "ClusterIP", "clusterIP": "10.0.0.8", "ports": [{"port": 80}]}
        spec["externalTrafficPolicy"] = self.policies[name]
        return {"metadata": {"name": name, "namespace": "default"}, "spec": spec}

    def patch(self, path: str, body: Body, content_type: str, /) -> Body:
        assert content_type == "application/merge-patch+json"
        self.changes += 1
        if self.changes == self.interrupt_at:
            raise KeyboardInterrupt
        self.policies[path.rpartition("/")[2]] = body["spec"]["externalTrafficPolicy"]
        return {}

    def create(self, path: str, body: Body, /) -> Body:
        raise AssertionError(f"{path} {body}: nothing is to be made")

    def delete(self, path: str, /) -> Body:
        raise AssertionError(f"{path}: nothing is to be deleted")


def trial(services: Services, undo: ExitStack) -> PolicyTrial:
    cluster = Cluster(lab="t", objects=services, read_hosts=lambda: ())
    return PolicyTrial(cluster, undo, lambda _: None)


def test_every_nodeport_has_the_policy_and_then_its_own_again():
    services = Services(one="Cluster", two="Local", internal="Cluster")

    with ExitStack() as undo:
        trying = trial(services, undo)
        trying.set_all("Cluster")
        assert services.policies == {"one": "Cluster", "two": "Cluster", "internal": "Cluster"}
        trying.set_all("Local")
        assert services.policies == {"one": "Local", "two": "Local", "internal": "Cluster"}

    assert services.policies == {"one": "Cluster", "two": "Local", "internal": "Cluster"}
    # A Service of two ports is changed once: two to Cluster, both to Local, one back.
    assert services.changes == 4


@pytest.mark.parametrize("number", [1, 2, 3, 4, 5])
def test_an_interrupt_at_any_change_leaves_nothing_changed(number: int):
    had = {"one": "Cluster", "two": "Local", "three": "Cluster"}
    services = Services(**had)
    services.interrupt_at = number

    def interrupted() -> None:
        with ExitStack() as undo:
            trying = trial(services, undo)
            trying.set_all("Cluster")
            trying.set_all("Local")

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert services.policies == had


def test_a_service_that_was_deleted_meanwhile_is_left_in_peace():
    services = Services(one="Cluster", two="Cluster")

    with ExitStack() as undo:
        trial(services, undo).set_all("Local")
        del services.policies["two"]

    assert services.policies == {"one": "Cluster"}
