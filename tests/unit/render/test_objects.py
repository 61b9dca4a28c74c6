"""Tables of objects, as kubectl lays them out."""

import pytest

from netlab.kube.objects import Object
from netlab.render.objects import render_objects

NOW = 1_800_000_000.0
CREATED = {"name": "web", "namespace": "default", "creationTimestamp": "2027-01-15T07:59:00Z"}


def pod(**status: object) -> Object:
    return {
        "kind": "Pod",
        "metadata": CREATED,
        "spec": {"containers": [{"name": "c"}], "nodeName": "node1"},
        "status": {"phase": "Running", "podIP": "10.244.1.2", **status},
    }


def container(state: Object, *, ready: bool = False) -> Object:
    return {"containerStatuses": [{"name": "c", "state": state, "ready": ready, "restartCount": 2}]}


SERVICE: Object = {
    "kind": "Service",
    "metadata": CREATED,
    "spec": {
        "type": "NodePort",
        "clusterIP": "10.0.0.9",
        "selector": {"app": "web"},
        "ports": [{"port": 80, "nodePort": 31704, "protocol": "TCP"}],
    },
}

SLICE: Object = {
    "kind": "EndpointSlice",
    "metadata": CREATED,
    "addressType": "IPv4",
    "ports": [{"port": 8080}],
    "endpoints": [{"addresses": [f"10.244.1.{host}"]} for host in range(2, 7)],
}


@pytest.mark.parametrize(
    ("resource", "obj", "line"),
    [
        pytest.param(
            "pods",
            pod(**container({"running": {}}, ready=True)),
            ["web", "1/1", "Running", "2", "60s", "10.244.1.2", "node1"],
            id="a pod that runs",
        ),
        pytest.param(
            "pods",
            pod(**container({"waiting": {"reason": "CrashLoopBackOff"}})),
            ["web", "0/1", "CrashLoopBackOff", "2", "60s", "10.244.1.2", "node1"],
            id="a pod that keeps crashing",
        ),
        pytest.param(
            "pods",
            {**pod(), "metadata": {**CREATED, "deletionTimestamp": "2027-01-15T08:00:30Z"}},
            ["web", "0/1", "Terminating", "0", "60s", "10.244.1.2", "node1"],
            id="a pod that is going",
        ),
        pytest.param(
            "services",
            SERVICE,
            ["web", "NodePort", "10.0.0.9", "<none>", "80:31704/TCP", "60s", "app=web"],
            id="a Service with a NodePort",
        ),
        pytest.param(
            "endpointslices",
            SLICE,
            ["web", "IPv4", "8080", "10.244.1.2,10.244.1.3,10.244.1.4 + 2 more...", "60s"],
            id="a slice with more endpoints than fit",
        ),
        pytest.param(
            "nodes",
            {"metadata": CREATED, "spec": {"unschedulable": True}, "status": {}},
            ["web", "NotReady,SchedulingDisabled", "<none>", "60s", "<unknown>"],
            id="a node that is closed",
        ),
    ],
)
def test_a_line_tells(resource: str, obj: Object, line: list[str]):
    shown = render_objects(resource, [obj], NOW, wide=True).splitlines()[1]
    assert shown.split("   ")[0].strip() == line[0]
    cells = [cell.strip() for cell in shown.split("   ") if cell.strip()]
    assert cells[: len(line)] == line


def test_columns_are_as_wide_as_their_widest_cell():
    text = render_objects("services", [SERVICE], NOW, with_namespace=True)
    assert text == (
        "NAMESPACE   NAME   TYPE       CLUSTER-IP   EXTERNAL-IP   PORT(S)        AGE\n"
        "default     web    NodePort   10.0.0.9     <none>        80:31704/TCP   60s"
    )
