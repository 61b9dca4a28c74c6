from netlab.client.api_client import Client
from netlab.client.apply import apply_manifests, placed, prune
from netlab.kube.objects import Object

MARK = "netlab/topology"


def service(name: str, **values: str) -> Object:
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": name, "annotations": {MARK: "t"}},
        "spec": {"ports": [{"port": 80}], "selector": values or {"app": name}},
    }


def verbs(client: Client, *manifests: Object) -> list[tuple[str, str]]:
    return [(one.key.name, one.verb) for one in apply_manifests(client, manifests)]


def test_twice_is_once(client: Client):
    assert verbs(client, service("a"), service("b")) == [("a", "created"), ("b", "created")]
    assert verbs(client, service("a"), service("b")) == [("a", "unchanged"), ("b", "unchanged")]


def test_what_differs_is_configured(client: Client):
    verbs(client, service("a"))
    assert verbs(client, service("a", app="other")) == [("a", "configured")]
    path = "/api/v1/namespaces/default/services/a"
    assert client.get(path)["spec"]["selector"] == {"app": "other"}


def test_only_what_came_with_a_topology_is_pruned(client: Client):
    verbs(client, service("kept"), service("gone"))
    own = service("own")
    del own["metadata"]["annotations"]
    client.create("/api/v1/namespaces/default/services", own)
    gone = prune(client, MARK, keep=[service("kept")])
    assert [(one.key.name, one.verb) for one in gone] == [("gone", "deleted")]
    names = [obj["metadata"]["name"] for obj in client.list_("/api/v1/services")]
    assert set(names) >= {"kept", "own"}
    assert "gone" not in names


def test_what_a_controller_made_is_not_pruned(client: Client):
    verbs(client, service("web"))
    uid = client.get("/api/v1/namespaces/default/services/web")["metadata"]["uid"]
    owner = {"apiVersion": "v1", "kind": "Service", "name": "web", "uid": uid, "controller": True}
    made = service("made")
    made["metadata"]["ownerReferences"] = [owner]
    client.create("/api/v1/namespaces/default/services", made)
    assert prune(client, MARK, keep=[service("web")]) == []


def test_a_manifest_without_a_namespace_means_the_default_one():
    assert placed(service("a"))["metadata"]["namespace"] == "default"
    elsewhere = {**service("a"), "metadata": {"name": "a", "namespace": "prod"}}
    assert placed(elsewhere) == elsewhere
    namespace: Object = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "prod"}}
    assert placed(namespace) == namespace
