"""Files that commands write where their user says."""

from pathlib import Path

import pytest

from netlab.cli.files import check_writable, write
from netlab.errors import HostError


def test_a_file_is_written_and_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    path = tmp_path / "a.svg"
    check_writable([str(path), "-"])
    write(str(path), "<svg/>\n")
    write("-", "<svg/>")

    assert path.read_text() == "<svg/>\n"
    shown = capsys.readouterr()
    assert (shown.out, shown.err) == ("<svg/>\n", f"wrote {path}\n")


def test_a_full_disk_is_a_sentence():
    with pytest.raises(HostError, match="cannot write /dev/full: No space left on device"):
        write("/dev/full", "x" * 10_000)


def test_a_place_that_cannot_be_written_is_refused_beforehand(tmp_path: Path):
    for name, why in ((tmp_path, "it is a directory"), (tmp_path / "no" / "a", "no directory")):
        with pytest.raises(HostError, match=why):
            check_writable([str(name)])
