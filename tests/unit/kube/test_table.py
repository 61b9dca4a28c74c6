"""Tables of objects: what the cells of each kind tell."""

import pytest

from netlab.kube.kinds.columns import NONE, UNKNOWN
from netlab.kube.kinds.table import KINDS
from netlab.kube.objects import Object
from netlab.kube.table import table

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


TEMPLATED: Object = {
    "replicas": 3,
    "selector": {"matchLabels": {"app": "web"}},
    "template": {"spec": {"containers": [{"name": "c", "image": "nginx"}]}},
}


@pytest.mark.parametrize(
    ("kind", "obj", "cells"),
    [
        pytest.param(
            "Pod",
            pod(**container({"running": {}}, ready=True)),
            ["web", "1/1", "Running", "2", "60s", "10.244.1.2", "node1", NONE, NONE],
            id="a pod that runs",
        ),
        pytest.param(
            "Pod",
            pod(**container({"waiting": {"reason": "CrashLoopBackOff"}})),
            ["web", "0/1", "CrashLoopBackOff", "2", "60s", "10.244.1.2", "node1", NONE, NONE],
            id="a pod that keeps crashing",
        ),
        pytest.param(
            "Pod",
            {**pod(), "metadata": {**CREATED, "deletionTimestamp": "2027-01-15T08:00:30Z"}},
            ["web", "0/1", "Terminating", "0", "60s", "10.244.1.2", "node1", NONE, NONE],
            id="a pod that is going",
        ),
        pytest.param(
            "Service",
            SERVICE,
            ["web", "NodePort", "10.0.0.9", "<none>", "80:31704/TCP", "60s", "app=web"],
            id="a Service with a NodePort",
        ),
        pytest.param(
            "EndpointSlice",
            SLICE,
            ["web", "IPv4", "8080", "10.244.1.2,10.244.1.3,10.244.1.4 + 2 more...", "60s"],
            id="a slice with more endpoints than fit",
        ),
        pytest.param(
            "Node",
            {"metadata": CREATED, "spec": {"unschedulable": True}, "status": {}},
            [
                "web",
                "NotReady,SchedulingDisabled",
                NONE,
                "60s",
                UNKNOWN,
                NONE,
                NONE,
                *[UNKNOWN] * 3,
            ],
            id="a node that is closed",
        ),
        pytest.param(
            "Deployment",
            {"metadata": CREATED, "spec": TEMPLATED, "status": {"readyReplicas": 1}},
            ["web", "1/3", 0, 0, "60s", "c", "nginx", "app=web"],
            id="a Deployment on its way",
        ),
        pytest.param(
            "Job",
            {
                "metadata": CREATED,
                "spec": {**TEMPLATED, "completions": 3},
                "status": {"succeeded": 1, "startTime": "2027-01-15T07:59:30Z"},
            },
            ["web", "Running", "1/3", "30s", "60s", "c", "nginx", "app=web"],
            id="a Job that runs",
        ),
        pytest.param(
            "Secret",
            {"metadata": CREATED, "type": "kubernetes.io/tls", "data": {"a": "", "b": ""}},
            ["web", "kubernetes.io/tls", 2, "60s"],
            id="a Secret",
        ),
        pytest.param(
            "Service",
            {
                **SERVICE,
                "spec": {**SERVICE["spec"], "type": "LoadBalancer"},
                "status": {"loadBalancer": {"ingress": [{"hostname": "lb.example"}]}},
            },
            ["web", "LoadBalancer", "10.0.0.9", "lb.example", "80:31704/TCP", "60s", "app=web"],
            id="a Service whose load balancer has a name",
        ),
        pytest.param(
            "Event",
            {
                "metadata": {"name": "web.1"},
                "type": "Normal",
                "reason": "Pulled",
                "involvedObject": {"kind": "Pod", "name": "web"},
                "source": {"component": "kubelet", "host": "node1"},
                "message": "image is there",
                "firstTimestamp": "2027-01-15T07:50:00Z",
                "lastTimestamp": "2027-01-15T07:59:55Z",
                "count": 4,
            },
            [
                *("5s", "Normal", "Pulled", "pod/web", "", "kubelet, node1", "image is there"),
                *("10m", 4, "web.1"),
            ],
            id="an Event",
        ),
        pytest.param(
            "Pod",
            {
                "metadata": CREATED,
                "spec": {"containers": [{"name": "c"}], "initContainers": [{"name": "i"}]},
                "status": {
                    "phase": "Pending",
                    "initContainerStatuses": [{"name": "i", "state": {"running": {}}}],
                },
            },
            ["web", "0/1", "Init:0/1", "0", "60s", NONE, NONE, NONE, NONE],
            id="a pod whose init container runs",
        ),
    ],
)
def test_a_row_tells(kind: str, obj: Object, cells: list[object]):
    (row,) = table([obj], kind, NOW)["rows"]
    assert row["cells"] == cells
    assert row["object"]["kind"] == "PartialObjectMetadata"


def test_every_kind_has_cells_for_an_object_that_says_nothing():
    for kind in KINDS:
        obj: Object = {"apiVersion": kind.resource.api_version, "kind": kind.resource.kind}
        obj["metadata"] = {"name": "web"}
        shown = table([obj], kind.resource.kind, NOW)
        (row,) = shown["rows"]
        assert len(row["cells"]) == len(shown["columnDefinitions"])
        assert all(isinstance(cell, str | int) for cell in row["cells"])
        assert "name" in [one["format"] for one in shown["columnDefinitions"]]


@pytest.mark.parametrize(
    ("include", "kind"), [("None", None), ("Metadata", "PartialObjectMetadata"), ("Object", "Pod")]
)
def test_a_row_holds_what_is_asked_of_its_object(include: str, kind: str | None):
    (row,) = table([pod()], "Pod", NOW, include=include)["rows"]
    assert row.get("object", {}).get("kind") == kind


def test_a_cell_that_cannot_be_read_spoils_no_other():
    good = {"kind": "Pod", "metadata": {"name": "a", "namespace": "default"}, "spec": {}}
    odd = {"kind": "Pod", "metadata": {"name": "b", "creationTimestamp": ".."}, "spec": {}}
    rows = table([good, odd], "Pod", 1_800_000_000.0)["rows"]
    assert [row["cells"][0] for row in rows] == ["a", "b"]
    assert "<invalid>" in rows[1]["cells"]
