"""``up`` brings a lab back whatever is in its store, and says what it leaves out.

The API checks what clients write, but no check is complete, and a store may be of an older netlab.
"""

import json
import os
import signal
import sqlite3
from typing import Any, Final

import pytest

from netlab.kube.resources import RESOURCES
from netlab.model.rundir import store_file
from tests.kernel.conftest import Lab, wait_for

pytestmark = pytest.mark.kernel

POD: Final = {"containers": [{"name": "c", "image": "registry.k8s.io/echoserver:1.4"}]}


def meta(name: str, **fields: object) -> dict[str, Any]:
    own = {"uid": f"0000-{name}", "resourceVersion": "1", "generation": 1}
    created = {"creationTimestamp": "2026-01-01T00:00:00Z"}
    return {"name": name, "namespace": "default", **own, **created, **fields}


BAD: Final[dict[str, tuple[str, dict[str, Any]]]] = {
    "a pod whose address is none": (
        "pods",
        {
            "metadata": meta("a"),
            "spec": {**POD, "nodeName": "node1"},
            "status": {"podIPs": [{"ip": "x"}]},
        },
    ),
    "a pod without containers": ("pods", {"metadata": meta("b"), "spec": {"nodeName": "node2"}}),
    "a pod whose spec is a string": ("pods", {"metadata": meta("c"), "spec": "x"}),
    "a pod with a null condition": (
        "pods",
        {"metadata": meta("d"), "spec": POD, "status": {"conditions": [None]}},
    ),
    "a pod that ends at no time": (
        "pods",
        {"metadata": meta("e", deletionTimestamp="soon"), "spec": {**POD, "nodeName": "node1"}},
    ),
    "a Service without ports": ("services", {"metadata": meta("f"), "spec": {"ports": None}}),
    "a Service whose address is none": (
        "services",
        {
            "metadata": meta("g"),
            "spec": {"clusterIP": "x", "clusterIPs": ["x"], "ports": [{"port": "y"}]},
        },
    ),
    "a Service without a spec": ("services", {"metadata": meta("h")}),
    "a slice with a zone": (
        "endpointslices",
        {
            "metadata": meta("i", labels={"kubernetes.io/service-name": "web"}),
            "addressType": "IPv6",
            "endpoints": [{"addresses": ["fd00::1%\n-A INPUT -j DROP"]}],
            "ports": [{"port": 80}],
        },
    ),
    "a slice of nulls": (
        "endpointslices",
        {"metadata": meta("j"), "addressType": None, "endpoints": [None], "ports": [None]},
    ),
    "a Deployment without a selector": (
        "deployments",
        {"metadata": meta("k"), "spec": {"replicas": "x", "selector": None, "template": None}},
    ),
    "a Deployment whose surge is a word": (
        "deployments",
        {
            "metadata": meta("l"),
            "spec": {
                "replicas": 1,
                "selector": {"matchLabels": {"app": None}},
                "strategy": {"rollingUpdate": {"maxSurge": "one"}},
                "template": {"metadata": {"labels": {"app": "l"}}, "spec": POD},
            },
        },
    ),
    "a StatefulSet, a DaemonSet and a Job of nothing": (
        "jobs",
        {"metadata": meta("m"), "spec": None},
    ),
    "a CronJob without a schedule": (
        "cronjobs",
        {"metadata": meta("n"), "spec": {"schedule": "x"}},
    ),
    "an owner that is a string": (
        "configmaps",
        {"metadata": meta("o", ownerReferences=["x"]), "data": []},
    ),
    "labels that are a list": ("configmaps", {"metadata": meta("p", labels=["x"])}),
    "an Event of nothing": ("events", {"metadata": meta("q"), "involvedObject": None}),
    "a resource that is not known": ("apples", {"metadata": meta("r")}),
}
NO_OBJECTS: Final = ("", "x", "[]", "null", '{"metadata": 5}')


def complete(resource: str, obj: dict[str, Any]) -> str:
    """Return an object as a store keeps it, with the words of its kind."""
    found = RESOURCES.get(resource)
    words = {"apiVersion": found.api_version, "kind": found.kind} if found else {}
    return json.dumps({**words, **obj})


def kill_control_plane(lab: Lab) -> None:
    processes = lab.processes().values()
    for pid in processes:
        os.kill(pid, signal.SIGKILL)
    wait_for(lambda: not lab.processes())


def write(lab: Lab, rows: dict[str, tuple[str, str]]) -> None:
    """Put texts into a store under a resource and a name, past everything that looks at them."""
    with sqlite3.connect(store_file(lab.name)) as connection:
        for name, (resource, text) in rows.items():
            row = (resource, "default", name, text)
            connection.execute("INSERT OR REPLACE INTO objects VALUES (?, ?, ?, ?)", row)


def test_up_goes_on_with_all_that_can_be_read(lab: Lab):
    lab.up()
    kill_control_plane(lab)
    rows = {one["metadata"]["name"]: (kind, complete(kind, one)) for kind, one in BAD.values()}
    write(lab, rows)
    write(lab, {f"z{number}": ("configmaps", text) for number, text in enumerate(NO_OBJECTS)})
    done = lab.run("up", "two-nodes")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "CLIENT VALUES:" in lab.fetch("client", "http://10.240.0.4:30080")
    status = lab.status()
    assert any("pods default/c" in problem for problem in status["problems"])
    # Commands go on, and the next start has nothing more to leave out of the store.
    assert lab.run("delete", "pod", "web-1").returncode == 0
    kill_control_plane(lab)
    assert lab.run("up", "two-nodes").returncode == 0
    assert not any("store: " in problem for problem in lab.status()["problems"])
    assert "CLIENT VALUES:" in lab.fetch("client", "http://10.240.0.4:30080")
    lab.down()
