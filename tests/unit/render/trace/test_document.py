"""The JSON form, its schema, and what is made of two of them."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

import netlab.render
from netlab.render.trace.diff import render_trace_diff
from netlab.render.trace.document import render_trace_json, trace_document
from netlab.trace.packet import Reason
from netlab.trace.trace import Trace
from tests.unit.trace_samples import delivered, dropped

SCHEMA = json.loads((Path(netlab.render.__file__).parent / "trace.schema.json").read_text())


def with_reason() -> Trace:
    trace = dropped()
    reason = Reason(code="NETFILTER_DROP", host="node2", ifname="eth0", function="nft_do_chain")
    return replace(trace, verdict=replace(trace.verdict, reason=reason))


@pytest.mark.parametrize(
    "trace", [delivered(), dropped(), with_reason()], ids=["delivered", "dropped", "with reason"]
)
def test_every_document_is_what_the_schema_says(trace: Trace):
    Draft202012Validator.check_schema(SCHEMA)
    Draft202012Validator(SCHEMA).validate(json.loads(render_trace_json(trace)))


def test_a_rules_text_stands_once_and_hits_refer_to_it():
    document = trace_document(dropped())

    hits = [
        step
        for packet in document["packets"]
        for visit in packet["visits"]
        for step in visit["steps"]
        if step["step"] == "rule"
    ]
    assert len(hits) == 2
    assert {document["rules"][hit["rule"]] for hit in hits} == set(document["rules"])


def test_two_paths_stand_side_by_side_and_the_parting_is_named():
    text = render_trace_diff(trace_document(delivered()), trace_document(dropped()), ["A", "B"])

    assert "They part here: DNAT node2 => web  |  DROP by filter INPUT #1" in text


def test_equal_paths_are_said_to_be_equal():
    same = trace_document(delivered())

    assert render_trace_diff(same, same, ["A", "B"]).endswith("Both took the same path.\n")


def test_what_the_kernel_said_stands_beside_what_the_rule_trace_said():
    verdict = trace_document(with_reason())["verdict"]

    assert verdict["by"]["chain"] == "INPUT"
    assert verdict["reason"]["code"] == "NETFILTER_DROP"
    assert (verdict["confidence"], verdict["reason"]["confidence"]) == ("kernel", "kernel")
