"""Rulesets of one node from what a test cares about; the rest has defaults."""

from collections.abc import Callable, Sequence
from ipaddress import ip_address, ip_network

import pytest

from netlab.kube.kinds.service.view import (
    SERVICE_NAME_LABEL,
    ProxyNode,
    endpoint_slice_of,
    service_of,
)
from netlab.kubeproxy.iptables.compile import compile_ruleset
from netlab.model.addresses import Family
from netlab.model.kube_proxy import ProxyConfiguration
from netlab.netfilter.iptables.rules import Ruleset

NODE1 = ProxyNode(
    name="node1",
    addresses=(ip_address("10.240.0.3"), ip_address("fd00:240::3")),
    pod_cidrs=(ip_network("10.244.1.0/24"), ip_network("fd00:244:1::/64")),
)
CONFIGURATION = ProxyConfiguration(
    cluster_cidrs=(ip_network("10.244.0.0/16"), ip_network("fd00:244::/48"))
)
TWO_PODS = (("10.244.1.2", "node1"), ("10.244.2.2", "node2"))


def service(spec: dict[str, object]) -> dict[str, object]:
    own = {
        "clusterIP": "10.0.0.80",
        "ports": [{"port": 80, "targetPort": 8080}],
        **{key: value for key, value in spec.items() if key not in {"name", "labels", "ingress"}},
    }
    return {
        "metadata": {"name": spec.get("name", "web"), "labels": spec.get("labels", {})},
        "spec": own,
        "status": {"loadBalancer": {"ingress": spec.get("ingress", [])}},
    }


def endpoint_slice(
    spec: dict[str, object], pods: Sequence[tuple[str, str]], family: Family
) -> dict[str, object]:
    name = spec.get("name", "web")
    return {
        "metadata": {"name": f"{name}-abcde", "labels": {SERVICE_NAME_LABEL: name}},
        "addressType": family,
        "ports": [{"name": "", "port": 8080, "protocol": "TCP"}],
        "endpoints": [{"addresses": [ip], "nodeName": node} for ip, node in pods],
    }


@pytest.fixture
def lay() -> Callable[..., Ruleset]:
    """Compile for node1; a Service is its spec, beside name, labels and ingress."""

    def compile_for_node1(
        *specs: dict[str, object],
        pods: Sequence[tuple[str, str]] = TWO_PODS,
        configuration: ProxyConfiguration = CONFIGURATION,
        family: Family = Family.IPV4,
    ) -> Ruleset:
        services = [service_of(service(spec)) for spec in specs]
        slices = [endpoint_slice_of(endpoint_slice(spec, pods, family)) for spec in specs]
        return compile_ruleset(NODE1, services, slices, configuration, family)

    return compile_for_node1
