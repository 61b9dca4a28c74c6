"""The Python client of Kubernetes: creates, watches, patches, runs programs in pods."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.scenarios.conftest import Lab

kubernetes = pytest.importorskip("kubernetes", reason="pip install kubernetes")

pytestmark = [
    pytest.mark.kernel,
    # The client's own: it is generated, and leaves its sockets to the garbage collector.
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]

POD = {
    "apiVersion": "v1",
    "kind": "Pod",
    "metadata": {"name": "made", "labels": {"app": "made"}},
    "spec": {"containers": [{"name": "echo", "image": "registry.k8s.io/echoserver:1.4"}]},
}
DEPLOYMENT = {
    "apiVersion": "apps/v1",
    "kind": "Deployment",
    "metadata": {"name": "shop"},
    "spec": {
        "replicas": 1,
        "selector": {"matchLabels": {"app": "shop"}},
        "template": {"metadata": {"labels": {"app": "shop"}}, "spec": POD["spec"]},
    },
}


@pytest.fixture(scope="module")
def api(make_lab: Callable[[], Lab]) -> Iterator[Any]:
    lab = make_lab()
    lab.up("two-nodes")
    path = lab.run("kubeconfig").stdout.strip()
    yield kubernetes.config.new_client_from_config(path)
    lab.down()


@pytest.fixture
def core(api: Any) -> Any:  # noqa: ANN401 (untyped)
    return kubernetes.client.CoreV1Api(api)


def until(list_: Callable[..., Any], condition: Callable[[Any], bool], **options: Any) -> Any:  # noqa: ANN401
    """Watch until an object is as wanted."""
    watch = kubernetes.watch.Watch()
    for event in watch.stream(list_, "default", timeout_seconds=20, **options):
        if condition(event):
            watch.stop()
            return event["object"]
    raise AssertionError("the watch ended without it")


def is_ready(event: Any) -> bool:  # noqa: ANN401
    conditions = event["object"].status.conditions or []
    return any(one.type == "Ready" and one.status == "True" for one in conditions)


def test_a_pod_is_created_watched_and_deleted(core: Any):  # noqa: ANN401
    core.create_namespaced_pod("default", POD)
    ready = until(core.list_namespaced_pod, is_ready, label_selector="app=made")
    assert ready.status.pod_ip.startswith("10.244.")
    core.delete_namespaced_pod("made", "default", grace_period_seconds=1)
    gone = until(
        core.list_namespaced_pod,
        lambda event: event["type"] == "DELETED",
        field_selector="metadata.name=made",
    )
    assert gone.metadata.name == "made"


def test_a_deployment_is_patched_and_scaled(api: Any, core: Any):  # noqa: ANN401
    apps = kubernetes.client.AppsV1Api(api)
    apps.create_namespaced_deployment("default", DEPLOYMENT)
    apps.patch_namespaced_deployment("shop", "default", {"metadata": {"labels": {"a": "b"}}})
    apps.patch_namespaced_deployment_scale("shop", "default", {"spec": {"replicas": 2}})
    found = until(
        apps.list_namespaced_deployment,
        lambda event: event["object"].status.ready_replicas == 2,
        field_selector="metadata.name=shop",
    )
    assert found.metadata.labels == {"a": "b"}
    assert len(core.list_namespaced_pod("default", label_selector="app=shop").items) == 2
    apps.delete_namespaced_deployment("shop", "default")


def test_a_service_is_deleted_and_answered_with_itself(core: Any):  # noqa: ANN401
    service = {"metadata": {"name": "made"}, "spec": {"ports": [{"port": 80}]}}
    core.create_namespaced_service("default", service)
    assert core.delete_namespaced_service("made", "default").metadata.name == "made"


def test_a_program_is_run_in_a_pod(core: Any):  # noqa: ANN401
    answer = kubernetes.stream.stream(
        core.connect_get_namespaced_pod_exec,
        "web-1",
        "default",
        command=["sh", "-c", "echo out; echo err >&2"],
        stdout=True,
        stderr=True,
    )
    assert sorted(answer.split()) == ["err", "out"]


def test_a_program_is_spoken_with_and_its_exit_code_is_passed_on(core: Any):  # noqa: ANN401
    client = kubernetes.stream.stream(
        core.connect_get_namespaced_pod_exec,
        "web-1",
        "default",
        command=["sh"],
        stdin=True,
        stdout=True,
        stderr=True,
        _preload_content=False,
    )
    client.write_stdin("echo $((6 * 7))\n")
    assert client.readline_stdout(timeout=10) == "42"
    client.write_stdin("exit 3\n")
    client.run_forever(timeout=10)
    assert client.returncode == 3


def test_a_port_of_a_pod_is_reached(core: Any):  # noqa: ANN401
    forward = kubernetes.stream.portforward(
        core.connect_get_namespaced_pod_portforward, "web-1", "default", ports="8080"
    )
    end = forward.socket(8080)
    end.setblocking(True)
    end.settimeout(10)
    end.sendall(b"GET / HTTP/1.0\r\nHost: web-1\r\n\r\n")
    answer = b""
    while block := end.recv(65536):
        answer += block
    end.close()
    assert b"CLIENT VALUES:" in answer
    assert forward.error(8080) is None


def test_logs_are_read(core: Any):  # noqa: ANN401
    assert "GET /" in core.read_namespaced_pod_log("web-1", "default")


def test_what_is_not_there_is_an_error_that_says_so(core: Any):  # noqa: ANN401
    with pytest.raises(kubernetes.client.ApiException) as refusal:
        core.read_namespaced_pod("nobody", "default")
    assert (refusal.value.status, refusal.value.reason) == (404, "Not Found")


def test_the_dynamic_client_finds_every_kind(api: Any):  # noqa: ANN401
    dynamic = kubernetes.dynamic.DynamicClient(api)
    nodes = dynamic.resources.get(api_version="v1", kind="Node").get()
    assert [node.metadata.name for node in nodes.items] == ["node1", "node2"]
