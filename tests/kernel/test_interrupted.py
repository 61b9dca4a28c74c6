"""``up`` cut short at any moment is healed by the next ``up`` and removed by ``down``."""

import os
import signal
import time
from collections.abc import Callable
from subprocess import Popen
from typing import Any

import pytest

from netlab.linux import processes
from netlab.linux.processes import init_of_pod
from netlab.model.names import pod_netns
from tests.kernel.conftest import Lab, marked, wait_for

pytestmark = pytest.mark.kernel

DELAYS_S = [number * 0.05 for number in range(1, 17)]
"""From before the control plane starts until after ``up`` has ended."""


def answers(lab: Lab) -> bool:
    return "CLIENT VALUES:" in lab.fetch("client", "http://10.240.0.4:30080")


def kill_command(lab: Lab, running: Popen[str]) -> None:
    del lab
    running.kill()


def kill_control_plane(lab: Lab, running: Popen[str] | None) -> None:
    del running
    for pid, owner in marked():
        if owner == lab.name:
            os.kill(pid, signal.SIGKILL)


def kill_both(lab: Lab, running: Popen[str]) -> None:
    kill_command(lab, running)
    kill_control_plane(lab, running)


def kill_container(lab: Lab) -> None:
    init = wait_for(lambda: init_of_pod(pod_netns(lab.name, "default", "web-1")))
    os.kill(init.pid, signal.SIGKILL)
    wait_for(lambda: not processes.is_alive(init))


VICTIMS = {
    "the command": kill_command,
    "all of the control plane's processes": kill_control_plane,
    "both": kill_both,
}
KILLS = [
    pytest.param(kill, id=what, marks=[] if what == "both" else [pytest.mark.long])
    for what, kill in VICTIMS.items()
]


@pytest.mark.parametrize("kill", KILLS)
def test_next_up_heals_whatever_was_killed_at_any_moment(
    make_lab: Callable[[], Lab], kill: Callable[[Lab, Popen[str]], None]
):
    for delay_s in DELAYS_S[::2]:
        lab = make_lab()
        with lab.start("up", "two-nodes") as running:
            time.sleep(delay_s)
            kill(lab, running)
            running.communicate()
        assert "is up" in lab.up(), delay_s
        assert answers(lab), delay_s
        assert lab.status()["state"] == "up", delay_s
        lab.down()


@pytest.mark.parametrize("kill", KILLS)
def test_down_removes_whatever_was_killed_at_any_moment(
    make_lab: Callable[[], Lab], kill: Callable[[Lab, Popen[str]], None]
):
    for delay_s in DELAYS_S[1::2]:
        lab = make_lab()
        with lab.start("up", "two-nodes") as running:
            time.sleep(delay_s)
            kill(lab, running)
            running.communicate()
        lab.down()
        assert lab.netns() == [], delay_s
        assert lab.processes() == {}, delay_s
        assert not lab.directory().exists(), delay_s


def test_up_of_another_topology_that_was_killed_is_healed(lab: Lab):
    lab.up("two-nodes")
    with lab.start("up", "source-ip") as running:
        time.sleep(0.2)
        kill_both(lab, running)
        running.communicate()
    lab.up("two-nodes")
    assert wait_for(lambda: answers(lab))
    assert [name for name in lab.netns() if "node3" in name] == []


@pytest.mark.parametrize("step", ["starting the control plane", "applying", "waiting until"])
def test_ctrl_c_ends_up_with_130_and_down_removes_the_rest(lab: Lab, step: str):
    with lab.start("up", "source-ip") as running:
        assert running.stderr is not None
        assert any(step in line for line in running.stderr)
        running.send_signal(signal.SIGINT)
        _, complaints = running.communicate()
    assert running.returncode == 130
    assert "interrupted" in complaints
    assert "Traceback" not in complaints
    # The control plane may be there, but nobody holds the lab.
    lab.down()
    assert lab.netns() == []


@pytest.mark.parametrize("delay_s", [0.02, 0.1])
def test_down_that_was_killed_is_finished_by_the_next(lab: Lab, delay_s: float):
    lab.up("source-ip")
    with lab.start("down") as running:
        time.sleep(delay_s)
        running.kill()
        running.communicate()
    lab.down()
    assert lab.netns() == []


def test_second_up_at_once_is_told_who_is_at_work(lab: Lab):
    lock = lab.directory().with_name(f".{lab.name}.lock")
    with lab.start("up", "source-ip") as first:
        wait_for(lambda: lock.exists() and lock.read_text())
        first.send_signal(signal.SIGSTOP)
        second = lab.run("up", "source-ip")
        third = lab.run("down")
        first.send_signal(signal.SIGCONT)
        _, complaints = first.communicate()
    assert first.returncode == 0, complaints
    for refused in (second, third):
        assert refused.returncode == 6
        assert "busy" in refused.stderr
        assert f"pid {first.pid}" in refused.stderr


def test_lock_of_a_killed_command_is_no_hindrance(lab: Lab):
    with lab.start("up", "two-nodes") as running:
        wait_for(lambda: lab.directory().with_name(f".{lab.name}.lock").exists())
        running.kill()
        running.communicate()
    lab.up()


def test_up_whose_reader_goes_away_leaves_a_whole_lab(lab: Lab):
    """``netlab up | true`` ends without a traceback."""
    with lab.start("up", "two-nodes") as running:
        assert running.stdout
        running.stdout.close()
        assert running.stderr
        complaints = running.stderr.read()
    assert "Traceback" not in complaints
    assert wait_for(lambda: answers(lab))


def test_up_starts_a_container_that_waits_for_its_restart(lab: Lab):
    """One that ends again and again waits for longer and longer, as Kubernetes has it."""

    def state() -> dict[str, Any]:
        return lab.get("pod", "web-1")["status"]["containerStatuses"][0]["state"]

    lab.up()
    for _ in range(2):
        wait_for(lambda: "running" in state())
        kill_container(lab)
    assert wait_for(lambda: state().get("waiting"))["reason"] == "CrashLoopBackOff"
    assert "no container of web-1 runs" in lab.inside("web-1", "true").stderr
    lab.up()
    assert answers(lab)
    assert lab.inside("web-1", "true").returncode == 0


def test_up_starts_a_container_that_ended_while_no_control_plane_was_there(lab: Lab):
    lab.up()
    for _ in range(2):
        kill_control_plane(lab, None)
        kill_container(lab)
        lab.up()
        assert answers(lab)
