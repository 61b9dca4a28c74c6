"""A control plane that takes long to start is waited for, spoken of as it is, and never killed."""

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from tests.kernel.conftest import Lab, marked, wait_for

pytestmark = pytest.mark.kernel

SLOW = """\
import pathlib, sys, time
while "netlab.lab" in sys.orig_argv and not pathlib.Path({go!r}).exists():
    time.sleep(0.02)
"""
"""Python runs it first of all: a control plane goes no further until the file is there."""


@pytest.fixture
def go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the file that control planes wait for."""
    file = tmp_path / "go"
    (tmp_path / "sitecustomize.py").write_text(SLOW.format(go=str(file)))
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    return file


@pytest.fixture
def lab(make_lab: Callable[[], Lab]) -> Iterator[Lab]:
    made = make_lab()
    yield made
    made.down()


def first_process(lab: Lab) -> int | None:
    """Return the control plane's pid from its first moment on, when it has no title yet."""
    for pid, owner in marked():
        with suppress(ProcessLookupError):
            if owner == lab.name and os.getsid(pid) == pid:
                return pid
    return None


def begin_slowly(lab: Lab) -> int:
    """Begin ``up``, and give it up while the control plane starts; return the latter's pid."""
    with lab.start("up", "two-nodes") as given_up:
        pid = wait_for(lambda: first_process(lab))
        given_up.kill()
        given_up.communicate()
    return pid


def test_up_waits_for_a_control_plane_that_is_starting_and_does_not_kill_it(lab: Lab, go: Path):
    pid = begin_slowly(lab)
    with lab.start("up", "two-nodes") as waiting:
        assert waiting.stderr is not None
        assert "waiting for the control plane, which is starting" in waiting.stderr.readline()
        go.touch()
        _, complaints = waiting.communicate(timeout=60)
    assert waiting.returncode == 0, complaints
    assert lab.processes()["control plane"] == pid


def test_status_and_get_say_that_it_is_starting_and_what_to_type(lab: Lab, go: Path):
    begin_slowly(lab)
    status = lab.status()
    assert status["state"] == "starting"
    assert status["problems"] == ["the control plane is starting, and does not answer yet"]
    assert "waits for it" in status["advice"]
    refused = lab.run("get", "pods")
    assert f"the control plane of lab {lab.name} is still starting" in refused.stderr
    assert "waits for it" in refused.stderr
    go.touch()
    assert "is up and answers" in lab.up()


def test_up_starts_a_new_control_plane_when_the_one_it_waits_for_ends(lab: Lab, go: Path):
    pid = begin_slowly(lab)
    with lab.start("up", "two-nodes") as waiting:
        assert waiting.stderr is not None
        assert "which is starting" in waiting.stderr.readline()
        os.kill(pid, signal.SIGKILL)
        go.touch()
        _, complaints = waiting.communicate(timeout=60)
    assert waiting.returncode == 0, complaints
    assert "starting the control plane" in complaints
    assert lab.processes()["control plane"] != pid
