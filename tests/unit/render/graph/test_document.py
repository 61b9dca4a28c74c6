"""The lab as JSON, and its schema."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

import netlab.render
from netlab.model.graph import LabGraph
from netlab.render.graph.document import graph_document
from tests.unit.graph_samples import SMALL, dual, hostile, lab, large

SCHEMA = json.loads((Path(netlab.render.__file__).parent / "graph.schema.json").read_text())


@pytest.mark.parametrize(
    "graph",
    [SMALL, large(), hostile(), replace(lab(), router=None), dual()],
    ids=["small", "large", "hostile", "bare", "dual"],
)  # fmt: skip
def test_every_document_is_what_the_schema_says(graph: LabGraph):
    Draft202012Validator.check_schema(SCHEMA)
    document = json.loads(json.dumps(graph_document(graph)))
    assert list(Draft202012Validator(SCHEMA).iter_errors(document)) == []


def test_no_pod_is_folded():
    document = graph_document(large())
    assert [len(node["pods"]) for node in document["nodes"]] == [10] * 10
    assert len(document["services"][0]["endpoints"]) == 100
    assert document["nodes"][0]["pods"][0] == {
        "name": "agent-1",
        "address": "10.244.1.2",
        "ready": True,
        "owner": None,
    }


def test_a_second_family_has_fields_of_its_own():
    [node] = graph_document(dual())["nodes"]

    assert (node["gateway"], node["pod_cidr"]) == ("10.244.1.1", "10.244.1.0/24")
    assert node["gateways"] == ["10.244.1.1", "fd00:10:244:1::1"]
    assert node["pod_cidrs"] == ["10.244.1.0/24", "fd00:10:244:1::/64"]
    assert node["pods"][0]["address"] == "10.244.1.2"
    assert node["pods"][0]["addresses"] == ["10.244.1.2", "fd00:10:244:1::2"]
