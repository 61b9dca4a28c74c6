"""Prediction and observation beside each other."""

import json
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

import netlab.render
from netlab.render.trace.document import trace_document
from netlab.render.trace.tree import TraceStyle, render_trace
from netlab.trace.compare import compare
from netlab.trace.predicted_path import End
from netlab.trace.trace import Trace
from tests.unit.trace.test_compare import EQUAL, HITS, way
from tests.unit.trace_samples import delivered


def compared(*paths: object, remarks: tuple[str, ...] = ()) -> Trace:
    trace = delivered()
    return replace(trace, prediction=compare(paths, trace, remarks))


def drawn(trace: Trace, width: int = 120) -> str:
    return render_trace(trace, TraceStyle(width=width))


def test_both_sides_stand_beside_each_other_and_agree():
    text = drawn(compared(EQUAL))

    assert "PREDICTED                       OBSERVED\n" in text
    assert (
        "  DNAT node2:30080 ⇒ web:8080     DNAT node2:30080 ⇒ web:8080\n"
        "  SNAT client ⇒ node2             SNAT client ⇒ node2\n" in text
    )
    assert "✔ The kernel did what rules and routes predict.\n" in text


def test_a_host_that_is_met_twice_in_a_row_stands_once_with_all_its_rules():
    node2 = EQUAL.visits[1]
    twice = (replace(node2, hits=HITS[:3]), replace(node2, hits=HITS[3:], rewrites=()))
    text = drawn(compared(replace(EQUAL, visits=(EQUAL.visits[0], *twice, EQUAL.visits[2]))))

    assert (
        "node2                           node2\n  4 rules                         4 rules\n" in text
    )
    assert " | " not in text[text.index("PREDICTED") : text.index("✔ The kernel")]


def test_a_difference_is_marked_and_said():
    text = drawn(compared(way("client", "node2", "web", hits=HITS[:3])))

    assert "  3 rules                     |   4 rules\n" in text
    assert "✖ The kernel did otherwise in 1 thing.\n" in text
    assert "differs: rules on node2\n" in text
    assert "  observed   nat POSTROUTING #1\n" in text


def test_a_narrow_terminal_gets_one_column():
    text = drawn(compared(replace(EQUAL, end=End.REJECTED)), width=50)

    assert "PREDICTED and OBSERVED\nclient\nnode2\n" in text
    assert "predicted rejected on web\nobserved  delivered to web\n" in text


def test_chances_are_told_where_there_are_several_endpoints():
    half = Fraction(1, 2)
    other = replace(EQUAL, chance=half, destination=EQUAL.destination._replace(port=81))

    text = drawn(compared(replace(EQUAL, chance=half), other))

    assert "One endpoint of 2: web:8080 1/2, web:81 1/2." in text


def test_what_could_not_be_predicted_is_said_alone():
    text = drawn(compared(remarks=("nobody knows \x1b[31m-m time",)))

    assert "PREDICTED" not in text
    assert "not predicted: nobody knows " in text
    assert "\x1b" not in text


@pytest.mark.parametrize("paths", [(EQUAL,), (), (way("client", "web"),)])
def test_the_json_form_is_what_its_schema_says(paths: tuple):
    schema = json.loads((Path(netlab.render.__file__).parent / "trace.schema.json").read_text())

    document = trace_document(compared(*paths))

    Draft202012Validator(schema).validate(document)
    assert document["prediction"]["holds"] is (paths == (EQUAL,))
    assert trace_document(delivered())["prediction"] is None
