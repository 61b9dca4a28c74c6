"""An experiment that was killed with whoever could put it back is put back by the next command."""

import contextlib
import os
import signal
from collections.abc import Callable

import psutil
import pytest

from tests.kernel.conftest import Lab, wait_for

pytestmark = pytest.mark.kernel

RESTORED = "put back externalTrafficPolicy Cluster of Service nodeport"


@pytest.fixture(scope="module")
def lab(make_lab: Callable[[], Lab]) -> Lab:
    made = make_lab()
    made.up("source-ip")
    return made


def policy(lab: Lab) -> str:
    return lab.get("service", "nodeport")["spec"]["externalTrafficPolicy"]


def kill_within(lab: Lab, argv: tuple[str, ...], others: Callable[[], list[int]]) -> None:
    """Kill a command while the Service has the experiment's policy, its children, and others."""
    assert policy(lab) == "Cluster"
    with lab.start(*argv) as running:
        wait_for(lambda: policy(lab) == "Local")
        family = [running.pid, *(one.pid for one in psutil.Process(running.pid).children())]
        for pid in (*others(), *family):
            # A child of one that was killed just now may have ended by itself.
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        running.communicate()


@pytest.mark.parametrize("argv", [("demo", "nodeport-local"), ("matrix", "--policies")])
def test_up_puts_back_what_was_killed_together_with_the_control_plane(
    lab: Lab, argv: tuple[str, ...]
):
    kill_within(lab, argv, lambda: list(lab.processes().values()))
    done = lab.run("up", "source-ip")
    assert done.returncode == 0, done.stderr
    assert RESTORED in done.stderr
    assert policy(lab) == "Cluster"


def test_status_puts_it_back_too_and_says_so_once(lab: Lab):
    kill_within(lab, ("demo", "nodeport-local"), list)
    assert lab.run("status").stderr == f"{RESTORED}\n"
    assert policy(lab) == "Cluster"
    assert lab.run("status").stderr == ""


def test_what_an_experiment_has_made_goes_with_it(lab: Lab):
    names = {one["metadata"]["name"] for one in lab.get("pods")["items"]}
    with lab.start("demo", "clusterip") as running:
        wait_for(lambda: "caller-" in lab.run("get", "pods").stdout)
        running.kill()
        running.communicate()
    assert "delete Pod caller-node" in lab.run("status").stderr
    wait_for(lambda: {one["metadata"]["name"] for one in lab.get("pods")["items"]} == names)
