"""What is filled in, given as what an object says and what it then has."""

import pytest

from netlab.kube.defaults import with_defaults
from netlab.kube.objects import Object


def completed(kind: str, spec: Object) -> Object:
    api_version = "apps/v1" if kind == "Deployment" else "v1"
    obj = {"apiVersion": api_version, "kind": kind, "metadata": {"name": "web"}, "spec": spec}
    spec_after: Object = with_defaults(obj)["spec"]
    return spec_after


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        pytest.param(
            {},
            {"type": "ClusterIP", "sessionAffinity": "None", "internalTrafficPolicy": "Cluster"},
            id="a plain Service",
        ),
        pytest.param(
            {"ports": [{"port": 80}]},
            {"ports": [{"port": 80, "protocol": "TCP", "targetPort": 80}]},
            id="a port",
        ),
        pytest.param({"type": "NodePort"}, {"externalTrafficPolicy": "Cluster"}, id="a NodePort"),
        pytest.param(
            {"sessionAffinity": "ClientIP"},
            {"sessionAffinityConfig": {"clientIP": {"timeoutSeconds": 10800}}},
            id="session affinity",
        ),
        pytest.param(
            {"type": ""}, {"type": "ClusterIP"}, id="an empty type, as typed clients send"
        ),
    ],
)
def test_service(spec: Object, expected: Object):
    assert expected.items() <= completed("Service", spec).items()


def test_a_cluster_ip_service_has_no_external_policy():
    assert "externalTrafficPolicy" not in completed("Service", {})


@pytest.mark.parametrize(
    ("image", "policy"),
    [
        pytest.param("nginx", "Always", id="no tag"),
        pytest.param("nginx:latest", "Always", id="latest"),
        pytest.param("registry:5000/nginx", "Always", id="a port that is no tag"),
        pytest.param("registry.k8s.io/echoserver:1.4", "IfNotPresent", id="a tag"),
    ],
)
def test_image_pull_policy(image: str, policy: str):
    (container,) = completed("Pod", {"containers": [{"name": "c", "image": image}]})["containers"]
    assert container["imagePullPolicy"] == policy


@pytest.mark.parametrize(
    ("strategy", "expected"),
    [
        pytest.param(
            {},
            {
                "type": "RollingUpdate",
                "rollingUpdate": {"maxSurge": "25%", "maxUnavailable": "25%"},
            },
            id="an empty strategy rolls",
        ),
        pytest.param({"type": "Recreate"}, {"type": "Recreate"}, id="Recreate stays alone"),
        pytest.param(
            {"rollingUpdate": {"maxSurge": 0}},
            {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 0, "maxUnavailable": "25%"}},
            id="a surge of zero is a surge",
        ),
    ],
)
def test_deployment_strategy(strategy: Object, expected: Object):
    spec = completed("Deployment", {"strategy": strategy, "template": {}})
    assert spec["strategy"] == expected
    assert spec["replicas"] == 1
    assert completed("Deployment", {"replicas": 0, "template": {}})["replicas"] == 0
