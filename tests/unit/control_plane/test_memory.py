"""What is gone is forgotten: no agent of a control plane keeps anything of objects that were."""

import asyncio
from collections import Counter, deque
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from netlab.apiserver.registry.deletion import delete
from netlab.kube.resources import key_of
from netlab.model.processes import ProcessId
from tests.unit.control_plane.in_process import SETTLED_S, Inside, control_plane

TOPOLOGY: Final = """
apiVersion: netlab/v1
kind: Topology
spec: {nodes: 3, ipFamilies: [IPv4, IPv6]}
"""
OBJECTS: Final = """
apiVersion: v1
kind: ConfigMap
metadata: {name: settings-%(n)d, namespace: default}
data: {a: b}
---
apiVersion: v1
kind: Service
metadata: {name: web-%(n)d, namespace: default}
spec:
  type: LoadBalancer
  clusterIP: 10.0.77.%(n)d
  clusterIPs: [10.0.77.%(n)d]
  ipFamilies: [IPv4]
  externalTrafficPolicy: Local
  healthCheckNodePort: 32%(n)03d
  sessionAffinity: ClientIP
  selector: {app: web-%(n)d}
  ports:
    - {name: http, port: 80, targetPort: 8080, nodePort: 30%(n)03d, protocol: TCP}
    - {name: dns, port: 53, targetPort: 8053, nodePort: 31%(n)03d, protocol: UDP}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web-%(n)d, namespace: default}
spec:
  replicas: 3
  selector: {matchLabels: {app: web-%(n)d}}
  template:
    metadata: {labels: {app: web-%(n)d}}
    spec:
      automountServiceAccountToken: false
      volumes: [{name: settings, configMap: {name: settings-%(n)d}}]
      containers:
        - name: echoserver
          image: registry.k8s.io/echoserver:1.4
          ports: [{containerPort: 8080, hostPort: 18%(n)03d}]
          volumeMounts: [{name: settings, mountPath: /settings}]
          readinessProbe: {tcpSocket: {port: 8080}}
---
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: set-%(n)d, namespace: default}
spec:
  serviceName: set-%(n)d
  replicas: 1
  selector: {matchLabels: {app: set-%(n)d}}
  template:
    metadata: {labels: {app: set-%(n)d}}
    spec:
      automountServiceAccountToken: false
      containers: [{name: c, image: registry.k8s.io/echoserver:1.4, env: [{name: A, value: b}]}]
---
apiVersion: batch/v1
kind: CronJob
metadata: {name: cron-%(n)d, namespace: default}
spec:
  schedule: "0 0 1 1 *"
  jobTemplate: {spec: {template: {spec: {restartPolicy: Never, containers: [{name: c, image: i}]}}}}
---
apiVersion: v1
kind: Pod
metadata: {name: nowhere-%(n)d, namespace: default}
spec:
  nodeSelector: {"no": node}
  containers: [{name: c, image: an-unknown-image}]
---
apiVersion: v1
kind: Pod
metadata: {name: unreadable-%(n)d, namespace: default}
spec: {nodeName: node1, containers: [{name: c, image: an-unknown-image}]}
status: {podIPs: [{ip: "no address"}]}
---
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata: {name: web-%(n)d, namespace: default}
spec: {minAvailable: 1, selector: {matchLabels: {app: web-%(n)d}}}
"""
BOUNDED: Final = frozenset({"Store._history", "Store._file"})
"""Kept on purpose, within a limit that the tests of the store hold it to."""
_ATOMS: Final = (str, bytes, int, float, type(None))


def test_a_control_plane_keeps_nothing_of_objects_that_are_gone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    async def run() -> tuple[Counter[str], Counter[str]]:
        async with control_plane(TOPOLOGY, tmp_path, monkeypatch) as inside:
            for number in range(1, 3):
                await come_and_go(inside, number)
            before = held(inside.plane)
            for number in range(3, 8):
                await come_and_go(inside, number)
            return before, held(inside.plane)

    before, after = asyncio.run(run())
    assert len(before) > 50
    grown = {name: (before[name], size) for name, size in after.items() if size > before[name]}
    assert grown == {}


async def come_and_go(inside: Inside, number: int) -> None:
    """Have one of each object made, and deleted when all has been done for it."""
    made = [inside.create(one) for one in yaml.safe_load_all(OBJECTS % {"n": number})]
    await inside.settled()
    # Somebody had let go of a program in a pod while it was started.
    inside.runtime.ended(ProcessId(pid=number, start_time=0), 0)
    running = [one for one in inside.store.list_("pods") if one["status"].get("phase") == "Running"]
    assert len(running) == 4
    for obj in reversed(made):
        delete(inside.store, key_of(obj), inside.plane.clock())
    async with asyncio.timeout(SETTLED_S):
        await inside.plane.loops.wait_until(lambda: not inside.store.list_("pods"))
    await inside.settled()
    for event in inside.store.list_("events"):
        inside.store.remove(key_of(event))
    await inside.settled()


def held(root: object) -> Counter[str]:
    """Return how many things the containers of an object have, and of all it leads to.

    They are counted by the class and the attribute that they are found under.
    """
    sizes: Counter[str] = Counter()
    seen: set[int] = set()
    todo: deque[tuple[str, object]] = deque([("", root)])
    while todo:
        name, value = todo.popleft()
        if isinstance(value, _ATOMS) or id(value) in seen:
            continue
        seen.add(id(value))
        if isinstance(value, Mapping | set | frozenset | list | tuple | deque):
            sizes[name] += len(value)
            todo.extend((name, one) for one in _contents(value))
        elif type(value).__module__.startswith("netlab."):
            for attribute, one in _attributes(value):
                path = f"{type(value).__name__}.{attribute}"
                if path not in BOUNDED:
                    todo.append((path, one))
    return sizes


def _contents(value: Any) -> Iterable[object]:  # noqa: ANN401 (any container)
    return [*value.keys(), *value.values()] if isinstance(value, Mapping) else list(value)


def _attributes(value: object) -> Iterable[tuple[str, object]]:
    slots = [name for kind in type(value).__mro__ for name in getattr(kind, "__slots__", ())]
    names = [*slots, *getattr(value, "__dict__", {})]
    return [(name, getattr(value, name)) for name in names if hasattr(value, name)]
