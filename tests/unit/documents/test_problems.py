import pytest

from netlab.documents.problems import (
    Document,
    Problem,
    Report,
    check_unique,
    nearest,
    refuse,
    spell_path,
    spell_value,
)

LINES = {(): 1, ("spec",): 2, ("spec", "nodes", 0): 4}


@pytest.mark.parametrize(
    ("path", "line"),
    [
        pytest.param(("spec", "nodes", 0), 4, id="a field that has one"),
        pytest.param(("spec", "nodes", 0, "address"), 4, id="a field inside one that has"),
        pytest.param(("spec", "mtu"), 2, id="a field that is missing"),
        pytest.param(("kind",), 1, id="the document's"),
    ],
)
def test_a_problem_is_on_the_nearest_line(path: tuple[str | int, ...], line: int):
    assert Document(value={}, lines=LINES).line(path) == line


def test_an_object_without_a_file_has_no_lines():
    assert Document(value={}).line(("spec",)) is None


@pytest.mark.parametrize(
    ("path", "spelt"),
    [
        ((), ""),
        (("spec", "ports", 1, "nodePort"), "spec.ports[1].nodePort"),
        (("metadata", "labels", "example.com/a"), "metadata.labels[example.com/a]"),
    ],
)
def test_a_path_is_spelt_as_kubernetes_does(path: tuple[str | int, ...], spelt: str):
    assert spell_path(path) == spelt


@pytest.mark.parametrize(
    ("word", "hint"),
    [
        ("Adress", 'did you mean "address"?'),
        ("ADDRESS", 'did you mean "address"?'),
        ("qqqq", ""),
    ],
)
def test_the_nearest_word_is_named(word: str, hint: str):
    assert nearest(word, ["name", "address"]) == hint


def test_a_long_value_is_cut():
    spelt = spell_value("x" * 1000)
    assert len(spelt) == 200
    assert spelt.endswith("...")


def test_each_duplicate_names_the_first_holder_and_its_line():
    report = Report(Document(value={}, lines=LINES))
    values = [(("spec", "nodes", at), value) for at, value in enumerate(["a", "", None, "a", "a"])]
    check_unique(values, report)
    assert [str(problem) for problem in report.problems] == [
        f'spec.nodes[{at}]: Duplicate value: "a" (spec.nodes[0] has it, on line 4)' for at in (3, 4)
    ]


def test_problems_are_told_once_in_the_order_of_the_file():
    problems = [Problem(line=line, message=f"m{line}") for line in (3, 1, 3)]
    assert str(refuse(problems, "f.yaml")) == "f.yaml:1: m1\nf.yaml:3: m3"


def test_a_file_cannot_move_the_cursor_of_who_reads_its_problems():
    assert str(Problem(message="a\x1b[2Jb\nc")) == "a\\x1b[2Jb\\nc"
