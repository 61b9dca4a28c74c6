"""What mutation begins with: objects of the kinds that something acts on, and topologies."""

from functools import cache
from importlib.resources import files
from typing import Any, Final

import yaml

from tests.unit.kube.refused_kinds import RIGHT

_LABELS: Final = {"app": "web"}
_CONTAINER: Final = {
    "name": "c",
    "image": "registry.k8s.io/echoserver:1.4",
    "ports": [{"name": "http", "containerPort": 8080}],
    "env": [{"name": "A", "value": "b"}],
    "resources": {"requests": {"cpu": "100m"}},
    "readinessProbe": {"httpGet": {"path": "/", "port": "http"}},
    "volumeMounts": [{"name": "v", "mountPath": "/v"}],
}
_POD: Final = {"containers": [_CONTAINER], "volumes": [{"name": "v", "emptyDir": {}}]}
_TEMPLATE: Final = {"metadata": {"labels": _LABELS}, "spec": _POD}
_SELECTOR: Final = {"matchLabels": _LABELS}


def _object(version: str, kind: str, **fields: Any) -> dict[str, Any]:  # noqa: ANN401
    metadata = {"name": "web", "namespace": "default", "labels": _LABELS}
    return {"apiVersion": version, "kind": kind, "metadata": metadata, **fields}


_WORKLOAD: Final = {"replicas": 2, "selector": _SELECTOR, "template": _TEMPLATE}
_JOB: Final = {**_TEMPLATE, "spec": {**_POD, "restartPolicy": "Never"}}

_ACTED_ON: Final[tuple[dict[str, Any], ...]] = (
    _object("v1", "Pod", spec=_POD),
    _object("apps/v1", "Deployment", spec={**_WORKLOAD, "strategy": {"type": "RollingUpdate"}}),
    _object("apps/v1", "ReplicaSet", spec=_WORKLOAD),
    _object("apps/v1", "StatefulSet", spec={**_WORKLOAD, "serviceName": "web"}),
    _object("apps/v1", "DaemonSet", spec={"selector": _SELECTOR, "template": _TEMPLATE}),
    _object("batch/v1", "Job", spec={"completions": 2, "template": _JOB}),
    _object(
        "v1",
        "Service",
        spec={
            "type": "NodePort",
            "selector": _LABELS,
            "ports": [{"name": "a", "port": 80, "targetPort": "http"}, {"name": "b", "port": 81}],
        },
    ),
    _object("v1", "Service", spec={"type": "LoadBalancer", "ports": [{"port": 80}]}),
    _object(
        "discovery.k8s.io/v1",
        "EndpointSlice",
        addressType="IPv4",
        endpoints=[{"addresses": ["10.1.2.3"], "conditions": {"ready": True}}],
        ports=[{"name": "a", "port": 8080, "protocol": "TCP"}],
    ),
    _object(
        "v1", "Endpoints", subsets=[{"addresses": [{"ip": "10.1.2.3"}], "ports": [{"port": 1}]}]
    ),
    _object("v1", "ConfigMap", data={"a": "b"}),
    _object("v1", "Secret", stringData={"a": "b"}),
    _object("policy/v1", "PodDisruptionBudget", spec={"minAvailable": 1, "selector": _SELECTOR}),
    {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "prod"}},
)
_KINDS: Final = {one["kind"] for one in _ACTED_ON}
OBJECTS: Final = (*_ACTED_ON, *(one for kind, one in RIGHT.items() if kind not in _KINDS))
"""One of each kind at least."""


@cache
def topologies() -> list[list[Any]]:
    """Return the documents of each topology that netlab ships."""
    found = sorted((files("netlab") / "topologies").iterdir(), key=str)
    texts = (one.read_text() for one in found if one.name.endswith(".yaml"))
    return [list(yaml.safe_load_all(text)) for text in texts]
