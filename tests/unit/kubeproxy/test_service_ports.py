from collections.abc import Callable
from dataclasses import replace
from ipaddress import ip_address, ip_network

import pytest

from netlab.kube.kinds.service.view import (
    Endpoint,
    EndpointPort,
    EndpointSlice,
    ProxyNode,
    Service,
    ServicePort,
)
from netlab.kubeproxy.service_map import ServiceEndpoints
from netlab.kubeproxy.service_ports import ProxiedPort, ports_of
from netlab.model.addresses import Family
from netlab.netfilter.iptables.rules import Ruleset

NODE = ProxyNode(name="node1", addresses=(ip_address("10.240.0.3"),))


@pytest.mark.parametrize(
    "spec",
    [
        {"clusterIP": "None"},
        {"type": "ExternalName", "clusterIP": "", "externalName": "example.com"},
        {"labels": {"service.kubernetes.io/service-proxy-name": "other"}},
        {"labels": {"service.kubernetes.io/headless": ""}},
        {"clusterIP": "fd00::80"},
    ],
    ids=["headless", "ExternalName", "another proxy's", "headless by label", "the other family's"],
)
def test_service_has_no_rules(lay: Callable[..., Ruleset], spec: dict[str, object]):
    assert lay(spec) == lay()


def test_order_of_the_objects_does_not_matter(lay: Callable[..., Ruleset]):
    specs = [{"name": name, "clusterIP": f"10.0.0.{n}"} for n, name in enumerate("abc", 1)]
    assert lay(*specs) == lay(*reversed(specs))


def port_of(*nodes: str, **fields: object) -> ProxiedPort:
    """A NodePort with an endpoint on each of ``nodes``."""
    ports = (ServicePort(name="http", port=80, target_port=8080, node_port=31704),)
    service = replace(
        Service(namespace="ns", name="web", cluster_ips=(ip_address("10.0.0.80"),), ports=ports),
        **fields,
    )
    endpoints = EndpointSlice(
        namespace="ns",
        name="web-x",
        service_name="web",
        ports=(EndpointPort(name="http", port=8080),),
        endpoints=tuple(
            Endpoint(addresses=(ip_address(f"10.244.0.{n}"),), node_name=node)
            for n, node in enumerate(nodes, 1)
        ),
    )
    (port,) = ports_of(ServiceEndpoints(service, (endpoints,)), NODE, Family.IPV4)
    return port


@pytest.mark.parametrize(
    ("nodes", "policies", "internal", "external"),
    [
        ((), {}, False, False),
        (("node2",), {}, True, True),
        (("node2",), {"external_traffic_policy": "Local"}, True, False),
        (("node2",), {"internal_traffic_policy": "Local"}, False, True),
        (("node1", "node2"), {"external_traffic_policy": "Local"}, True, True),
    ],
    ids=[
        "no endpoints",
        "a remote endpoint",
        "a remote endpoint and external Local",
        "a remote endpoint and internal Local",
        "a local endpoint and external Local",
    ],
)
def test_who_is_served(
    nodes: tuple[str, ...], policies: dict[str, str], internal: bool, external: bool
):
    port = port_of(*nodes, **policies)
    assert (port.serves_internal, port.serves_external) == (internal, external)
    assert port.has_endpoints == bool(nodes)


@pytest.mark.parametrize(
    ("ranges", "kept"),
    [
        (["198.51.100.0/24"], ["198.51.100.0/24"]),
        (["198.51.100.0/24", "2001:db8::/32"], ["198.51.100.0/24"]),
        (["198.51.100.0/24", "0.0.0.0/0"], []),
        (["198.51.100.0/24", "::/0"], ["198.51.100.0/24"]),
    ],
    ids=["one", "one of each family", "all addresses", "all addresses of the other family"],
)
def test_a_range_of_all_addresses_lets_everybody_in(ranges: list[str], kept: list[str]):
    port = port_of("node1", load_balancer_source_ranges=tuple(map(ip_network, ranges)))
    assert list(map(str, port.source_ranges)) == kept


def test_chains_share_one_suffix():
    port = port_of("node1", internal_traffic_policy="Local")
    names = (port.svc_chain, port.svl_chain, port.ext_chain, port.fw_chain)
    assert {name[name.rindex("-") :] for name in names} == {f"-{port.suffix}"}
    assert port.internal_chain == port.svl_chain
    assert port.name == "ns/web:http"
