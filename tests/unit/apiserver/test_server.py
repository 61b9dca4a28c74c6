"""The API as clients meet it, through a real socket."""

import http.client
import json
import socket
from pathlib import Path
from typing import Any

import pytest

from netlab.apiserver.store import Store
from netlab.client.api_client import Client
from netlab.errors import LabError
from netlab.kube.status import StatusError

SERVICES = "/api/v1/namespaces/default/services"
DEPLOYMENTS = "/apis/apps/v1/namespaces/default/deployments"
STRATEGIC = "application/strategic-merge-patch+json"
MERGE = "application/merge-patch+json"
JSON = "application/json-patch+json"

Json = dict[str, Any]


def service(name: str = "web", **spec: object) -> Json:
    ports = [{"port": 80, "targetPort": 8080}]
    spec = {"type": "NodePort", "selector": {"app": "web"}, "ports": ports, **spec}
    return {"apiVersion": "v1", "kind": "Service", "metadata": {"name": name}, "spec": spec}


def deployment() -> Json:
    labels = {"app": "web"}
    template = {
        "metadata": {"labels": labels},
        "spec": {"containers": [{"name": "c", "image": "e"}]},
    }
    spec = {"selector": {"matchLabels": labels}, "template": template}
    metadata = {"name": "web"}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata, "spec": spec}


def refusal_of(call: object, *args: object) -> StatusError:
    with pytest.raises(StatusError) as refusal:
        call(*args)  # type: ignore[operator]
    return refusal.value


def test_discovery_tells_what_is_served(client: Client):
    assert client.get("/version")["gitVersion"].startswith("v1.37")
    assert client.get("/api/")["versions"] == ["v1"]
    groups = [group["name"] for group in client.get("/apis")["groups"]]
    assert {"apps", "discovery.k8s.io", "networking.k8s.io"} <= set(groups)
    listed = client.get("/apis/apps/v1")["resources"]
    scale = next(entry for entry in listed if entry["name"] == "deployments/scale")
    assert (scale["group"], scale["kind"]) == ("autoscaling", "Scale")


@pytest.mark.parametrize("version", ["v2", "v2beta1"])
def test_aggregated_discovery_is_of_the_type_asked_for_to_the_letter(
    socket_path: Path, version: str
):
    """kubectl 1.27 knows no other way to write it."""
    wanted = f"application/json;g=apidiscovery.k8s.io;v={version};as=APIGroupDiscoveryList"
    connection = http.client.HTTPConnection("netlab")
    connection.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    connection.sock.connect(str(socket_path))
    connection.request("GET", "/apis", headers={"Accept": f"{wanted},application/json"})
    assert connection.getresponse().headers["Content-Type"] == wanted
    connection.close()


def test_a_created_service_has_its_allocations(client: Client, writes: list[int]):
    spec = client.create(SERVICES, service())["spec"]
    assert spec["clusterIP"].startswith("10.0.")
    assert spec["clusterIPs"] == [spec["clusterIP"]]
    assert 30000 <= spec["ports"][0]["nodePort"] <= 32767
    assert spec["externalTrafficPolicy"] == "Cluster"
    assert writes
    assert client.list_("/apis/discovery.k8s.io/v1/endpointslices")


def test_a_long_list_is_whole_and_in_order_in_every_form(client: Client, store: Store):
    path = "/api/v1/namespaces/default/configmaps"
    short = client.get(path), client.table(path)
    for number in range(170):
        metadata = {"name": f"cm-{number:03}", "namespace": "default"}
        store.create({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata})
    names = [f"cm-{number:03}" for number in range(170)]
    found = client.get(path)
    assert [one["metadata"]["name"] for one in found["items"]][-170:] == names
    assert found.keys() == short[0].keys()
    table = client.table(path)
    assert [row["cells"][0] for row in table["rows"]][-170:] == names
    assert table.keys() == short[1].keys()
    assert table["columnDefinitions"] == short[1]["columnDefinitions"]
    assert len(client.get(path, {"limit": "120"})["items"]) == 120


def test_a_clash_is_refused_with_the_holders_name_and_all_causes(client: Client):
    port = client.create(SERVICES, service())["spec"]["ports"][0]["nodePort"]
    ports = [{"port": 80, "nodePort": port}]
    second = service("other", clusterIP="10.0.0.1", ports=ports)
    refusal = refusal_of(client.create, SERVICES, second)
    assert (refusal.code, refusal.reason) == (422, "Invalid")
    fields = [cause.field for cause in refusal.causes]
    assert fields == ["spec.clusterIPs", "spec.ports[0].nodePort"]
    assert "held by Service default/kubernetes" in str(refusal)
    assert "provided port is already allocated (held by Service default/web)" in str(refusal)


@pytest.mark.parametrize(
    ("manifest", "code", "message"),
    [
        pytest.param(
            service("kubernetes"), 409, 'services "kubernetes" already exists', id="a taken name"
        ),
        pytest.param(
            {**service(), "kind": "Pod"}, 400, "cannot be handled as a Service", id="another kind"
        ),
        pytest.param(
            {**service(), "metadata": {"name": "web", "namespace": "prod"}},
            400,
            "does not match the namespace",
            id="another namespace than the path's",
        ),
        pytest.param(service(ports="x"), 422, "spec.ports: must be a list", id="a wrong type"),
        pytest.param(
            service(clusterIP="192.0.2.1"), 422, "spec.clusterIP", id="an address from elsewhere"
        ),
        pytest.param(
            service(ipFamilies=["IPv6"]), 422, "not configured", id="a family without a network"
        ),
    ],
)
def test_refuses_to_create(
    client: Client, writes: list[int], manifest: Json, code: int, message: str
):
    refusal = refusal_of(client.create, SERVICES, manifest)
    assert refusal.code == code
    assert message in str(refusal)
    assert writes == []


def test_what_is_not_there_is_not_found(client: Client):
    assert str(refusal_of(client.get, f"{SERVICES}/x")) == 'services "x" not found'
    missing = refusal_of(client.create, "/api/v1/namespaces/nope/services", service())
    assert str(missing) == 'namespaces "nope" not found'
    assert refusal_of(client.get, "/apis/batch/v2/jobs").code == 404
    assert refusal_of(client.delete, "/api/v1/namespaces/default").code == 403
    assert refusal_of(client.create, f"{SERVICES}/web", service()).code == 405


@pytest.mark.parametrize(
    ("patch", "kind", "expected"),
    [
        pytest.param(
            {"spec": {"externalTrafficPolicy": "Local"}},
            STRATEGIC,
            {"externalTrafficPolicy": "Local", "type": "NodePort"},
            id="the traffic policy alone",
        ),
        pytest.param(
            {"spec": {"type": "ClusterIP"}},
            MERGE,
            {"type": "ClusterIP", "ports": [{"port": 80, "targetPort": 8080, "protocol": "TCP"}]},
            id="a type that has no NodePort gives it back",
        ),
        pytest.param(
            [{"op": "replace", "path": "/spec/ports/0/targetPort", "value": 81}],
            JSON,
            {"type": "NodePort"},
            id="one value by its path",
        ),
    ],
)
def test_patch(client: Client, patch: object, kind: str, expected: Json):
    before = client.create(SERVICES, service())["spec"]
    after = client.patch(f"{SERVICES}/web", patch, kind)["spec"]
    assert expected.items() <= after.items()
    assert after["clusterIP"] == before["clusterIP"]
    if after["type"] == "NodePort":
        assert after["ports"][0]["nodePort"] == before["ports"][0]["nodePort"]
    else:
        assert "externalTrafficPolicy" not in after


@pytest.mark.parametrize(
    ("patch", "kind", "code"),
    [
        pytest.param({"spec": {"clusterIP": "10.0.3.3"}}, MERGE, 422, id="the ClusterIP"),
        pytest.param({"metadata": {"name": "x"}}, MERGE, 400, id="the name"),
        pytest.param({"metadata": {"resourceVersion": "1"}}, MERGE, 409, id="an older state"),
        pytest.param([{"op": "remove", "path": "/nope"}], JSON, 400, id="what is not there"),
        pytest.param({"spec": {"$patch": "eat"}}, STRATEGIC, 400, id="by an unknown directive"),
        pytest.param({}, "text/plain", 415, id="by an unknown kind of patch"),
    ],
)
def test_refuses_to_patch(client: Client, patch: object, kind: str, code: int):
    created = client.create(SERVICES, service())
    assert refusal_of(client.patch, f"{SERVICES}/web", patch, kind).code == code
    assert client.get(f"{SERVICES}/web") == created


def test_a_pod_changes_in_its_image_only(client: Client):
    pods = "/api/v1/namespaces/default/pods"
    spec = {"containers": [{"name": "c", "image": "echo:1"}]}
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "web"}, "spec": spec}
    client.create(pods, pod)
    image = {"spec": {"containers": [{"name": "c", "image": "echo:2"}]}}
    patched = client.patch(f"{pods}/web", image, STRATEGIC)
    assert patched["spec"]["containers"][0]["image"] == "echo:2"
    refusal = refusal_of(client.patch, f"{pods}/web", {"spec": {"nodeName": "node1"}}, MERGE)
    assert "pod updates may not change fields other than" in str(refusal)


def test_scale_is_a_part_of_a_deployment(client: Client):
    client.create(DEPLOYMENTS, deployment())
    scale = client.patch(f"{DEPLOYMENTS}/web/scale", {"spec": {"replicas": 3}}, MERGE)
    assert scale["spec"]["replicas"] == 3
    assert scale["status"]["selector"] == "app=web"
    assert len(client.list_("/api/v1/pods")) == 3
    refusal = refusal_of(
        client.patch, f"{DEPLOYMENTS}/web/scale", {"spec": {"replicas": -1}}, MERGE
    )
    assert refusal.code == 422


def test_a_deployments_selector_is_immutable(client: Client):
    client.create(DEPLOYMENTS, deployment())
    labels = {"app": "x"}
    spec = {"selector": {"matchLabels": labels}, "template": {"metadata": {"labels": labels}}}
    refusal = refusal_of(client.patch, f"{DEPLOYMENTS}/web", {"spec": spec}, MERGE)
    assert "spec.selector: Invalid value" in str(refusal)
    assert "field is immutable" in str(refusal)


@pytest.mark.parametrize("kind", ["ConfigMap", "Secret"])
def test_what_is_said_to_be_immutable_keeps_its_data(client: Client, kind: str):
    path = f"/api/v1/namespaces/default/{kind.lower()}s"
    obj = {"apiVersion": "v1", "kind": kind, "metadata": {"name": "fixed"}, "immutable": True}
    client.create(path, obj)
    refusal = refusal_of(client.patch, f"{path}/fixed", {"data": {"a": "YQ=="}}, MERGE)
    assert "data: Forbidden: field is immutable when `immutable` is set" in str(refusal)


def test_replace_keeps_what_is_allocated(client: Client):
    before = client.create(SERVICES, service())["spec"]
    after = client.replace(f"{SERVICES}/web", service(externalTrafficPolicy="Local"))["spec"]
    assert after["clusterIP"] == before["clusterIP"]
    assert after["ports"] == before["ports"]
    assert after["externalTrafficPolicy"] == "Local"


def test_an_orphaned_replicaset_stays(client: Client):
    client.create(DEPLOYMENTS, deployment())
    client.delete(f"{DEPLOYMENTS}/web", {"propagationPolicy": "Orphan"})
    (replicaset,) = client.list_("/apis/apps/v1/replicasets")
    assert replicaset["metadata"]["ownerReferences"] == []


@pytest.mark.parametrize(
    ("query", "names"),
    [
        pytest.param({"labelSelector": "tier=a"}, ["one"], id="a label that equals"),
        pytest.param({"labelSelector": "tier!=a"}, ["kubernetes", "two"], id="one that differs"),
        pytest.param({"labelSelector": "tier in (a, b)"}, ["one", "two"], id="one of a set"),
        pytest.param({"labelSelector": "tier,tier notin (a)"}, ["two"], id="there, not in a set"),
        pytest.param({"labelSelector": "!tier"}, ["kubernetes"], id="a label that is missing"),
        pytest.param({"fieldSelector": "metadata.name=two"}, ["two"], id="a field"),
        pytest.param({"fieldSelector": "spec.type!=NodePort"}, ["kubernetes"], id="no such field"),
    ],
)
def test_selectors(client: Client, query: dict[str, str], names: list[str]):
    for name, tier in (("one", "a"), ("two", "b")):
        manifest = service(name)
        manifest["metadata"]["labels"] = {"tier": tier}
        client.create(SERVICES, manifest)
    found = client.list_(SERVICES, query)
    assert [one["metadata"]["name"] for one in found] == names


class Watch:
    """A watch on the server's socket, read line by line."""

    def __init__(self, socket_path: Path, path: str) -> None:
        self._connection = http.client.HTTPConnection("localhost", timeout=10)
        self._connection.sock = socket.socket(socket.AF_UNIX)
        self._connection.sock.settimeout(10)
        self._connection.sock.connect(str(socket_path))
        self._connection.request("GET", path)
        self._response = self._connection.getresponse()

    def event(self) -> tuple[str, Json]:
        found = json.loads(self._response.readline())
        return found["type"], found["object"]

    def rest(self) -> bytes:
        return self._response.read()

    def close(self) -> None:
        self._response.close()
        self._connection.close()


def test_a_watch_tells_what_enters_and_leaves_its_selection(client: Client, socket_path: Path):
    client.create(SERVICES, service())
    version = client.get(SERVICES)["metadata"]["resourceVersion"]
    path = f"{SERVICES}?watch=True&resourceVersion={version}&labelSelector=tier%3Da"
    watch = Watch(socket_path, path)
    client.patch(f"{SERVICES}/web", {"metadata": {"labels": {"tier": "a"}}}, MERGE)
    client.patch(f"{SERVICES}/web", {"spec": {"sessionAffinity": "ClientIP"}}, MERGE)
    client.patch(f"{SERVICES}/web", {"metadata": {"labels": {"tier": "b"}}}, MERGE)
    assert [watch.event()[0] for _ in range(3)] == ["ADDED", "MODIFIED", "DELETED"]
    watch.close()


def test_a_watch_from_nothing_begins_with_what_there_is_and_ends_in_time(socket_path: Path):
    watch = Watch(socket_path, f"{SERVICES}?watch=1&timeoutSeconds=1")
    change, obj = watch.event()
    assert (change, obj["metadata"]["name"]) == ("ADDED", "kubernetes")
    assert watch.rest() == b""
    watch.close()


def test_a_watch_with_initial_events_says_where_they_end(socket_path: Path):
    query = "watch=true&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&timeoutSeconds=1"
    watch = Watch(socket_path, f"{SERVICES}?{query}")
    assert watch.event()[0] == "ADDED"
    change, obj = watch.event()
    assert change == "BOOKMARK"
    assert obj["metadata"]["annotations"] == {"k8s.io/initial-events-end": "true"}
    watch.close()


def test_a_watch_from_a_forgotten_version_is_told_so(socket_path: Path, store: Store):
    store._forgotten = 3
    watch = Watch(socket_path, f"{SERVICES}?watch=true&resourceVersion=1")
    change, obj = watch.event()
    assert (change, obj["code"], obj["reason"]) == ("ERROR", 410, "Expired")
    watch.close()


def test_a_request_that_is_no_json_is_refused(socket_path: Path):
    connection = http.client.HTTPConnection("localhost", timeout=10)
    connection.sock = socket.socket(socket.AF_UNIX)
    connection.sock.connect(str(socket_path))
    connection.request("POST", SERVICES, b"{")
    answer = json.loads(connection.getresponse().read())
    connection.close()
    assert (answer["kind"], answer["code"], answer["reason"]) == ("Status", 400, "BadRequest")


def test_without_a_control_plane_the_client_says_what_to_type(tmp_path: Path):
    with pytest.raises(LabError, match="no lab web1 is running") as error:
        Client(tmp_path / "web1" / "control.sock").get("/version")
    assert error.value.hint == "sudo netlab up --lab web1"
    (tmp_path / "web1").mkdir()
    (tmp_path / "web1" / "topology.yaml").touch()
    with pytest.raises(LabError, match="the control plane of lab web1 has ended") as error:
        Client(tmp_path / "web1" / "control.sock").get("/version")
    again = f"sudo netlab up {tmp_path}/web1/topology.yaml --lab web1"
    assert error.value.hint.startswith(again)
