from collections.abc import Mapping

import pytest

from netlab.documents.json_schema import StructureCheck, entries, mapping, type_word
from netlab.documents.problems import Document, Report

PORT = {"type": "integer", "minimum": 1, "maximum": 65535}
SCHEMA: Mapping[str, object] = {
    "type": "object",
    "required": ["name"],
    "properties": {
        "name": {"type": "string"},
        "cni": {"type": "string", "enum": ["ptp", "bridge"]},
        "ports": {"type": "array", "items": PORT},
        "labels": {"type": "object", "additionalProperties": {"type": "string"}},
        "any": {"oneOf": [{"type": "integer"}, {"$ref": "#/definitions/text"}]},
        "small": {"type": "integer", "format": "int32"},
    },
}


def problems(value: object, *, null_is_unset: bool = False) -> list[str]:
    report = Report(Document(value=value))
    definitions = {"text": {"type": "string"}}
    StructureCheck(report, definitions, null_is_unset=null_is_unset).check(value, SCHEMA)
    return [str(problem) for problem in report.problems]


@pytest.mark.parametrize(
    ("value", "told"),
    [
        pytest.param({"name": "a", "ports": [1, 65535], "labels": {"x": "y"}}, [], id="all right"),
        pytest.param({"name": "a", "any": 1}, [], id="one branch"),
        pytest.param({"name": "a", "any": "text"}, [], id="the other branch"),
        pytest.param([], ["must be a mapping, but is a list"], id="the wrong shape"),
        pytest.param({}, ["name: Required value"], id="a field that is missing"),
        pytest.param(
            {"name": 1}, ["name: must be a string, but is 1 (put it in quotes)"], id="no quotes"
        ),
        pytest.param(
            {"name": None}, ["name: must be a string, but nothing stands here"], id="nothing"
        ),
        pytest.param(
            {"nane": "a", "name": "b"},
            ['nane: unknown field (did you mean "name"?)'],
            id="a field that is nearly known",
        ),
        pytest.param(
            {"name": "a", "cni": "ptb"},
            [
                (
                    'cni: Unsupported value: "ptb": supported values: "ptp", "bridge"'
                    ' (did you mean "ptp"?)'
                )
            ],
            id="a choice that is nearly one",
        ),
        pytest.param(
            {"name": "a", "ports": [0, "x", True]},
            [
                "ports[0]: Invalid value: 0: must be between 1 and 65535, inclusive",
                'ports[1]: must be a whole number, but is "x"',
                "ports[2]: must be a whole number, but is true",
            ],
            id="every wrong item of a list",
        ),
        pytest.param(
            {"name": "a", "any": []},
            ["any: must be a whole number or a string, but is a list"],
            id="no branch",
        ),
        pytest.param(
            {"name": "a", "small": 2**31},
            ["small: Invalid value: 2147483648: does not fit into 32 bits"],
            id="a number that is too large",
        ),
    ],
)
def test_what_differs_is_told(value: object, told: list[str]):
    assert problems(value) == told


def test_nothing_is_no_field_in_a_kubernetes_object():
    assert problems({"name": "a", "cni": None}, null_is_unset=True) == []
    assert problems({"name": None}, null_is_unset=True) == ["name: Required value"]


@pytest.mark.parametrize("value", [None, 1, "x", ["x"], {"x": 1}])
def test_a_value_of_another_shape_is_empty(value: object):
    assert mapping(value) == (value if isinstance(value, dict) else {})
    assert entries(value) == (value if isinstance(value, list) else [])


@pytest.mark.parametrize(
    ("value", "word"),
    [(True, "true or false"), (1, "a whole number"), (1.5, "a number"), (None, "nothing")],
)
def test_a_type_has_a_word(value: object, word: str):
    assert type_word(value) == word
