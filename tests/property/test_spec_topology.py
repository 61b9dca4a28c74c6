import json
import re
from ipaddress import IPv4Network
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from netlab.errors import SpecError
from netlab.kube.manifests import check_object, parse_manifests
from netlab.lab.topologies import builtin_names, read_topology
from netlab.model.topology import Topology
from netlab.topology.parse import parse_spec, parse_topology

HEAD = {"apiVersion": "netlab/v1", "kind": "Topology"}

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner),
    max_leaves=12,
)
WORDS = st.sampled_from(
    [
        *("metadata", "name", "spec", "networks", "nodes", "pods", "services", "clients"),
        *("externalIPs", "mtu", "cni", "message", "address", "externalIP", "podCIDR", "labels"),
        *("proxy", "mode"),
    ]
)
VALUES = (
    JSON
    | st.sampled_from(["10.240.0.3", "10.244.0.0/24", "fd00::/8", "node1", "router", "0.0.0.0/0"])
    | st.integers(-1, 6)
)
NEAR_TOPOLOGY = st.recursive(
    VALUES,
    lambda inner: st.dictionaries(WORDS, inner, max_size=6) | st.lists(inner, max_size=3),
    max_leaves=25,
)


def parses_or_refuses(text: str | bytes) -> None:
    """Anything but a result or a SpecError fails the test that calls this."""
    for parse in (parse_topology, parse_spec, parse_manifests):
        told = ""
        try:
            parse(text, "any.yaml")
        except SpecError as error:
            told = str(error)
        assert all(line.startswith("any.yaml:") for line in told.split("\n") if told)


@given(st.text())
def test_any_text_parses_or_is_refused(text: str):
    parses_or_refuses(text)


@given(st.text(alphabet="a: -[]{}&*!|>'\"#%@`,?\n\t<0~=."))
def test_any_heap_of_yaml_signs_parses_or_is_refused(text: str):
    parses_or_refuses(text)


@given(st.binary())
def test_any_bytes_parse_or_are_refused(text: bytes):
    parses_or_refuses(text)


@given(NEAR_TOPOLOGY)
def test_any_value_as_spec_parses_or_is_refused(spec: object):
    parses_or_refuses(json.dumps({**HEAD, "spec": spec}))


@given(st.sampled_from(builtin_names()), st.data())
def test_a_built_in_file_with_a_piece_replaced_parses_or_is_refused(name: str, data: st.DataObject):
    text = read_topology(name)[0].decode()
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, min(len(text), start + 40)))
    parses_or_refuses(text[:start] + data.draw(st.text(max_size=10)) + text[end:])


KINDS = {
    "Pod": "v1",
    "Service": "v1",
    "Endpoints": "v1",
    "Namespace": "v1",
    "Deployment": "apps/v1",
    "ReplicaSet": "apps/v1",
    "EndpointSlice": "discovery.k8s.io/v1",
}
FIELDS = st.sampled_from(
    [
        *("name", "namespace", "labels", "selector", "matchLabels", "matchExpressions", "key"),
        *("operator", "values", "template", "spec", "metadata", "ports", "port", "targetPort"),
        *("nodePort", "type", "clusterIP", "containers", "image", "replicas", "subsets", "ip"),
        *("addresses", "endpoints", "addressType", "sessionAffinityConfig", "clientIP"),
    ]
)
NEAR_OBJECT = st.dictionaries(
    FIELDS,
    st.recursive(
        JSON,
        lambda inner: st.dictionaries(FIELDS, inner, max_size=6) | st.lists(inner, max_size=3),
        max_leaves=25,
    ),
)


@given(st.sampled_from(sorted(KINDS)), NEAR_OBJECT)
def test_any_object_is_checked_without_a_crash(kind: str, fields: dict[str, object]):
    for problem in check_object({**fields, "apiVersion": KINDS[kind], "kind": kind}):
        assert problem.message


@st.composite
def topologies(draw: st.DrawFn) -> dict[str, object]:
    """Right documents: some hosts have an address, a name or a pod CIDR of their own."""
    nodes = draw(st.integers(1, 20))
    hosts: list[dict[str, object]] = [{} for _ in range(nodes)]
    numbers = draw(st.lists(st.integers(2, 254), unique=True, max_size=nodes))
    for host, number in zip(hosts, numbers, strict=False):
        host["address"] = f"10.240.0.{number}"
    parts = draw(st.lists(st.integers(0, 255), unique=True, max_size=nodes))
    for host, part in zip(reversed(hosts), parts, strict=False):
        host["podCIDR"] = f"10.244.{part}.0/{draw(st.integers(24, 30))}"
    for index, host in enumerate(hosts):
        if draw(st.booleans()):
            host["name"] = f"worker-{index}"
    clients = draw(st.integers(0, 253))
    return {**HEAD, "spec": {"nodes": draw(st.sampled_from([nodes, hosts])), "clients": clients}}


def assert_sound(lab: Topology) -> None:
    router = lab.networks[0].nodes[1]
    addresses = [node.addresses[0] for node in lab.nodes]
    external_ips = [node.external_ips[0] for node in lab.nodes]
    clients = [client.addresses[0] for client in lab.clients]
    names = [host.name for host in (*lab.nodes, *lab.clients)]
    for values in (addresses, external_ips, clients, names):
        assert len(set(values)) == len(values)
    assert router not in addresses
    assert lab.networks[0].clients[1] not in clients
    assert all(address in lab.networks[0].nodes for address in addresses)
    assert all(address in lab.networks[0].external_ips for address in external_ips)
    assert all(address in lab.networks[0].clients for address in clients)
    parts = sorted(node.pod_cidrs[0] for node in lab.nodes)
    assert all(isinstance(part, IPv4Network) for part in parts)
    assert all(part.subnet_of(lab.networks[0].pods) for part in parts)
    assert not any(one.overlaps(other) for one, other in pairwise(parts))


@given(topologies())
def test_hosts_have_distinct_addresses_inside_their_networks(document: dict[str, object]):
    lab = parse_topology(json.dumps(document), "").topology
    assert_sound(lab)
    asked = document["spec"]["nodes"]
    for node, fields in zip(lab.nodes, asked if isinstance(asked, list) else [], strict=False):
        assert fields.get("name", node.name) == node.name
        assert fields.get("address", str(node.addresses[0])) == str(node.addresses[0])
        assert fields.get("podCIDR", str(node.pod_cidrs[0])) == str(node.pod_cidrs[0])


@given(st.integers(1, 5000), st.integers(8, 30), st.integers(8, 30), st.integers(8, 30))
@settings(max_examples=60)
def test_any_number_of_nodes_fits_or_is_told_how_big_the_networks_must_be(
    nodes: int, node_prefix: int, pod_prefix: int, external_prefix: int
):
    networks = {
        "nodes": f"10.0.0.0/{node_prefix}",
        "pods": f"11.0.0.0/{pod_prefix}",
        "externalIPs": f"12.0.0.0/{external_prefix}",
        "services": "13.0.0.0/16",
    }
    document = {**HEAD, "spec": {"nodes": nodes, "networks": networks}}
    try:
        lab = parse_topology(json.dumps(document), "").topology
    except SpecError as error:
        told = str(error)
    else:
        assert_sound(lab)
        return
    wanted = re.findall(r"networks\.(\w+): .* \(it must be a /(\d+) or larger\)", told)
    assert len(wanted) == len(told.split("\n"))
    for name, prefix in wanted:
        networks[name] = f"{networks[name].partition('/')[0]}/{prefix}"
    lab = parse_topology(json.dumps(document), "").topology
    assert_sound(lab)


def test_a_file_of_the_machine_that_is_no_yaml_is_refused():
    program = Path("/bin/true").read_bytes()
    with pytest.raises(SpecError, match="is not UTF-8 text"):
        parse_topology(program, "true")
