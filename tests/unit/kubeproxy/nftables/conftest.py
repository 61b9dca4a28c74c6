"""Tables of one node from what a test cares about; the rest has defaults."""

import json
from collections.abc import Callable, Sequence
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Any

import pytest

from netlab.kube.kinds.service.view import (
    SERVICE_NAME_LABEL,
    ProxyNode,
    endpoint_slice_of,
    service_of,
)
from netlab.kubeproxy.nftables.compile import compile_table
from netlab.model.addresses import Family
from netlab.model.kube_proxy import ProxyConfiguration
from netlab.netfilter.nftables.table import Table

NODE1 = ProxyNode(
    name="node1",
    addresses=(ip_address("10.240.0.3"), ip_address("10.244.1.1"), ip_address("fd00:240::3")),
    pod_cidrs=(ip_network("10.244.1.0/24"), ip_network("fd00:244:1::/64")),
)
CONFIGURATION = ProxyConfiguration(
    cluster_cidrs=(ip_network("10.244.0.0/16"), ip_network("fd00:244::/48"))
)
TWO_PODS = (("10.244.1.2", "node1"), ("10.244.2.2", "node2"))


@pytest.fixture
def lay() -> Callable[..., Table]:
    """Compile for node1; a Service is its spec, beside name, namespace and ingress."""

    def compile_for_node1(
        *specs: dict[str, Any],
        pods: Sequence[tuple[str, str]] = TWO_PODS,
        configuration: ProxyConfiguration = CONFIGURATION,
        family: Family = Family.IPV4,
        service_cidrs: Sequence[str] = (),
    ) -> Table:
        services, slices = [], []
        for spec in specs:
            metadata = {key: spec[key] for key in ("name", "namespace") if key in spec}
            name = metadata.setdefault("name", "web")
            defaults = {"clusterIP": "10.0.0.80", "ports": [{"port": 80, "targetPort": 8080}]}
            services.append(
                service_of(
                    {
                        "metadata": metadata,
                        "spec": {**defaults, **spec},
                        "status": {"loadBalancer": {"ingress": spec.get("ingress", [])}},
                    }
                )
            )
            labels = {SERVICE_NAME_LABEL: name}
            slices += [
                endpoint_slice_of(
                    {
                        "metadata": {**metadata, "name": f"{name}-{number}", "labels": labels},
                        "addressType": family,
                        "ports": [
                            {
                                "name": port.get("name", ""),
                                "port": port["targetPort"],
                                "protocol": port.get("protocol", "TCP"),
                            }
                        ],
                        "endpoints": [{"addresses": [ip], "nodeName": node} for ip, node in pods],
                    }
                )
                for number, port in enumerate(spec.get("ports", defaults["ports"]))
            ]
        networks = [ip_network(network) for network in service_cidrs]
        return compile_table(NODE1, services, slices, configuration, family, networks)

    return compile_for_node1


def facts() -> dict[str, Any]:
    """Return kube-proxy's own packet flows, and what they are about."""
    path = Path(__file__).parents[3] / "golden/kubeproxy/kube-proxy-facts.json"
    return json.loads(path.read_text("utf-8"))


def compile_case(case: dict[str, Any]) -> Table:
    """Compile for the node and the Services of one of kube-proxy's cases."""
    config = case["config"]
    family = Family(config["ipFamily"])
    services, slices = [], []
    for entry in case["services"]:
        ingress = [{"ip": ip} for ip in entry["loadBalancerIngressIPs"]]
        status = {"loadBalancer": {"ingress": ingress}}
        services.append(service_of({"metadata": entry, "spec": entry, "status": status}))
        # Each endpoint has a slice of its own: their ports may differ.
        slices += [
            endpoint_slice_of(
                {
                    "metadata": {
                        "namespace": entry["namespace"],
                        "name": f"{entry['name']}-{number}",
                        "labels": {SERVICE_NAME_LABEL: entry["name"]},
                    },
                    "addressType": family,
                    "ports": endpoint["ports"],
                    "endpoints": [
                        {
                            "addresses": [endpoint["ip"]],
                            "nodeName": endpoint["node"],
                            "conditions": endpoint,
                        }
                    ],
                }
            )
            for number, endpoint in enumerate(entry["endpoints"])
        ]
    own = dict.fromkeys(ip_address(ip) for ip in (config["nodeIP"], *config["localIPs"]))
    node = ProxyNode(name=config["node"], addresses=tuple(ip for ip in own if not ip.is_loopback))
    configuration = ProxyConfiguration(
        cluster_cidrs=(ip_network(config["clusterCIDR"]), ip_network(config["clusterCIDRv6"])),
        masquerade_all=config["masqueradeAll"],
        node_port_addresses=tuple(ip_network(cidr) for cidr in config["nodePortAddresses"]),
    )
    return compile_table(node, services, slices, configuration, family)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Give a test that asks for ``case`` and ``flow``, or for ``case``, all of kube-proxy's."""
    if "flow" in metafunc.fixturenames:
        pairs = [
            pytest.param(case, flow, id=f"{case['name']}: {flow['name']} ({flow['id']})")
            for case in facts()["cases"]
            for flow in case["flows"]
        ]
        metafunc.parametrize(("case", "flow"), pairs)
    elif "case" in metafunc.fixturenames:
        cases = facts()["cases"]
        metafunc.parametrize("case", cases, ids=[case["name"] for case in cases])


@pytest.fixture
def table(case: dict[str, Any]) -> Table:
    """Return the table of a case."""
    return compile_case(case)
