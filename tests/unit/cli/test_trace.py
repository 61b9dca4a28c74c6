"""The command line of ``netlab trace``, as far as it needs no lab."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from netlab.cli.trace import trace
from netlab.errors import SpecError
from netlab.render.trace.document import render_trace_json
from tests.unit.trace_samples import delivered, dropped


def test_two_files_are_set_side_by_side(tmp_path: Path):
    files = [tmp_path / "cluster.json", tmp_path / "local.json"]
    for path, found in zip(files, (delivered(), dropped()), strict=True):
        path.write_text(render_trace_json(found))

    done = CliRunner().invoke(trace, ["diff", *map(str, files)])

    assert done.exit_code == 0
    assert "They part here: DNAT node2 => web" in done.output


@pytest.mark.parametrize(
    ("content", "said"),
    [
        pytest.param(None, "No such file", id="no file"),
        pytest.param("not json", "is no JSON", id="no JSON"),
        pytest.param("{}", "is no trace", id="another document"),
    ],
)
def test_a_file_that_holds_no_trace_is_named(tmp_path: Path, content: str | None, said: str):
    path = tmp_path / "a.json"
    if content is not None:
        path.write_text(content)

    done = CliRunner().invoke(trace, ["diff", str(path), str(path)])

    assert isinstance(done.exception, SpecError)
    assert said in str(done.exception)


@pytest.mark.parametrize("words", [["client"], ["diff", "a.json"], ["a", "b", "c"]])
def test_a_wrong_number_of_words_is_a_wrong_command_line(words: list[str]):
    assert CliRunner().invoke(trace, words).exit_code == 2


@pytest.mark.parametrize(
    ("options", "said"),
    [
        pytest.param(["--svg", "/nowhere/a.svg"], "/nowhere/a.svg: No such file", id="no place"),
        pytest.param(["--html", "/"], "Is a directory", id="a directory"),
        pytest.param(["--svg", "-", "--html", "-"], "--svg and --html", id="two on stdout"),
        pytest.param(["--svg", "-", "-o", "json"], "--svg and -o json", id="another on stdout"),
        pytest.param(["--svg", "a", "--html", "a"], "can go to a:", id="two in one file"),
    ],
)
def test_files_that_cannot_be_written_are_a_wrong_command_line(options: list[str], said: str):
    # No lab is asked: the connection would come after.
    done = CliRunner().invoke(trace, ["client", "http://node1:80", *options])

    assert done.exit_code == 2
    assert said in done.output


def test_a_comparison_is_not_drawn():
    done = CliRunner().invoke(trace, ["diff", "a.json", "b.json", "--svg", "a.svg"])

    assert done.exit_code == 2
    assert "one trace, not two" in done.output
