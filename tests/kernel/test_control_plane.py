"""Objects are reconciled all the time: pods that die, scaling, deleting, patching."""

import os
import signal
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.kernel.conftest import SUDO, Lab, wait_for

pytestmark = pytest.mark.kernel

SOON_S = 1.0
"""Within which a change of an object is in the kernel."""


@pytest.fixture
def lab(make_lab: Callable[[], Lab]) -> Iterator[Lab]:
    made = make_lab()
    made.up("source-ip")
    yield made
    made.down()


def pods(lab: Lab) -> list[dict[str, Any]]:
    return lab.get("pods")["items"]


def ready_pods(lab: Lab) -> list[dict[str, Any]]:
    return [pod for pod in pods(lab) if condition(pod, "Ready") == "True"]


def condition(pod: dict[str, Any], kind: str) -> str:
    return next(one["status"] for one in pod["status"]["conditions"] if one["type"] == kind)


def container(lab: Lab) -> dict[str, Any]:
    [pod] = pods(lab)
    return pod["status"]["containerStatuses"][0]


def ready_endpoints(lab: Lab, service: str) -> list[str]:
    return [
        address
        for piece in lab.get("endpointslices")["items"]
        if piece["metadata"]["labels"]["kubernetes.io/service-name"] == service
        for endpoint in piece.get("endpoints") or ()
        if endpoint["conditions"]["ready"]
        for address in endpoint["addresses"]
    ]


def rules(lab: Lab, node: str) -> str:
    return lab.inside(node, "iptables-save", "-t", "nat").stdout


def kill_container(lab: Lab) -> None:
    os.kill(int(container(lab)["containerID"].removeprefix("netlab://").split("-")[0]), 9)


def test_pod_whose_process_dies_is_restarted_and_backs_off(lab: Lab):
    [before] = pods(lab)
    kill_container(lab)
    wait_for(lambda: container(lab)["restartCount"] == 1 and container(lab)["ready"])
    last = container(lab)["lastState"]["terminated"]
    assert (last["exitCode"], last["signal"]) == (128 + signal.SIGKILL, signal.SIGKILL)
    [after] = pods(lab)
    assert after["metadata"]["uid"] == before["metadata"]["uid"]
    assert after["status"]["podIP"] == before["status"]["podIP"]
    assert "CLIENT VALUES" in lab.fetch("node2", f"http://{after['status']['podIP']}:8080")
    # The second time it must wait, and meanwhile the Service has no endpoint.
    kill_container(lab)
    waiting = wait_for(lambda: container(lab)["state"].get("waiting"), SOON_S)
    assert waiting["reason"] == "CrashLoopBackOff"
    assert "back-off 10s" in waiting["message"]
    wait_for(lambda: ready_endpoints(lab, "nodeport") == [], SOON_S)
    wait_for(lambda: after["status"]["podIP"] not in rules(lab, "node2"), SOON_S)
    node_port = lab.get("svc", "nodeport")["spec"]["ports"][0]["nodePort"]
    refused = lab.inside("client", "curl", "-s", f"http://10.240.0.4:{node_port}")
    could_not_connect = 7
    assert refused.returncode == could_not_connect
    assert "CrashLoopBackOff" in lab.run("get", "pods").stdout


def test_deployment_is_scaled_up_and_down(lab: Lab):
    [first] = pods(lab)
    assert lab.run("scale", "deployment/source-ip-app", "--replicas=5").returncode == 0
    wait_for(lambda: len(ready_pods(lab)) == 5)
    addresses = sorted(pod["status"]["podIP"] for pod in pods(lab))
    assert len(set(addresses)) == 5
    wait_for(lambda: sorted(ready_endpoints(lab, "clusterip")) == addresses)
    wait_for(lambda: all(address in rules(lab, "node3") for address in addresses), SOON_S)
    seen = {lab.fetch("node2", f"http://{one}:8080").count("CLIENT VALUES") for one in addresses}
    assert seen == {1}
    assert lab.run("scale", "deployment/source-ip-app", "--replicas=2").returncode == 0
    wait_for(lambda: len(pods(lab)) == 2)
    left = {pod["status"]["podIP"] for pod in pods(lab)}
    wait_for(lambda: set(ready_endpoints(lab, "clusterip")) == left, SOON_S)
    gone = set(addresses) - left
    wait_for(lambda: not any(f"{one}:8080" in rules(lab, "node3") for one in gone), SOON_S)
    # The pods' namespaces and links go with them.
    wait_for(lambda: len([name for name in lab.netns() if "source-ip-app" in name]) == 2)
    links = lab.inside("node1", "ip", "-o", "link").stdout
    assert links.count("veth") == 2
    assert first["status"]["podIP"] in addresses


def test_deleted_pod_of_a_deployment_is_replaced(lab: Lab):
    [before] = pods(lab)
    assert lab.run("delete", "pod", before["metadata"]["name"]).returncode == 0
    wait_for(lambda: [pod["metadata"]["uid"] for pod in ready_pods(lab)] not in ([], [uid(before)]))
    [after] = wait_for(lambda: ready_pods(lab) if len(pods(lab)) == 1 else None)
    assert after["metadata"]["name"] != before["metadata"]["name"]
    wait_for(lambda: ready_endpoints(lab, "clusterip") == [after["status"]["podIP"]], SOON_S)


def uid(obj: dict[str, Any]) -> str:
    return obj["metadata"]["uid"]


def test_patched_policy_is_in_the_kernel_within_a_second(lab: Lab):
    node_port = lab.get("svc", "nodeport")["spec"]["ports"][0]["nodePort"]
    url = f"http://10.240.0.3:{node_port}"
    assert "client_address=10.244.1.1" in lab.fetch("client", url)
    for policy, address in (("Local", "198.51.100.79"), ("Cluster", "10.244.1.1")):
        patch = f'{{"spec":{{"externalTrafficPolicy":"{policy}"}}}}'
        assert lab.run("patch", "svc", "nodeport", "-p", patch).returncode == 0
        expected = f"client_address={address}"
        wait_for(lambda expected=expected: expected in lab.fetch("client", url), SOON_S)


def test_service_follows_labels_that_change(lab: Lab):
    [pod] = pods(lab)
    name = pod["metadata"]["name"]
    patch = '{"metadata":{"labels":{"app":"other"}}}'
    assert lab.run("patch", "pod", name, "-p", patch).returncode == 0
    # The Deployment has lost its pod and makes another; the Service leads to that one.
    wait_for(lambda: len(pods(lab)) == 2)
    replacement = next(one for one in pods(lab) if one["metadata"]["name"] != name)
    expected = wait_for(lambda: lab.get("pod", replacement["metadata"]["name"])["status"]["podIP"])
    wait_for(lambda: ready_endpoints(lab, "clusterip") == [expected])


def test_deleted_service_leaves_the_rules(lab: Lab):
    cluster_ip = lab.get("svc", "clusterip")["spec"]["clusterIP"]
    assert cluster_ip in rules(lab, "node1")
    assert lab.run("delete", "svc", "clusterip").returncode == 0
    wait_for(lambda: cluster_ip not in rules(lab, "node1"), SOON_S)
    assert ready_endpoints(lab, "clusterip") == []


def test_kube_proxy_says_its_mode_on_every_node(lab: Lab):
    for node in ("node1", "node2", "node3"):
        assert lab.fetch(node, "http://localhost:10249/proxyMode") == "iptables"
        assert lab.fetch(node, "http://127.0.0.1:10249/healthz") == "ok"
    assert lab.fetch("client", "http://10.240.0.3:10249/proxyMode") == ""


def test_objects_survive_the_control_plane(lab: Lab):
    lab.run("scale", "deployment/source-ip-app", "--replicas=3")
    wait_for(lambda: len(ready_pods(lab)) == 3)
    os.kill(lab.processes()["control plane"], signal.SIGKILL)
    wait_for(lambda: not lab.processes())
    refused = lab.run("get", "pods")
    assert refused.returncode == 6
    assert f"{SUDO}netlab up" in refused.stderr
    lab.up("source-ip")
    # ``up`` brings the Deployment back to what its file says.
    wait_for(lambda: len(pods(lab)) == 1)
    assert len(ready_pods(lab)) == 1
