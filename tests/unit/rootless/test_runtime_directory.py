import os
from pathlib import Path

import pytest

from netlab.errors import HostError
from netlab.rootless import runtime_directory
from netlab.rootless.runtime_directory import default_directory, is_in_use, locked, use


@pytest.fixture
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where temporary files go; there is no XDG_RUNTIME_DIR."""
    monkeypatch.delenv("XDG_RUNTIME_DIR", raising=False)
    monkeypatch.setattr("tempfile.gettempdir", lambda: str(tmp_path))
    return tmp_path


def test_it_lies_in_the_runtime_directory_of_the_session(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    assert default_directory() == tmp_path / "netlab"


@pytest.mark.parametrize("given", ["", "/nowhere/at/all", "/proc/1/environ"])
def test_without_one_of_the_users_own_it_is_a_temporary_one(
    elsewhere: Path, monkeypatch: pytest.MonkeyPatch, given: str
):
    monkeypatch.setenv("XDG_RUNTIME_DIR", given)
    assert default_directory() == elsewhere / f"netlab-{os.geteuid()}"


def test_it_is_made_for_the_user_alone(elsewhere: Path):
    with locked(elsewhere / "made"):
        assert (elsewhere / "made").stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize(
    ("mode", "link"),
    [
        pytest.param(0o755, False, id="open to others"),
        pytest.param(0o700, True, id="a link, which may lead anywhere"),
    ],
)
def test_one_that_others_can_reach_is_refused(elsewhere: Path, mode: int, *, link: bool):
    path = elsewhere / "found"
    path.mkdir(mode=mode)
    if link:
        path = elsewhere / "link"
        path.symlink_to(elsewhere / "found")
    with pytest.raises(HostError) as failure, locked(path):
        pass
    assert str(path) in str(failure.value)
    assert "XDG_RUNTIME_DIR" in failure.value.hint


def test_what_a_command_uses_is_known_to_others(elsewhere: Path):
    with locked(elsewhere / "shared") as directory:
        first, second = use(directory), use(directory)
        os.close(first)
        assert is_in_use(directory)
        os.close(second)
        assert not is_in_use(directory)


def test_an_empty_one_goes_and_one_with_files_stays(elsewhere: Path):
    for name, file in (("empty", ""), ("full", "lab")):
        path = elsewhere / name
        with locked(path) as directory:
            os.close(use(directory))
            if file:
                (path / file).mkdir()
            runtime_directory.remove_if_empty(path, directory)
    assert [path.name for path in elsewhere.iterdir()] == ["full"]
