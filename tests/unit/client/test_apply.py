from netlab.client.api_client import Client
from netlab.client.apply import (
    LAST_APPLIED,
    TOPOLOGY_ANNOTATION,
    apply_manifests,
    placed,
    prune,
)
from netlab.kube.objects import Object, annotations_of


def service(name: str, **values: str) -> Object:
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": name},
        "spec": {"ports": [{"port": 80}], "selector": values or {"app": name}},
    }


def verbs(client: Client, *manifests: Object, topology: str = "") -> list[tuple[str, str]]:
    done = apply_manifests(client, manifests, topology)
    return [(one.key.name, one.verb) for one in done]


def test_twice_is_once(client: Client):
    assert verbs(client, service("a"), service("b")) == [("a", "created"), ("b", "created")]
    assert verbs(client, service("a"), service("b")) == [("a", "unchanged"), ("b", "unchanged")]


def test_what_differs_is_configured(client: Client):
    verbs(client, service("a"))
    assert verbs(client, service("a", app="other")) == [("a", "configured")]
    path = "/api/v1/namespaces/default/services/a"
    assert client.get(path)["spec"]["selector"] == {"app": "other"}


def test_what_the_file_no_longer_has_goes_and_the_rest_stays(client: Client):
    path = "/api/v1/namespaces/default/services/a"
    first = service("a")
    first["spec"] |= {
        "type": "NodePort",
        "ports": [{"port": 80, "name": "a"}, {"port": 81, "name": "b"}],
    }
    verbs(client, first)
    before = client.get(path)["spec"]
    second = service("a")
    second["spec"] = {"type": "NodePort", "ports": [{"port": 81, "name": "b"}]}
    assert verbs(client, second) == [("a", "configured")]
    after = client.get(path)["spec"]
    assert "selector" not in after
    assert (after["clusterIP"], after["ports"]) == (before["clusterIP"], before["ports"][1:])
    assert verbs(client, second) == [("a", "unchanged")]


def test_what_somebody_else_changed_is_as_the_file_says_again(client: Client):
    path = "/api/v1/namespaces/default/services/a"
    verbs(client, service("a"))
    merge = "application/merge-patch+json"
    client.patch(
        path, {"spec": {"selector": {"app": "x"}}, "metadata": {"labels": {"l": "1"}}}, merge
    )
    assert verbs(client, service("a")) == [("a", "configured")]
    after = client.get(path)
    assert after["spec"]["selector"] == {"app": "a"}
    assert after["metadata"]["labels"] == {"l": "1"}
    owners = {entry["manager"] for entry in after["metadata"]["managedFields"]}
    assert owners == {"netlab"}


def test_only_what_came_with_a_topology_is_pruned(client: Client):
    verbs(client, service("kept"), service("gone"), topology="t")
    client.create("/api/v1/namespaces/default/services", service("own"))
    gone = prune(client, keep=[service("kept")])
    assert [(one.key.name, one.verb) for one in gone] == [("gone", "deleted")]
    names = [obj["metadata"]["name"] for obj in client.list_("/api/v1/services")]
    assert set(names) >= {"kept", "own"}
    assert "gone" not in names


def test_what_is_applied_again_by_itself_is_unchanged_and_still_of_its_topology(client: Client):
    verbs(client, service("web"), topology="t")
    assert verbs(client, service("web")) == [("web", "unchanged")]
    assert verbs(client, service("web", app="x")) == [("web", "configured")]
    assert [one.key.name for one in prune(client, keep=[])] == ["web"]


def test_what_is_remembered_of_a_manifest_is_the_manifest_alone(client: Client):
    verbs(client, service("web"), topology="t")
    stored = client.get("/api/v1/namespaces/default/services/web")
    assert annotations_of(stored)[LAST_APPLIED] == (
        '{"apiVersion":"v1","kind":"Service","metadata":{"annotations":{},"name":"web",'
        '"namespace":"default"},"spec":{"ports":[{"port":80}],"selector":{"app":"web"}}}\n'
    )


def test_what_the_server_warns_of_is_told(client: Client):
    role = {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role", "rules": []}
    (done,) = apply_manifests(client, [{**role, "metadata": {"name": "r"}}])
    assert [*getattr(done, "warnings", ())] == ["Role r: stored, and nothing in a lab acts on it"]


def test_what_a_controller_made_is_not_pruned(client: Client):
    verbs(client, service("web"), topology="t")
    uid = client.get("/api/v1/namespaces/default/services/web")["metadata"]["uid"]
    owner = {"apiVersion": "v1", "kind": "Service", "name": "web", "uid": uid, "controller": True}
    made = service("made")
    made["metadata"]["annotations"] = {TOPOLOGY_ANNOTATION: "t"}
    made["metadata"]["ownerReferences"] = [owner]
    client.create("/api/v1/namespaces/default/services", made)
    assert prune(client, keep=[service("web")]) == []


def test_a_manifest_without_a_namespace_means_the_default_one():
    assert placed(service("a"))["metadata"]["namespace"] == "default"
    elsewhere = {**service("a"), "metadata": {"name": "a", "namespace": "prod"}}
    assert placed(elsewhere) == elsewhere
    namespace: Object = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "prod"}}
    assert placed(namespace) == namespace


def test_namespaces_go_before_what_is_in_them(client: Client):
    inside = {**service("a"), "metadata": {"name": "a", "namespace": "prod"}}
    namespace: Object = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "prod"}}
    assert verbs(client, inside, namespace) == [("prod", "created"), ("a", "created")]


def test_what_another_server_wrote_into_an_object_is_left_out(client: Client):
    past = {
        "uid": "1",
        "resourceVersion": "5",
        "generation": 3,
        "creationTimestamp": "2020-01-01T00:00:00Z",
        "managedFields": [{"manager": "x", "operation": "Update", "apiVersion": "v1"}],
    }
    exported = {**service("a"), "metadata": {"name": "a", **past}}
    assert verbs(client, exported) == [("a", "created")]
    assert verbs(client, exported) == [("a", "unchanged")]
    assert verbs(client, service("a")) == [("a", "unchanged")]
