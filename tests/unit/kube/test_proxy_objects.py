"""Files for one kube-proxy: what is taken of them, and what is left out and said."""

import pytest

from netlab.errors import SpecError
from netlab.kube.proxy_objects import parse_proxy_objects

NODE = """
apiVersion: v1
kind: Node
metadata: {name: n1}
status: {addresses: [{type: InternalIP, address: 10.0.0.1}]}
"""

OTHERS = """
apiVersion: v1
kind: ServiceAccount
metadata: {name: front}
---
apiVersion: v1
kind: Service
metadata: {name: front}
spec: {clusterIP: 10.0.0.44, ports: [{port: 80}]}
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: a}
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: b}
"""

CONFIG_MAP = """
apiVersion: v1
kind: ConfigMap
metadata: {name: kube-proxy, namespace: kube-system}
data:
  config.conf: |
    apiVersion: kubeproxy.config.k8s.io/v1alpha1
    kind: KubeProxyConfiguration
    clusterCIDR: %s
"""


def test_what_kube_proxy_does_not_read_is_left_out_with_a_line_a_kind():
    objects = parse_proxy_objects([(OTHERS, "f.yaml")])
    assert [one["kind"] for one in objects.manifests] == ["Service"]
    assert objects.remarks == (
        "1 object of kind ServiceAccount left out: kube-proxy does not read it.",
        "2 objects of kind Ingress left out: kube-proxy does not read them.",
    )


def test_strict_refuses_what_kube_proxy_does_not_read():
    with pytest.raises(SpecError) as refused:
        parse_proxy_objects([(OTHERS, "f.yaml")], is_strict=True)
    assert str(refused.value).splitlines() == [
        "f.yaml:3: kind: kube-proxy reads no objects of kind ServiceAccount",
        "f.yaml:12: kind: kube-proxy reads no objects of kind Ingress",
        "f.yaml:16: kind: kube-proxy reads no objects of kind Ingress",
    ]


@pytest.mark.parametrize(
    "text",
    [
        "apiVersion: v1\nkind: List\nitems: [{apiVersion: v1, kind: Service, %s}]",
        "apiVersion: v1\nkind: ServiceList\nitems: [{%s}]",
        "apiVersion: v1\nkind: List\nitems: [{apiVersion: v1, kind: ServiceList, items: [{%s}]}]",
    ],
    ids=["a List", "a ServiceList", "a list in a list"],
)
def test_lists_are_taken_apart(text: str):
    service = "metadata: {name: a}, spec: {clusterIP: 10.96.1.2, ports: [{port: 80}]}"
    (found,) = parse_proxy_objects([(text % service, "f.yaml")]).manifests
    assert (found["apiVersion"], found["kind"]) == ("v1", "Service")


def test_a_problem_in_a_list_has_its_own_line():
    text = f"kind: NodeList\napiVersion: v1\nitems:\n- metadata: {{name: n1}}\n{' ' * 2}spec: 5\n"
    with pytest.raises(SpecError) as refused:
        parse_proxy_objects([(text, "f.yaml")])
    assert str(refused.value).startswith("f.yaml:5: spec: ")


def test_the_configuration_is_read_out_of_kubeadms_config_map():
    objects = parse_proxy_objects([(NODE, "n"), (CONFIG_MAP % "10.244.0.0/16", "c")])
    assert objects.configuration["clusterCIDR"] == "10.244.0.0/16"
    assert objects.remarks == ()


def test_what_is_wrong_in_kubeadms_config_map_is_told_with_its_line():
    with pytest.raises(SpecError) as refused:
        parse_proxy_objects([(CONFIG_MAP % "10.244.0.0/99", "c.yaml")])
    assert str(refused.value).startswith('c.yaml:6: clusterCIDR: Invalid value: "10.244.0.0/99"')
    with pytest.raises(SpecError) as refused:
        parse_proxy_objects([(CONFIG_MAP % "[", "c.yaml")])
    assert str(refused.value).startswith("c.yaml:6: data[config.conf]: this is not YAML")


def test_any_other_config_map_is_left_out():
    text = CONFIG_MAP.replace("kube-proxy,", "other,") % "10.244.0.0/16"
    objects = parse_proxy_objects([(text, "c")])
    assert objects.configuration == {}
    assert objects.remarks == ("1 object of kind ConfigMap left out: kube-proxy does not read it.",)
