"""One bad object stops nothing else: a lab with one in it still serves all others.

The object is put into the store past every check of the API, as one that an older netlab let in
may lie there; it has the form that its schema asks for, and odd values. Then a Deployment, a pod
and a Service are made beside it: their pods must run, their endpoints and rules be there, every
list be answered, and no agent may fail.
"""

import asyncio
import copy
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from random import Random  # noqa: TID251 (seeded by the run)
from tempfile import TemporaryDirectory
from typing import Any, Final

import pytest
import yaml
from aiohttp.test_utils import TestClient, TestServer

from netlab.apiserver.registry.deletion import delete
from netlab.apiserver.server import build_app
from netlab.apiserver.stored_objects import why_unusable
from netlab.control_plane import report
from netlab.kube.defaults import with_defaults
from netlab.kube.manifests import as_decoded
from netlab.kube.objects import Object, labels_of, name_of, status_of
from netlab.kube.resources import RESOURCES, key_of
from netlab.kube.unreadable import UnreadableObjects
from tests.fuzz.corpus import OBJECTS
from tests.fuzz.found import FoundError
from tests.fuzz.mutation import mutated
from tests.unit.control_plane.in_process import Inside, control_plane

OBJECTS_OF_A_LAB: Final = 8
"""Bad ones that are put into one lab, one after another."""
_TOPOLOGY: Final = """
apiVersion: netlab/v1
kind: Topology
spec: {nodes: 2, ipFamilies: [IPv4, IPv6], proxy: {mode: %s}}
"""
_LABEL: Final = "beside"
_BESIDE: Final = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: %(name)s, namespace: default}
spec:
  replicas: 2
  selector: {matchLabels: {beside: %(name)s, own: all}}
  template:
    metadata: {labels: {beside: %(name)s, own: all}}
    spec:
      automountServiceAccountToken: false
      containers: [{name: c, image: registry.k8s.io/echoserver:1.4}]
---
apiVersion: v1
kind: Pod
metadata: {name: %(name)s, namespace: default, labels: {beside: %(name)s}}
spec:
  nodeName: node1
  automountServiceAccountToken: false
  containers: [{name: c, image: registry.k8s.io/echoserver:1.4}]
---
apiVersion: v1
kind: Service
metadata: {name: %(name)s, namespace: default}
spec:
  clusterIP: 10.96.200.9
  clusterIPs: [10.96.200.9]
  ipFamilies: [IPv4]
  selector: {beside: %(name)s}
  ports: [{port: 80, protocol: TCP, targetPort: 8080}]
"""
_FORMS: Final = (
    "application/json",
    "application/json;as=Table;v=v1;g=meta.k8s.io",
    "application/vnd.kubernetes.protobuf",
)
_CHANGED: Final = ("pods", "services", "endpointslices", "namespaces", "serviceaccounts", "leases")
"""What there is in a lab already, and may be changed to something bad."""
_WAIT_S: Final = 10.0


def bad_objects(random: Random, counts: Counter[str]) -> None:
    """Put some bad objects into a new lab, one after another."""
    with TemporaryDirectory() as directory, pytest.MonkeyPatch.context() as monkeypatch:
        asyncio.run(_in_a_lab(random, counts, Path(directory), monkeypatch))


async def _in_a_lab(
    random: Random, counts: Counter[str], directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    topology = _TOPOLOGY % random.choice(("iptables", "nftables"))
    async with control_plane(topology, directory, monkeypatch) as inside:
        app = build_app(inside.store, clock=inside.plane.clock, changed=lambda: None)
        async with TestClient(TestServer(app)) as client:
            await inside.settled()
            for number in range(OBJECTS_OF_A_LAB):
                name = f"b{number}"
                bad = _bad(random, inside, name)
                if bad is None:
                    counts["refused"] += 1
                    continue
                counts["accepted"] += 1
                try:
                    await _look(inside, client, bad, name)
                except Exception as error:
                    raise FoundError(f"{error!r} beside\n{bad}") from error


def _bad(random: Random, inside: Inside, name: str) -> Object | None:
    """Put something bad into the store and return it; None when the store would not load it."""
    present = inside.store.list_(random.choice(_CHANGED)) if random.random() < 0.3 else []
    if present:
        before = random.choice(present)
        obj = mutated(random, before)
    else:
        before = _acted_on(random, name)
        obj = mutated(random, before)
    if not isinstance(obj.get("metadata"), dict):
        return None
    kept = ("name", "namespace", "uid", "resourceVersion", "creationTimestamp")
    obj["metadata"] |= {field: before["metadata"].get(field) for field in kept}
    obj = as_decoded(obj)
    whole = {"uid": "u", "resourceVersion": "1", "creationTimestamp": "2027-01-15T08:00:00Z"}
    key = key_of(before)
    if why_unusable(key, {**obj, "metadata": whole | obj["metadata"]}):
        return None
    # A control plane that starts fills in defaults where it can.
    obj = UnreadableObjects().read(key, lambda: with_defaults(obj)) or obj
    if present:
        return inside.store.update(obj)
    if inside.store.get(key) is not None:
        return None
    return inside.store.create(obj)


def _acted_on(random: Random, name: str) -> Object:
    """Return an object that what is made later has to do with, still in order."""
    obj: Object = copy.deepcopy(random.choice(OBJECTS))
    obj["metadata"] |= {"name": f"bad-{name}"}
    obj["metadata"]["labels"] = {**labels_of(obj), _LABEL: name}
    obj = with_defaults(obj)
    match obj["kind"]:
        case "Pod" if random.random() < 0.6:
            obj["spec"] |= {"nodeName": "node1", "automountServiceAccountToken": False}
            if random.random() < 0.7:
                obj["status"] = {"phase": "Pending", "podIPs": [{"ip": "10.244.1.77"}]}
        case "EndpointSlice":
            obj["metadata"]["labels"]["kubernetes.io/service-name"] = name
        case "Service":
            obj["spec"] |= {"clusterIP": "10.96.200.77", "clusterIPs": ["10.96.200.77"]}
            obj["status"] = {"loadBalancer": {"ingress": [{"ip": "203.0.113.9"}]}}
            if random.random() < 0.5:
                obj["spec"]["selector"] = {_LABEL: name}
    return obj


async def _look(inside: Inside, client: "TestClient[Any, Any]", bad: Object, name: str) -> None:
    await inside.settled()
    made = [inside.create(one) for one in yaml.safe_load_all(_BESIDE % {"name": name})]
    async with asyncio.timeout(_WAIT_S):
        while missing := list(_missing(inside, name)):
            await asyncio.sleep(0.02)
            assert not inside.plane.failure, inside.plane.failure
    assert not missing
    report.status(inside.plane)
    report.service_calls(inside.plane)
    plurals = {"pods", "services", "nodes", "events", "endpointslices", key_of(bad).resource}
    for plural in sorted(plurals):
        for form in _FORMS:
            path = RESOURCES[plural].path("")
            async with client.get(path, headers={"Accept": form}) as answer:
                text = await answer.text(errors="replace")
                assert answer.status < 500, f"GET {path} as {form}: {text[:300]}"
    for obj in made:
        delete(inside.store, key_of(obj), inside.plane.clock())
    await inside.settled()


def _missing(inside: Inside, name: str) -> Iterator[str]:
    """Yield what is not there yet of the objects that were made beside the bad one."""
    pods = [
        pod
        for pod in inside.store.list_("pods")
        if labels_of(pod).get(_LABEL) == name and name_of(pod).startswith(name)
    ]
    running = {name_of(pod) for pod in pods if status_of(pod).get("phase") == "Running"}
    if len(running) < 3:
        yield "running pods"
    there = {
        (endpoint.get("targetRef") or {}).get("name")
        for piece in inside.store.list_("endpointslices")
        if name_of(piece).startswith(f"{name}-")
        for endpoint in piece.get("endpoints") or ()
    }
    if not running <= there:
        yield "endpoints"
    rules = [node.rules() for node in inside.plane.kube_proxy.nodes.values()]
    if not any(f"default/{name}" in str(one) for one in rules):
        yield "rules"
