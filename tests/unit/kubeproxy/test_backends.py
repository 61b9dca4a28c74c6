import json
from collections.abc import Sequence
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest

from netlab.kube.kinds.service.view import Endpoint, EndpointPort, EndpointSlice, ProxyNode
from netlab.kubeproxy.backends import Backend, PortKey, backends_by_port, select_backends
from netlab.model.addresses import Family
from netlab.model.packets import Protocol

Facts = dict[str, Any]

FACTS: Facts = json.loads(
    (Path(__file__).parents[2] / "golden/kubeproxy/kube-proxy-facts.json").read_text("utf-8")
)
KEY = PortKey(namespace="ns", service="svc", port="", protocol=Protocol.TCP)


def slice_of(name: str, *endpoints: Endpoint, **fields: object):
    fields = {"ports": (EndpointPort(port=80),), **fields}
    return EndpointSlice(
        namespace="ns", name=name, service_name="svc", endpoints=endpoints, **fields
    )


def endpoint(address: str, **fields: object):
    return Endpoint(addresses=(ip_address(address),), **fields)


def node_of(name: str = "node-1", zone: str = ""):
    return ProxyNode(name=name, addresses=(ip_address("192.168.0.2"),), zone=zone)


def texts(backends: Sequence[Backend] | None):
    return None if backends is None else [backend.text for backend in backends]


@pytest.mark.parametrize("case", FACTS["endpointSelectionCases"], ids=lambda case: case["name"])
def test_selection_is_kube_proxys(case: Facts):
    node = node_of(case["node"], case["zone"] or "")
    pieces = [
        slice_of(
            "a",
            *(
                endpoint(
                    entry["ip"],
                    node_name=entry["node"],
                    ready=entry["ready"],
                    serving=entry["serving"],
                    terminating=entry["terminating"],
                    zone_hints=frozenset(entry["hintsZones"] or ()),
                    node_hints=frozenset(entry["hintsNodes"] or ()),
                )
                for entry in case["endpoints"]
            ),
        )
    ]
    service = case["service"]
    internal, external = (
        service[f"{side}TrafficPolicy"] == "Local" for side in ("internal", "external")
    )
    is_external = service["nodePort"] is not None

    chosen = select_backends(
        backends_by_port(pieces, node, Family.IPV4)[KEY],
        node,
        uses_cluster=not internal or is_external,
        uses_local=internal or (external and is_external),
    )

    expected = case["expected"]
    assert texts(chosen.cluster) == expected["cluster"]
    assert texts(chosen.local) == expected["local"]
    assert texts(chosen.reachable) == expected["allReachable"]
    assert chosen.exist_anywhere == expected["hasAnyEndpoints"]


def test_endpoints_are_ordered_by_their_text():
    pieces = [
        slice_of("a", endpoint("10.1.1.1"), endpoint("10.1.1.11"), endpoint("10.1.1.2")),
        slice_of("b", endpoint("10.1.1.1"), ports=(EndpointPort(port=9),)),
    ]
    found = backends_by_port(pieces, node_of(), Family.IPV4)[KEY]
    assert texts(found) == ["10.1.1.11:80", "10.1.1.1:80", "10.1.1.1:9", "10.1.1.2:80"]


@pytest.mark.parametrize("names", [("a", "b"), ("b", "a")], ids=["listed first", "listed last"])
def test_of_one_endpoint_in_two_slices_the_one_that_does_not_terminate_counts(
    names: tuple[str, str],
):
    going, staying = names
    pieces = [
        slice_of(going, endpoint("10.1.1.1", ready=False, terminating=True)),
        slice_of(staying, endpoint("10.1.1.1", node_name="node-1")),
    ]
    (found,) = backends_by_port(pieces, node_of(), Family.IPV4)[KEY]
    assert found.is_ready
    assert found.is_local


@pytest.mark.parametrize(
    "piece",
    [
        slice_of("a", endpoint("10.1.1.1"), ports=(EndpointPort(port=None),)),
        slice_of("a", endpoint("10.1.1.1"), ports=(EndpointPort(port=0),)),
        slice_of("a", endpoint("2001:db8::1"), address_type="IPv6"),
        slice_of("a", Endpoint(addresses=())),
        EndpointSlice(namespace="ns", name="a", service_name="", ports=(EndpointPort(port=80),)),
    ],
    ids=["no port number", "port number 0", "the other family", "no address", "no Service"],
)
def test_slice_gives_nothing(piece: EndpointSlice):
    assert not backends_by_port([piece], node_of(), Family.IPV4)


def test_an_endpoint_neither_ready_nor_serving_is_never_used():
    backends = [
        Backend(address=ip_address("10.1.1.1"), port=80, is_ready=False, is_terminating=True)
    ]
    chosen = select_backends(backends, node_of(), uses_cluster=True, uses_local=True)
    assert (chosen.cluster, chosen.local, chosen.exist_anywhere) == ((), (), False)


def test_an_ipv6_endpoint_is_written_in_brackets():
    assert Backend(address=ip_address("2001:db8::1"), port=80).text == "[2001:db8::1]:80"
