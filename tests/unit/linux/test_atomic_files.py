import os
from pathlib import Path

import pytest

from netlab.linux import atomic_files


def test_a_file_is_replaced_with_its_mode_and_nothing_else_is_left(tmp_path: Path):
    path = tmp_path / "port"
    path.write_text("1")
    atomic_files.write_file(path, b"2", mode=0o600, owner=(os.getuid(), os.getgid()))
    assert path.read_text() == "2"
    assert path.stat().st_mode & 0o777 == 0o600
    assert list(tmp_path.iterdir()) == [path]


def test_a_writer_that_does_not_come_to_its_end_leaves_the_old_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    path = tmp_path / "port"
    path.write_text("1")

    class Killed(BaseException):
        pass

    def killed(*_: object) -> None:
        raise Killed

    monkeypatch.setattr(Path, "replace", killed)
    with pytest.raises(Killed):
        atomic_files.write_file(path, b"2")
    assert path.read_text() == "1"
