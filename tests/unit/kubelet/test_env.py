"""The environment of containers, and what it is made of."""

import base64

import pytest

from netlab.kube.objects import Object
from netlab.kubelet.env import environment
from netlab.kubelet.expansion import expanded
from netlab.kubelet.service_env import service_environment
from netlab.kubelet.sources import CreateContainerConfigError
from netlab.model.topology import Topology
from tests.unit.kubelet.samples import sources_of


def service(name: str, ip: str, *ports: Object, namespace: str = "default") -> Object:
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {"clusterIP": ip, "ports": list(ports)},
    }


KUBERNETES = service("kubernetes", "10.0.0.1", {"name": "https", "port": 443, "protocol": "TCP"})
MY_NGINX = service("my-nginx", "10.0.162.149", {"port": 80, "protocol": "TCP"})
CONFIG: Object = {
    "apiVersion": "v1",
    "kind": "ConfigMap",
    "metadata": {"name": "conf", "namespace": "default"},
    "data": {"level": "debug", "two words": "kept"},
}
SECRET: Object = {
    "apiVersion": "v1",
    "kind": "Secret",
    "metadata": {"name": "sec", "namespace": "default"},
    "data": {"pass": base64.b64encode(b"s3cret").decode()},
}
NODE: Object = {
    "apiVersion": "v1",
    "kind": "Node",
    "metadata": {"name": "node1"},
    "status": {
        "addresses": [{"type": "InternalIP", "address": "10.240.0.3"}],
        "allocatable": {"cpu": "2", "memory": "1Gi"},
    },
}
POD: Object = {
    "apiVersion": "v1",
    "kind": "Pod",
    "metadata": {"name": "web", "namespace": "default", "labels": {"app": "web"}},
    "spec": {"nodeName": "node1", "containers": [{"name": "c", "image": "x"}]},
    "status": {"podIPs": [{"ip": "10.244.1.2"}]},
}


def env(topology: Topology, *items: Object, **fields: object) -> dict[str, str]:
    objects = (KUBERNETES, MY_NGINX, CONFIG, SECRET, NODE)
    spec: Object = {"name": "c", "env": list(items), **fields}
    return environment(POD, spec, sources_of(topology, objects), {})


def test_services_are_told_as_the_tutorial_prints_them():
    assert service_environment("default", [KUBERNETES, MY_NGINX], has_links=True) == {
        "KUBERNETES_SERVICE_HOST": "10.0.0.1",
        "KUBERNETES_SERVICE_PORT": "443",
        "KUBERNETES_SERVICE_PORT_HTTPS": "443",
        "KUBERNETES_PORT": "tcp://10.0.0.1:443",
        "KUBERNETES_PORT_443_TCP": "tcp://10.0.0.1:443",
        "KUBERNETES_PORT_443_TCP_PROTO": "tcp",
        "KUBERNETES_PORT_443_TCP_PORT": "443",
        "KUBERNETES_PORT_443_TCP_ADDR": "10.0.0.1",
        "MY_NGINX_SERVICE_HOST": "10.0.162.149",
        "MY_NGINX_SERVICE_PORT": "80",
        "MY_NGINX_PORT": "tcp://10.0.162.149:80",
        "MY_NGINX_PORT_80_TCP": "tcp://10.0.162.149:80",
        "MY_NGINX_PORT_80_TCP_PROTO": "tcp",
        "MY_NGINX_PORT_80_TCP_PORT": "80",
        "MY_NGINX_PORT_80_TCP_ADDR": "10.0.162.149",
    }


@pytest.mark.parametrize(
    "hidden",
    [
        pytest.param(service("x", "None", {"port": 1}), id="headless"),
        pytest.param(service("x", "", {"port": 1}), id="no address yet"),
        pytest.param(service("x", "10.0.0.9", {"port": 1}, namespace="other"), id="elsewhere"),
    ],
)
def test_services_that_no_pod_is_told_of(hidden: Object):
    assert service_environment("default", [hidden], has_links=True) == {}


def test_without_links_only_the_api_is_told():
    found = service_environment("default", [KUBERNETES, MY_NGINX], has_links=False)
    assert {name.partition("_")[0] for name in found} == {"KUBERNETES"}


@pytest.mark.parametrize(
    ("item", "value"),
    [
        pytest.param({"value": "plain"}, "plain", id="a value"),
        pytest.param({}, "", id="none"),
        pytest.param({"valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}}, "10.244.1.2"),
        pytest.param({"valueFrom": {"fieldRef": {"fieldPath": "status.hostIP"}}}, "10.240.0.3"),
        pytest.param({"valueFrom": {"fieldRef": {"fieldPath": "metadata.labels['app']"}}}, "web"),
        pytest.param({"valueFrom": {"resourceFieldRef": {"resource": "limits.cpu"}}}, "2"),
        pytest.param(
            {"valueFrom": {"resourceFieldRef": {"resource": "limits.memory", "divisor": "1Mi"}}},
            "1024",
        ),
        pytest.param({"valueFrom": {"secretKeyRef": {"name": "sec", "key": "pass"}}}, "s3cret"),
        pytest.param({"valueFrom": {"configMapKeyRef": {"name": "conf", "key": "level"}}}, "debug"),
    ],
)
def test_what_a_variable_is(topology: Topology, item: Object, value: str):
    assert env(topology, {"name": "A", **item})["A"] == value


@pytest.mark.parametrize(
    ("reference", "words"),
    [
        ({"configMapKeyRef": {"name": "gone", "key": "k"}}, 'configmap "gone" not found'),
        (
            {"secretKeyRef": {"name": "sec", "key": "k"}},
            "couldn't find key k in Secret default/sec",
        ),
        ({"fieldRef": {"fieldPath": "status.nothing"}}, "unsupported fieldPath"),
    ],
)
def test_what_is_not_there_is_told_in_the_kubelets_words(
    topology: Topology, reference: Object, words: str
):
    with pytest.raises(CreateContainerConfigError, match=words):
        env(topology, {"name": "A", "valueFrom": reference})


def test_what_is_optional_and_not_there_is_left_out(topology: Topology):
    reference = {"configMapKeyRef": {"name": "gone", "key": "k", "optional": True}}
    assert "A" not in env(topology, {"name": "A", "valueFrom": reference})


def test_a_whole_config_map(topology: Topology):
    found = env(topology, envFrom=[{"prefix": "P_", "configMapRef": {"name": "conf"}}])
    assert (found["P_level"], found["P_two words"]) == ("debug", "kept")


def test_binary_data_is_for_files_alone(topology: Topology):
    config = {**CONFIG, "binaryData": {"raw": "/wA="}}
    spec: Object = {"name": "c", "envFrom": [{"configMapRef": {"name": "conf"}}]}
    assert "raw" not in environment(POD, spec, sources_of(topology, (config,)), {})


def test_a_value_may_refer_to_what_stands_before_it(topology: Topology):
    found = env(
        topology,
        {"name": "A", "value": "1"},
        {"name": "B", "value": "$(A)$(C)$$(A):$(MY_NGINX_SERVICE_PORT)"},
        {"name": "C", "value": "2"},
    )
    assert found["B"] == "1$(C)$(A):80"


def test_expansion_leaves_alone_what_is_no_reference():
    assert expanded("$ $A ${A} $(", {"A": "1"}) == "$ $A ${A} $("
