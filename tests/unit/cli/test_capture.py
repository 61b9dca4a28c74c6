"""The command line of ``netlab capture``, as far as it needs no lab."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from netlab.cli.capture import capture
from netlab.errors import LabError


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        pytest.param(
            ["--filter", "tcp prot 80"],
            "'tcp prot 80' does not compile; libpcap says: can't parse filter expression",
            id="an expression with a typing error",
        ),
        pytest.param(["-w", "-", "--live"], "both want standard output", id="two answers"),
        pytest.param(["--duration", "0"], "is not in the range", id="no time"),
        pytest.param(["--count", "0"], "is not in the range", id="no frame"),
    ],
)
def test_a_wrong_command_line_is_told(arguments: list[str], said: str):
    done = CliRunner().invoke(capture, arguments)
    assert done.exit_code == 2
    assert said in " ".join(done.output.split())


def test_a_lab_that_is_not_there_leaves_an_older_file_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("os.geteuid", lambda: 0)
    file = tmp_path / "older.pcapng"
    file.write_text("mine")
    done = CliRunner().invoke(capture, ["--lab", "nosuchlab", "-w", str(file)])
    assert isinstance(done.exception, LabError)
    assert file.read_text() == "mine"
