import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace

import pytest

from netlab.linux import processes
from netlab.linux.processes import OWNER
from netlab.model.processes import ProcessId


@pytest.fixture
def sleeper() -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen(["sleep", "60"]) as process:
        yield process
        process.kill()


def test_a_process_is_told_from_a_later_one_with_its_pid(sleeper: subprocess.Popen[bytes]):
    process = processes.process_id(sleeper.pid)
    later = replace(process, start_time=process.start_time + 1)
    assert processes.is_alive(process)
    assert not processes.is_alive(later)
    assert not processes.send_signal(later, signal.SIGKILL)
    assert sleeper.poll() is None
    with pytest.raises(ProcessLookupError):
        processes.pidfd(later)


def test_a_pidfd_is_had_of_a_process_that_nobody_has_waited_for(sleeper: subprocess.Popen[bytes]):
    process = processes.process_id(sleeper.pid)
    sleeper.kill()
    os.waitid(os.P_PID, sleeper.pid, os.WEXITED | os.WNOWAIT)
    assert not processes.is_alive(process)
    os.close(processes.pidfd(process))
    sleeper.wait()
    with pytest.raises(ProcessLookupError):
        processes.pidfd(process)


def test_a_name_with_brackets_does_not_confuse(tmp_path: object):
    program = os.path.join(str(tmp_path), "a) S 1 2 (b")  # noqa: PTH118
    os.symlink("/bin/sleep", program)  # noqa: PTH211
    with subprocess.Popen([program, "60"]) as process:
        assert processes.process_id(process.pid).pid == process.pid
        process.kill()


def test_a_signal_reaches_the_very_process(sleeper: subprocess.Popen[bytes]):
    assert processes.send_signal(processes.process_id(sleeper.pid), signal.SIGTERM)
    assert sleeper.wait(10) == -signal.SIGTERM


def test_a_zombie_is_known_but_not_alive(sleeper: subprocess.Popen[bytes]):
    process = processes.identity(sleeper.pid)
    sleeper.kill()
    os.waitid(os.P_PID, sleeper.pid, os.WEXITED | os.WNOWAIT)
    assert processes.identity(sleeper.pid) == process
    assert not processes.is_alive(process)
    assert not processes.send_signal(process, signal.SIGTERM)
    with pytest.raises(ProcessLookupError):
        processes.process_id(sleeper.pid)


def test_a_process_that_has_gone_is_nobody(sleeper: subprocess.Popen[bytes]):
    process = processes.process_id(sleeper.pid)
    sleeper.kill()
    sleeper.wait()
    assert not processes.is_alive(process)
    assert not processes.send_signal(process, signal.SIGTERM)
    with pytest.raises(ProcessLookupError):
        processes.identity(sleeper.pid)


def test_kill_ends_all_and_waits_for_them():
    sleepers = [subprocess.Popen(["sleep", "60"]) for _ in range(3)]
    found = [processes.process_id(sleeper.pid) for sleeper in sleepers]
    assert processes.kill(found, timeout=10) == []
    assert not any(processes.is_alive(process) for process in found)
    assert [sleeper.wait() for sleeper in sleepers] == [-signal.SIGKILL] * 3


def test_kill_leaves_a_later_process_with_the_same_pid_alone(sleeper: subprocess.Popen[bytes]):
    process = processes.process_id(sleeper.pid)
    assert processes.kill([replace(process, start_time=1)], timeout=10) == []
    assert processes.kill([ProcessId(pid=2**22 - 1, start_time=1)], timeout=10) == []
    assert sleeper.poll() is None


def test_the_title_is_what_ps_shows():
    program = (
        "from pathlib import Path\n"
        "from netlab.linux.processes import set_title\n"
        "for title in ('netlab netns agent', 'x' * 5000, 'short'):\n"
        "    set_title(title)\n"
        "    print(Path('/proc/self/cmdline').read_bytes().rstrip(b'\\0').decode()[:60])\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    first, second, third = done.stdout.splitlines()
    assert first == "netlab netns agent"
    assert second == "x" * 60
    assert third == "short"


def test_a_control_plane_is_known_by_its_environment():
    lab = f"t{os.getpid()}"
    marked = processes.environment(lab)
    assert marked[OWNER] == lab
    with subprocess.Popen(["sleep", "60"], env=marked) as process:
        # The environment is the new program's once it has been executed.
        while b"sleep" not in (cmdline := open(f"/proc/{process.pid}/cmdline", "rb")).read():  # noqa: PTH123, SIM115
            cmdline.close()
        cmdline.close()
        assert [found.pid for found in processes.control_plane(lab)] == [process.pid]
        assert lab in processes.marked_labs()
        assert processes.control_plane(f"{lab}x") == []
        process.kill()
    assert processes.control_plane(lab) == []
