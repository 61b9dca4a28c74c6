"""Files that are written at the end, and looked at before."""

from pathlib import Path

import pytest

from netlab.cli.output_files import why_not, write_file
from netlab.errors import HostError


def test_looking_at_a_file_changes_nothing(tmp_path: Path):
    there, new = tmp_path / "there", tmp_path / "new"
    there.write_text("as it was")

    assert why_not(str(there)) == why_not(str(new)) == why_not("-") == ""
    assert there.read_text() == "as it was"
    assert not new.exists()


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        pytest.param(".", "Is a directory", id="a directory"),
        pytest.param("no/file.svg", "No such file or directory", id="no such directory"),
        pytest.param("file/x.svg", "Not a directory", id="under a file"),
    ],
)
def test_what_cannot_be_written_has_a_reason(tmp_path: Path, name: str, reason: str):
    (tmp_path / "file").touch()

    assert why_not(str(tmp_path / name)) == reason


def test_a_file_is_replaced_and_its_size_told(tmp_path: Path):
    path = tmp_path / "a.svg"
    path.write_text("what was there, and longer")

    assert write_file(str(path), "new ✔") == f"wrote {path} (7 bytes)"
    assert path.read_text() == "new ✔"
    assert write_file(str(path), "x" * 12_345).endswith("(12 kB)")


def test_standard_output_gets_the_text_and_no_remark(capsys: pytest.CaptureFixture[str]):
    assert write_file("-", "picture") == ""
    assert capsys.readouterr().out == "picture"


def test_a_system_that_does_not_take_it_is_a_sentence():
    with pytest.raises(HostError, match=r"/dev/full: No space left on device"):
        write_file("/dev/full", "picture")
