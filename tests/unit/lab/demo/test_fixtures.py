"""Objects of an experiment: made, changed and put back, whatever happens between."""

from contextlib import ExitStack
from copy import deepcopy

import pytest

from netlab.client.cluster import Body, Cluster
from netlab.errors import LabError
from netlab.lab.demo.fixtures import DEPLOYMENTS, PODS, SERVICES, SOURCE_IP_APP, Fixtures


class MemoryObjects:
    """Collections of objects by path, as the API keeps them."""

    def __init__(self) -> None:
        self.collections: dict[str, dict[str, Body]] = {DEPLOYMENTS: {}, SERVICES: {}, PODS: {}}

    def get(self, path: str, /) -> Body:
        if path in self.collections:
            return {"items": list(self.collections[path].values())}
        collection, _, name = path.rpartition("/")
        return deepcopy(self.collections[collection][name])

    def create(self, path: str, body: Body, /) -> Body:
        self.collections[path][body["metadata"]["name"]] = deepcopy(body)
        return body

    def patch(self, path: str, body: Body, content_type: str, /) -> Body:
        assert content_type == "application/merge-patch+json"
        collection, _, name = path.rpartition("/")
        self.collections[collection][name]["spec"] |= body["spec"]
        return self.collections[collection][name]

    def delete(self, path: str, /) -> Body:
        collection, _, name = path.rpartition("/")
        return self.collections[collection].pop(name)

    def service(self, name: str, **spec: object) -> None:
        body = {"metadata": {"name": name}, "spec": {"type": "NodePort"} | spec}
        self.create(SERVICES, body)


@pytest.fixture
def objects() -> MemoryObjects:
    return MemoryObjects()


@pytest.fixture
def said() -> list[str]:
    return []


def fixtures(objects: MemoryObjects, undo: ExitStack, said: list[str]) -> Fixtures:
    return Fixtures(Cluster(lab="t", objects=objects, read_hosts=lambda: ()), undo, said.append)


def test_what_is_missing_is_made_and_removed_again(objects: MemoryObjects, said: list[str]):
    with ExitStack() as undo:
        on = fixtures(objects, undo, said)
        on.deployment(SOURCE_IP_APP)
        on.service("nodeport", SOURCE_IP_APP, "NodePort")
        on.caller_pod("node2")
        made = {name for names in objects.collections.values() for name in names}
        assert made == {"source-ip-app", "nodeport", "caller-node2"}
    assert not any(objects.collections.values())
    assert said[-1] == "delete Deployment source-ip-app"


def test_what_is_there_stays_as_it_was(objects: MemoryObjects, said: list[str]):
    objects.service("nodeport", ports=[])
    before = deepcopy(objects.collections)
    with ExitStack() as undo:
        fixtures(objects, undo, said).service("nodeport", SOURCE_IP_APP, "NodePort")
    assert objects.collections == before
    assert said == []


def test_a_policy_is_put_back_even_when_the_experiment_fails(
    objects: MemoryObjects, said: list[str]
):
    objects.service("nodeport", externalTrafficPolicy="Cluster")

    def fail() -> None:
        with ExitStack() as undo:
            fixtures(objects, undo, said).policy("nodeport", "Local")
            policy = objects.collections[SERVICES]["nodeport"]["spec"]["externalTrafficPolicy"]
            assert policy == "Local"
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fail()
    spec = objects.collections[SERVICES]["nodeport"]["spec"]
    assert spec["externalTrafficPolicy"] == "Cluster"


def test_a_service_of_the_wrong_type_is_refused_with_a_hint(
    objects: MemoryObjects, said: list[str]
):
    objects.service("nodeport", type="ClusterIP")
    with (
        ExitStack() as undo,
        pytest.raises(LabError, match="of type ClusterIP; the experiment needs a NodePort") as e,
    ):
        fixtures(objects, undo, said).policy("nodeport", "Local")
    assert "netlab delete service nodeport" in e.value.hint
