"""The matrix as JSON, and its schema."""

import json
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

import netlab.render
from netlab.render.matrix.document import matrix_document, render_matrix_json
from netlab.trace.matrix import ServiceMatrix
from tests.unit.matrix_samples import DROP, MATRIX, NAMES

SCHEMA = json.loads((Path(netlab.render.__file__).parent / "matrix.schema.json").read_text())


@pytest.mark.parametrize("matrices", [[MATRIX], []], ids=["a Service", "none"])
def test_every_document_is_what_the_schema_says(matrices: list[ServiceMatrix]):
    Draft202012Validator.check_schema(SCHEMA)
    document = json.loads(render_matrix_json("blue", matrices, NAMES))
    assert list(Draft202012Validator(SCHEMA).iter_errors(document)) == []
    assert (document["schema"], document["lab"]) == ("netlab.matrix/1", "blue")


def test_a_document_with_another_word_is_not():
    document = matrix_document("blue", [MATRIX], NAMES)
    document["services"][0]["rows"][0]["results"][0]["result"] = "lost"
    assert list(Draft202012Validator(SCHEMA).iter_errors(document))


def test_results_say_who_saw_what_and_what_decided():
    [service] = matrix_document("blue", [MATRIX], NAMES)["services"]
    client, node, pod = ([*row["results"]] for row in service["rows"])

    assert service["external_traffic_policy"] == "Local"
    assert service["targets"][0]["external_traffic_policy"] is None
    kept = {key: client[1][key] for key in ("client_name", "source", "hidden_by")}
    assert kept == {"client_name": "client", "source": "kept", "hidden_by": None}
    assert (pod[0]["source"], pod[0]["hidden_by"]) == ("hidden", "node1")
    assert (node[2]["result"], node[2]["source"]) == ("timeout", None)
    decision = client[2]["decision"]
    assert (decision["host"], decision["rule"]) == ("node2", DROP.rule)
    assert decision["words"] == DROP.words()
    assert client[1]["decision"]["endpoints"] == [{"address": "10.244.1.2:8080", "chance": 1.0}]
    assert pod[1]["decision"] is None
