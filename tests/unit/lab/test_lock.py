import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from netlab.errors import LabError
from netlab.lab import lock

HOLDER = (
    "import sys, pathlib\n"
    "from netlab.lab import lock\n"
    "lock.RUN = pathlib.Path(sys.argv[1])\n"
    "with lock.held('default'):\n"
    "    print('held', flush=True)\n"
    "    sys.stdin.read()\n"
)


@pytest.fixture(autouse=True)
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(lock, "RUN", tmp_path / "run")
    return tmp_path / "run"


def hold(run: Path) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(run)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout
    assert process.stdout.readline() == "held\n"
    return process


def take() -> bool:
    with lock.held("default"):
        return True


def test_a_lab_that_another_command_changes_is_busy(run: Path):
    with hold(run) as holder:
        with pytest.raises(LabError) as refused:
            take()
        assert re.search(rf"lab default is busy: .* pid {holder.pid} ", str(refused.value))
        assert refused.value.hint
        with lock.held("other"):
            pass
        holder.communicate("")
    assert take()


def test_a_holder_that_is_killed_holds_no_more(run: Path):
    with hold(run) as holder:
        holder.send_signal(signal.SIGKILL)
        holder.wait()
        assert take()


def test_nothing_is_left_when_it_is_let_go(run: Path):
    with lock.held("default"):
        assert [path.name for path in run.iterdir()] == [".default.lock"]
        assert (run / ".default.lock").read_text() == str(os.getpid())
    assert not run.exists()


def test_files_of_other_labs_stay(run: Path):
    with lock.held("default"):
        (run / "other").mkdir()
    assert [path.name for path in run.iterdir()] == ["other"]


def test_a_failure_in_the_block_lets_go():
    with pytest.raises(ZeroDivisionError), lock.held("default"):
        raise ZeroDivisionError
    assert take()
