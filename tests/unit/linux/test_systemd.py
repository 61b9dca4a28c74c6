"""A lab's processes are in a scope of systemd's where systemd runs the machine."""

import socket
from pathlib import Path

import pytest

from netlab.linux.systemd import machine_is_stopping, scope_command


@pytest.fixture
def with_systemd_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    program = tmp_path / "systemd-run"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    return program


def test_the_scope_ends_within_seconds_and_has_the_labs_name(
    with_systemd_run: Path, tmp_path: Path
):
    with socket.socket(socket.AF_UNIX) as systemd:
        systemd.bind(str(tmp_path / "private"))
        systemd.listen()
        command = scope_command("netlab-web", tmp_path / "private")
    assert command[0] == str(with_systemd_run)
    assert "--scope" in command
    assert "--property=TimeoutStopSec=5" in command
    assert any(word.startswith("--unit=netlab-web-") for word in command)
    assert command[-1] == "--"


@pytest.mark.usefixtures("with_systemd_run")
def test_where_systemd_does_not_listen_there_is_none(tmp_path: Path):
    assert scope_command("netlab-web", tmp_path / "private") == []
    (tmp_path / "private").touch()
    assert scope_command("netlab-web", tmp_path / "private") == []


def test_where_systemd_run_is_not_installed_there_is_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert scope_command("netlab-web") == []


@pytest.mark.parametrize(
    ("script", "is_stopping"),
    [
        pytest.param("echo stopping; exit 1", True, id="the machine shuts down"),
        pytest.param("echo running", False, id="it runs"),
        pytest.param("echo offline; exit 1", False, id="systemd does not run it"),
        pytest.param(None, False, id="there is no systemd"),
    ],
)
def test_systemctl_tells_whether_the_machine_shuts_down(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str | None, is_stopping: bool
):
    if script is not None:
        program = tmp_path / "systemctl"
        program.write_text(f"#!/bin/sh\n{script}\n")
        program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert machine_is_stopping() == is_stopping
