import json
from ipaddress import ip_network
from pathlib import Path

import jsonschema
import pytest
import yaml

from netlab.errors import SpecError
from netlab.kube.resources import RESOURCES, Resource
from netlab.kube.schema import definition_of, definitions
from netlab.lab.topologies import builtin_names, read_topology
from netlab.topology.parse import parse_topology
from netlab.topology.schema import TOPOLOGY_SCHEMA

VALIDATOR = jsonschema.Draft202012Validator(TOPOLOGY_SCHEMA)
HEAD = {"apiVersion": "netlab/v1", "kind": "Topology"}


def test_is_a_schema_of_the_draft_it_names():
    jsonschema.Draft202012Validator.check_schema(TOPOLOGY_SCHEMA)


@pytest.mark.parametrize("name", builtin_names())
def test_allows_every_built_in_topology(name: str):
    text, source = read_topology(name)
    VALIDATOR.validate(next(yaml.safe_load_all(text)))
    assert parse_topology(text, source).topology.name == name


def test_every_field_says_what_it_is_for():
    spec = TOPOLOGY_SCHEMA["properties"]["spec"]
    node = spec["properties"]["nodes"]["oneOf"][1]["items"]
    parts = [spec["properties"][name] for name in ("networks", "proxy")]
    for section in (spec, node, *parts):
        assert all(field["description"] for field in section["properties"].values())


DOCUMENTS = {
    "nothing but the head": {},
    "an unknown field": {"sepc": {}},
    "an unknown field of a node": {"spec": {"nodes": [{"adress": "10.240.0.3"}]}},
    "no node": {"spec": {"nodes": 0}},
    "an empty list of nodes": {"spec": {"nodes": []}},
    "no client": {"spec": {"clients": 0}},
    "an empty list of clients": {"spec": {"clients": []}},
    "a name in capitals": {"metadata": {"name": "Lab"}},
    "a name that is a number": {"metadata": {"name": 5}},
    "a low MTU": {"spec": {"mtu": 575}},
    "a high MTU": {"spec": {"mtu": 9001}},
    "a fine MTU": {"spec": {"mtu": 1500}},
    "an MTU in quotes": {"spec": {"mtu": "1500"}},
    "both CNIs": {"spec": {"cni": ["ptp", "bridge"]}},
    "another CNI": {"spec": {"cni": "bridge"}},
    "a CNI of tomorrow": {"spec": {"cni": "warp"}},
    "another mode": {"spec": {"proxy": {"mode": "nftables"}}},
    "a mode of yesterday": {"spec": {"proxy": {"mode": "ipvs"}}},
    "a mode without its name": {"spec": {"proxy": "nftables"}},
    "labels": {"spec": {"nodes": [{"labels": {"rack": "1"}}]}},
    "labels that are numbers": {"spec": {"nodes": [{"labels": {"rack": 1}}]}},
    "nothing as spec": {"spec": None},
}


@pytest.mark.parametrize("document", DOCUMENTS.values(), ids=DOCUMENTS)
def test_schema_and_parser_agree(document: dict[str, object]):
    text = json.dumps({**HEAD, **document})
    try:
        parse_topology(text, "")
    except SpecError:
        is_right = False
    else:
        is_right = True
    assert VALIDATOR.is_valid({**HEAD, **document}) == is_right


def test_default_networks_are_those_the_schema_shows():
    shown = TOPOLOGY_SCHEMA["properties"]["spec"]["properties"]["networks"]["properties"]
    networks = parse_topology(json.dumps(HEAD), "").topology.networks[0]
    assert {name: ip_network(field["default"]) for name, field in shown.items()} == {
        "nodes": networks.nodes,
        "pods": networks.pods,
        "services": networks.services,
        "clients": networks.clients,
        "externalIPs": networks.external_ips,
        "vips": networks.vips,
    }


@pytest.mark.parametrize("resource", RESOURCES.values(), ids=lambda one: one.plural)
def test_every_kind_has_a_definition(resource: Resource):
    assert definition_of(resource.api_version, resource.kind) is not None


def test_a_kind_that_is_not_served_has_none():
    assert definition_of("v1", "Nonsense") is None


def references(value: object):
    if isinstance(value, dict):
        yield from (one for key, one in value.items() if key == "$ref")
        yield from (found for one in value.values() for found in references(one))
    elif isinstance(value, list):
        yield from (found for one in value for found in references(one))


def test_every_reference_between_kubernetes_definitions_leads_somewhere():
    names = {reference.rpartition("/")[2] for reference in references(definitions())}
    assert names <= set(definitions())


def test_patches_can_find_the_keys_of_merged_lists():
    ports = definitions()["io.k8s.api.core.v1.ServiceSpec"]["properties"]["ports"]
    assert ports["x-kubernetes-patch-merge-key"] == "port"
    assert ports["x-kubernetes-patch-strategy"] == "merge"


def test_built_in_topologies_are_also_at_the_top_of_the_source():
    top = Path(__file__).parents[3] / "topologies"
    assert {path.stem for path in top.glob("*.yaml")} == set(builtin_names())
