"""What the API makes of options, forms and odd bodies, through a real socket."""

import http.client
import json
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from netlab.apiserver.negotiation import form_of
from netlab.apiserver.openapi import V2, V2_TYPE, document, index
from netlab.kube.protobuf import MEDIA_TYPE as PROTOBUF
from netlab.kube.status import StatusError

Json = dict[str, Any]
CONFIGMAPS = "/api/v1/namespaces/default/configmaps"
SERVICES = "/api/v1/namespaces/default/services"
PODS = "/api/v1/namespaces/default/pods"
TABLE = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json"
STRATEGIC = "application/strategic-merge-patch+json"
APPLY = "application/apply-patch+yaml"


class Answer:
    """One answer of the API."""

    def __init__(self, response: http.client.HTTPResponse) -> None:
        self.code = response.status
        self.headers = response.headers
        self.raw = response.read()

    @property
    def json(self) -> Any:  # noqa: ANN401 any JSON
        return json.loads(self.raw)

    @property
    def warnings(self) -> list[str]:
        return self.headers.get_all("Warning") or []


Ask = Callable[..., Answer]


@pytest.fixture
def ask(socket_path: Path, client: object) -> Ask:
    del client

    def ask(method: str, path: str, body: object = None, **headers: str) -> Answer:
        connection = http.client.HTTPConnection("localhost", timeout=5)
        connection.sock = socket.socket(socket.AF_UNIX)
        connection.sock.connect(str(socket_path))
        data = body if isinstance(body, bytes | None) else json.dumps(body).encode()
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        connection.request(method, path, data, named)
        try:
            return Answer(connection.getresponse())
        finally:
            connection.close()

    return ask


def configmap(name: str, **fields: object) -> Json:
    return {"metadata": {"name": name}, "data": {"a": "b"}, **fields}


def service(**spec: object) -> Json:
    return {"metadata": {"name": "web"}, "spec": {"ports": [{"port": 80}], **spec}}


def pod(name: str = "web", **spec: object) -> Json:
    containers = [{"name": "c", "image": "nginx"}]
    return {"metadata": {"name": name}, "spec": {"containers": containers, **spec}}


def test_an_unknown_field_is_refused_where_the_client_is_strict(ask: Ask):
    answer = ask("POST", f"{SERVICES}?fieldValidation=Strict", service(tyep="x"))
    assert (answer.code, answer.json["reason"]) == (400, "BadRequest")
    assert answer.json["message"] == (
        'Service in version "v1" cannot be handled as a Service: strict decoding error: '
        'unknown field "spec.tyep"'
    )


@pytest.mark.parametrize(
    ("query", "warnings"),
    [
        pytest.param("", ['299 - "unknown field \\"spec.tyep\\""'], id="by default"),
        pytest.param("?fieldValidation=Warn", ['299 - "unknown field \\"spec.tyep\\""'], id="Warn"),
        pytest.param("?fieldValidation=Ignore", [], id="Ignore"),
    ],
)
def test_an_unknown_field_is_left_out_with_a_warning(ask: Ask, query: str, warnings: list[str]):
    answer = ask("POST", SERVICES + query, service(tyep="x"))
    assert answer.code == 201
    assert "tyep" not in answer.json["spec"]
    assert answer.warnings == warnings


def test_a_patch_with_an_unknown_field_is_refused_where_the_client_is_strict(ask: Ask):
    ask("POST", SERVICES, service())
    path = f"{SERVICES}/web?fieldValidation=Strict"
    answer = ask("PATCH", path, {"spec": {"tyep": 1}}, Content_Type=STRATEGIC)
    assert answer.code == 400
    assert 'unknown field "spec.tyep"' in answer.json["message"]


def test_what_nothing_acts_on_is_stored_with_a_warning(ask: Ask):
    path = "/apis/networking.k8s.io/v1/namespaces/default/networkpolicies"
    answer = ask("POST", path, {"metadata": {"name": "n"}, "spec": {"podSelector": {}}})
    assert answer.code == 201
    assert answer.json["spec"]["policyTypes"] == ["Ingress"]
    (warning,) = answer.warnings
    assert warning == '299 - "NetworkPolicy n: stored, and nothing in a lab acts on it"'


def test_a_list_comes_in_pages_of_one_version(ask: Ask):
    for number in range(5):
        ask("POST", CONFIGMAPS, configmap(f"c{number}"))
    names: list[str] = []
    token, versions = "", set()
    while True:
        page = ask("GET", f"{CONFIGMAPS}?limit=2&continue={token}").json
        names += [one["metadata"]["name"] for one in page["items"]]
        versions.add(page["metadata"]["resourceVersion"])
        token = page["metadata"].get("continue", "")
        if not token:
            break
        assert page["metadata"]["remainingItemCount"] == 5 - len(names)
        ask("POST", CONFIGMAPS, configmap(f"later{len(names)}"))
        ask("DELETE", f"{CONFIGMAPS}/later{len(names)}")
    assert names == [f"c{number}" for number in range(5)]
    assert len(versions) == 1


@pytest.mark.parametrize(
    ("query", "code", "reason"),
    [
        pytest.param("continue=x", 400, "BadRequest", id="a token that is none"),
        pytest.param("limit=x", 400, "BadRequest", id="a limit that is none"),
        pytest.param("limit=" + "9" * 5000, 400, "BadRequest", id="a limit without end"),
        pytest.param("resourceVersion=x", 400, "BadRequest", id="a version that is none"),
        pytest.param("resourceVersion=" + "9" * 5000, 400, "BadRequest", id="a version too long"),
        pytest.param("resourceVersion=999999", 504, "Timeout", id="a version to come"),
        pytest.param("fieldSelector=a", 400, "BadRequest", id="a selector that is none"),
        pytest.param("includeObject=x", 400, "BadRequest", id="rows of what there is not"),
        pytest.param("watch=1&timeoutSeconds=x", 400, "BadRequest", id="a time that is none"),
    ],
)
def test_refuses_to_list(ask: Ask, query: str, code: int, reason: str):
    answer = ask("GET", f"{CONFIGMAPS}?{query}")
    assert (answer.code, answer.json["reason"]) == (code, reason)


def test_a_watch_from_a_version_without_end_is_told_so(ask: Ask):
    answer = ask("GET", f"{CONFIGMAPS}?watch=1&timeoutSeconds=2&resourceVersion={'9' * 5000}")
    event = json.loads(answer.raw.splitlines()[0])
    assert (event["type"], event["object"]["code"]) == ("ERROR", 400)


def test_a_table_has_the_columns_of_its_kind(ask: Ask):
    ask("POST", SERVICES, service())
    table = ask("GET", SERVICES, Accept=TABLE).json
    assert (table["kind"], table["apiVersion"]) == ("Table", "meta.k8s.io/v1")
    heads = [one["name"] for one in table["columnDefinitions"] if not one["priority"]]
    assert heads == ["Name", "Type", "Cluster-IP", "External-IP", "Port(s)", "Age"]
    assert [row["cells"][0] for row in table["rows"]] == ["kubernetes", "web"]
    (row,) = ask("GET", f"{SERVICES}/web?includeObject=Object", Accept=TABLE).json["rows"]
    assert row["object"]["spec"]["type"] == "ClusterIP"


def test_a_watched_table_defines_its_columns_once(ask: Ask):
    ask("POST", SERVICES, service())
    answer = ask("GET", f"{SERVICES}?watch=True&timeoutSeconds=1", Accept=TABLE)
    tables = [json.loads(line)["object"] for line in answer.raw.splitlines()]
    assert [bool(table["columnDefinitions"]) for table in tables] == [True, False]


def test_initial_events_end_with_a_bookmark(ask: Ask):
    query = "watch=true&sendInitialEvents=true&resourceVersionMatch=NotOlderThan"
    query += "&allowWatchBookmarks=true&timeoutSeconds=1"
    answer = ask("GET", f"{SERVICES}?{query}")
    *added, bookmark = [json.loads(line) for line in answer.raw.splitlines()]
    assert [event["type"] for event in added] == ["ADDED"]
    annotations = bookmark["object"]["metadata"]["annotations"]
    assert annotations == {"k8s.io/initial-events-end": "true"}


def test_metadata_alone_can_be_had(ask: Ask):
    accept = "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io"
    found = ask("GET", SERVICES, Accept=accept).json
    assert found["kind"] == "PartialObjectMetadataList"
    assert set(found["items"][0]) == {"kind", "apiVersion", "metadata"}


def test_another_form_is_not_acceptable(ask: Ask):
    answer = ask("GET", SERVICES, Accept="text/html")
    assert (answer.code, answer.json["reason"]) == (406, "NotAcceptable")
    with pytest.raises(StatusError):
        form_of("application/json;as=Nonsense;v=v1;g=meta.k8s.io")


def test_clients_that_prefer_protobuf_take_json(ask: Ask):
    accept = "application/vnd.kubernetes.protobuf,application/json"
    assert ask("GET", SERVICES, Accept=accept).json["kind"] == "ServiceList"


def test_a_body_without_a_type_is_json_and_a_slash_at_the_end_is_none(ask: Ask):
    assert ask("POST", f"{CONFIGMAPS}/", configmap("c")).code == 201
    assert ask("GET", "/version/").json["gitVersion"].startswith("v1.37")


ODD = [
    pytest.param("POST", CONFIGMAPS, b"{", "", id="half a body"),
    pytest.param("POST", CONFIGMAPS, b"[]", "", id="a list"),
    pytest.param("POST", CONFIGMAPS, b'{"metadata": NaN}', "", id="no number"),
    pytest.param("POST", CONFIGMAPS, b"[" * 100_000, "", id="a deep one"),
    pytest.param("POST", CONFIGMAPS, b"k8s\x00junk", PROTOBUF, id="protobuf that is none"),
    pytest.param("POST", CONFIGMAPS, b"a: [", "application/yaml", id="YAML that is none"),
    pytest.param("POST", CONFIGMAPS, {"metadata": "x"}, "", id="metadata that is none"),
    pytest.param("POST", CONFIGMAPS, {"kind": "Secret"}, "", id="another kind"),
    pytest.param("POST", CONFIGMAPS, {"metadata": {"namespace": "x"}}, "", id="elsewhere"),
    pytest.param("POST", f"{CONFIGMAPS}?dryRun=x", configmap("d"), "", id="half a dry run"),
    pytest.param("POST", f"{CONFIGMAPS}?fieldValidation=x", configmap("d"), "", id="x validation"),
    pytest.param("PUT", f"{CONFIGMAPS}/c", configmap("other"), "", id="another name"),
    pytest.param("DELETE", f"{CONFIGMAPS}/c", {"preconditions": 5}, "", id="no preconditions"),
    pytest.param("DELETE", f"{CONFIGMAPS}/c", b'{"gracePeriodSeconds": 1e400}', "", id="for ever"),
    pytest.param("DELETE", f"{CONFIGMAPS}/c", {"gracePeriodSeconds": "x"}, "", id="no grace"),
    pytest.param("DELETE", f"{CONFIGMAPS}/c", {"propagationPolicy": "x"}, "", id="no policy"),
    pytest.param("PATCH", f"{SERVICES}/web", {"$retainKeys": 5}, STRATEGIC, id="keys of none"),
    pytest.param(
        "PATCH", f"{SERVICES}/web", {"spec": {"ports": [None]}}, STRATEGIC, id="a null in a list"
    ),
    pytest.param(
        "PATCH",
        f"{SERVICES}/web",
        {"spec": {"$setElementOrder/ports": 5}},
        STRATEGIC,
        id="an order of none",
    ),
    pytest.param(
        "PATCH",
        f"{SERVICES}/web",
        {"spec": {"$deleteFromPrimitiveList/clusterIPs": 5}},
        STRATEGIC,
        id="a deletion from none",
    ),
    pytest.param(
        "PATCH",
        f"{SERVICES}/web",
        {"spec": {"$setElementOrder/ports": [5], "ports": [{"port": 80}]}},
        STRATEGIC,
        id="an order of what is none",
    ),
    pytest.param("PATCH", f"{SERVICES}/web", [{"op": "x"}], "application/json-patch+json", id="op"),
    pytest.param("PATCH", f"{SERVICES}/web", [5], "application/json-patch+json", id="no operation"),
    pytest.param("POST", f"{PODS}/p/binding", {"target": 5}, "", id="a binding to nothing"),
    pytest.param("POST", f"{PODS}/p/eviction", {"deleteOptions": 5}, "", id="options of none"),
    pytest.param(
        "PUT",
        "/apis/apps/v1/namespaces/default/deployments/d/scale",
        {"metadata": "x", "spec": {"replicas": 1}},
        "",
        id="a Scale without metadata",
    ),
    pytest.param(
        "POST", "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", [], "", id="no review"
    ),
]


@pytest.mark.parametrize(("method", "path", "body", "content_type"), ODD)
def test_an_odd_body_is_refused_and_changes_nothing(
    ask: Ask, method: str, path: str, body: object, content_type: str
):
    labels = {"app": "web"}
    template = {"metadata": {"labels": labels}, "spec": pod()["spec"]}
    ask("POST", CONFIGMAPS, configmap("c"))
    ask("POST", SERVICES, service())
    ask("POST", PODS, pod("p"))
    ask(
        "POST",
        "/apis/apps/v1/namespaces/default/deployments",
        {
            "metadata": {"name": "d"},
            "spec": {"selector": {"matchLabels": labels}, "template": template},
        },
    )
    version = ask("GET", SERVICES).json["metadata"]["resourceVersion"]
    answer = ask(method, path, body, Content_Type=content_type)
    assert (answer.code, answer.json["reason"]) == (400, "BadRequest"), answer.raw
    assert ask("GET", SERVICES).json["metadata"]["resourceVersion"] == version


@pytest.mark.parametrize(
    ("spec", "code"),
    [
        pytest.param("x", 422, id="text"),
        pytest.param([], 422, id="a list"),
        pytest.param({"cidrs": 5}, 422, id="a number of networks"),
    ],
)
def test_a_service_cidr_of_another_form_is_invalid(ask: Ask, spec: object, code: int):
    path = "/apis/networking.k8s.io/v1/servicecidrs"
    answer = ask("PUT", f"{path}/kubernetes", {"metadata": {"name": "kubernetes"}, "spec": spec})
    assert answer.code == code
    assert ask("POST", path, {"metadata": {"name": "x"}, "spec": spec}).code == code


@pytest.mark.parametrize("metadata", [{"labels": "x"}, {"labels": {"a": 5}}, {"generateName": 5}])
def test_metadata_of_wrong_types_is_invalid(ask: Ask, metadata: Json):
    answer = ask("POST", CONFIGMAPS, {"metadata": {"name": "x", **metadata}})
    assert (answer.code, answer.json["reason"]) == (422, "Invalid")


def test_an_apply_creates_and_changes_and_needs_a_manager(ask: Ask):
    body = {"apiVersion": "v1", "kind": "ConfigMap", **configmap("c")}
    without = ask("PATCH", f"{CONFIGMAPS}/c", body, Content_Type=APPLY)
    assert (without.code, without.json["reason"]) == (422, "Invalid")
    path = f"{CONFIGMAPS}/c?fieldManager=one"
    assert ask("PATCH", path, body, Content_Type=APPLY).code == 201
    again = ask("PATCH", path, body, Content_Type=APPLY)
    assert again.code == 200
    body["data"] = {"x": "y"}
    assert ask("PATCH", path, body, Content_Type=APPLY).json["data"] == {"x": "y"}
    other = ask("PATCH", f"{CONFIGMAPS}/c?fieldManager=two", body, Content_Type=APPLY)
    assert other.code == 200
    body["data"] = {"x": "z"}
    clash = ask("PATCH", path, body, Content_Type=APPLY)
    assert (clash.code, clash.json["reason"]) == (409, "Conflict")
    assert clash.json["details"]["causes"][0]["field"] == ".data.x"
    assert ask("PATCH", f"{path}&force=true", body, Content_Type=APPLY).code == 200


def test_applying_the_same_again_changes_no_version(ask: Ask):
    body = {"apiVersion": "v1", "kind": "Service", **service()}
    path = f"{SERVICES}/web?fieldManager=one"
    first = ask("PATCH", path, body, Content_Type=APPLY).json
    again = ask("PATCH", path, body, Content_Type=APPLY).json
    assert again["metadata"]["resourceVersion"] == first["metadata"]["resourceVersion"]


def test_a_dry_run_of_an_apply_stores_nothing(ask: Ask):
    body = {"apiVersion": "v1", "kind": "ConfigMap", **configmap("c")}
    path = f"{CONFIGMAPS}/c?fieldManager=one&dryRun=All"
    assert ask("PATCH", path, body, Content_Type=APPLY).json["data"] == {"a": "b"}
    assert ask("GET", f"{CONFIGMAPS}/c").code == 404


def test_a_new_object_has_no_past(ask: Ask):
    old = {"uid": "u", "creationTimestamp": "2020-01-01T00:00:00Z", "generation": 9}
    old["deletionTimestamp"] = "2020-01-01T00:00:00Z"
    body = pod()
    body["metadata"] |= old
    body["status"] = {"phase": "Running", "podIP": "192.0.2.1"}
    stored = ask("POST", PODS, body).json
    assert stored["metadata"]["uid"] != "u"
    assert not stored["metadata"]["creationTimestamp"].startswith("2020")
    assert "deletionTimestamp" not in stored["metadata"]
    assert stored["status"] == {"phase": "Pending", "qosClass": "BestEffort"}


def test_a_collection_is_deleted_by_its_labels(ask: Ask):
    for name, value in (("a", "x"), ("b", "y")):
        body = configmap(name)
        body["metadata"]["labels"] = {"l": value}
        ask("POST", CONFIGMAPS, body)
    answer = ask("DELETE", f"{CONFIGMAPS}?labelSelector=l%3Dx")
    assert [one["metadata"]["name"] for one in answer.json["items"]] == ["a"]
    assert ask("GET", f"{CONFIGMAPS}/a").code == 404
    assert ask("GET", f"{CONFIGMAPS}/b").code == 200


def test_an_object_with_finalizers_goes_with_the_last_of_them(ask: Ask):
    body = configmap("c")
    body["metadata"]["finalizers"] = ["example.com/hold"]
    ask("POST", CONFIGMAPS, body)
    ask("DELETE", f"{CONFIGMAPS}/c")
    held = ask("GET", f"{CONFIGMAPS}/c").json
    assert held["metadata"]["deletionTimestamp"]
    merge = "application/merge-patch+json"
    released = {"metadata": {"finalizers": None}}
    assert ask("PATCH", f"{CONFIGMAPS}/c", released, Content_Type=merge).code == 200
    assert ask("GET", f"{CONFIGMAPS}/c").code == 404


def test_a_deletion_in_the_foreground_waits_for_what_the_object_owns(ask: Ask):
    owner = ask("POST", CONFIGMAPS, configmap("owner")).json["metadata"]["uid"]
    reference = {"apiVersion": "v1", "kind": "ConfigMap", "name": "owner", "uid": owner}
    owned = configmap("owned")
    owned["metadata"]["ownerReferences"] = [{**reference, "blockOwnerDeletion": True}]
    owned["metadata"]["finalizers"] = ["example.com/hold"]
    ask("POST", CONFIGMAPS, owned)
    ask("DELETE", f"{CONFIGMAPS}/owner", {"propagationPolicy": "Foreground"})
    held = ask("GET", f"{CONFIGMAPS}/owner").json["metadata"]
    assert held["finalizers"] == ["foregroundDeletion"]
    assert held["deletionTimestamp"]
    merge = "application/merge-patch+json"
    ask("PATCH", f"{CONFIGMAPS}/owned", {"metadata": {"finalizers": None}}, Content_Type=merge)
    for name in ("owned", "owner"):
        assert ask("GET", f"{CONFIGMAPS}/{name}").code == 404


def test_a_deletion_of_another_object_of_the_name_is_refused(ask: Ask):
    ask("POST", CONFIGMAPS, configmap("c"))
    answer = ask("DELETE", f"{CONFIGMAPS}/c", {"preconditions": {"uid": "other"}})
    assert (answer.code, answer.json["reason"]) == (409, "Conflict")
    assert "Precondition failed: UID in precondition: other" in answer.json["message"]


def test_reviews_are_answered(ask: Ask):
    path = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
    answer = ask("POST", path, {"spec": {"resourceAttributes": {"verb": "get"}}})
    assert (answer.code, answer.json["status"]["allowed"]) == (201, True)
    path = "/apis/authentication.k8s.io/v1/selfsubjectreviews"
    assert ask("POST", path, {}).json["status"]["userInfo"]["username"]


def test_a_secret_keeps_texts_as_bytes_and_a_job_selects_its_own_pods(ask: Ask):
    secret = {"metadata": {"name": "s"}, "stringData": {"a": "b"}}
    stored = ask("POST", "/api/v1/namespaces/default/secrets", secret).json
    assert (stored["data"], stored["type"]) == ({"a": "Yg=="}, "Opaque")
    assert "stringData" not in stored
    job = {"metadata": {"name": "j"}, "spec": {"template": {"spec": pod()["spec"]}}}
    job["spec"]["template"]["spec"]["restartPolicy"] = "Never"
    stored = ask("POST", "/apis/batch/v1/namespaces/default/jobs", job).json
    uid = stored["metadata"]["uid"]
    assert stored["spec"]["selector"]["matchLabels"] == {"batch.kubernetes.io/controller-uid": uid}


def test_an_autoscaler_is_one_object_in_both_versions(ask: Ask):
    path = "/apis/autoscaling/{}/namespaces/default/horizontalpodautoscalers"
    target = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"}
    spec = {"scaleTargetRef": target, "maxReplicas": 3, "targetCPUUtilizationPercentage": 80}
    body = {"apiVersion": "autoscaling/v1", "metadata": {"name": "h"}, "spec": spec}
    assert ask("POST", path.format("v1"), body).json["spec"]["targetCPUUtilizationPercentage"] == 80
    (metric,) = ask("GET", path.format("v2") + "/h").json["spec"]["metrics"]
    assert metric["resource"]["target"] == {"type": "Utilization", "averageUtilization": 80}
    merge = "application/merge-patch+json"
    patch = {"spec": {"targetCPUUtilizationPercentage": 50}}
    ask("PATCH", path.format("v1") + "/h", patch, Content_Type=merge)
    (metric,) = ask("GET", path.format("v2") + "/h").json["spec"]["metrics"]
    assert metric["resource"]["target"]["averageUtilization"] == 50
    assert ask("POST", path.format("v1"), {"metadata": {"name": "x"}, "spec": "x"}).code == 422


def test_an_event_is_one_object_in_both_groups(ask: Ask):
    core = "/api/v1/namespaces/default/events"
    body = {"metadata": {"name": "e"}, "involvedObject": {"kind": "Pod", "name": "p"}}
    ask("POST", core, {**body, "message": "hello", "reason": "Greeted"})
    other = ask("GET", "/apis/events.k8s.io/v1/namespaces/default/events").json
    (event,) = other["items"]
    assert (event["apiVersion"], event["note"], event["regarding"]["name"]) == (
        "events.k8s.io/v1",
        "hello",
        "p",
    )


def test_openapi_has_a_file_for_each_group_with_the_paths_that_explain_looks_for(ask: Ask):
    answer = ask("GET", "/openapi/v2")
    assert (answer.raw, answer.headers["Content-Type"]) == (V2, V2_TYPE)
    listed = ask("GET", "/openapi/v3").json["paths"]
    assert listed == index()["paths"]
    for root, one in listed.items():
        assert one["serverRelativeURL"].startswith(f"/openapi/v3/{root}?hash=")
        text = document(root)
        assert text is not None
        found = json.loads(text)
        assert found["openapi"] == "3.0.0"
        references = {part.split('"')[0] for part in text.decode().split("#/components/schemas/")}
        assert references - set(found["components"]["schemas"]) <= {"{"}
    core = json.loads(document("api/v1") or b"")
    collection = core["paths"]["/api/v1/namespaces/{namespace}/services"]
    kind = collection["post"]["x-kubernetes-group-version-kind"]
    assert kind == {"group": "", "version": "v1", "kind": "Service"}
    port = core["components"]["schemas"]["io.k8s.api.core.v1.ServicePort"]
    assert "exposed" in port["properties"]["nodePort"]["description"]
    assert ask("GET", "/openapi/v3/apis/nope/v1").code == 404


def test_finalizers_of_a_namespace_change_by_finalize_alone(ask: Ask):
    path = "/api/v1/namespaces/held"
    body = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "held"}}
    ask("POST", "/api/v1/namespaces", body)
    merge = "application/merge-patch+json"
    patched = ask("PATCH", path, {"spec": {"finalizers": ["x.com/y"]}}, Content_Type=merge)
    assert patched.json["spec"]["finalizers"] == ["kubernetes"]
    body["spec"] = {"finalizers": ["kubernetes", "x.com/y"]}
    finalized = ask("PUT", f"{path}/finalize", body)
    assert finalized.code == 200
    assert finalized.json["spec"]["finalizers"] == ["kubernetes", "x.com/y"]
    body["spec"] = {"finalizers": []}
    assert ask("PUT", f"{path}/finalize", body).json["spec"]["finalizers"] == []
