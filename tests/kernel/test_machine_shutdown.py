"""What becomes of a lab's pods when systemd stops what the control plane is in."""

import os
import signal
from pathlib import Path

import pytest

from netlab.linux import processes
from netlab.model.names import pod_netns
from tests.kernel.conftest import Lab, wait_for

pytestmark = pytest.mark.kernel

DEAF = """\
apiVersion: netlab/v1
kind: Topology
metadata: {name: deaf}
spec: {nodes: 1}
---
apiVersion: v1
kind: Pod
metadata: {name: deaf}
spec:
  terminationGracePeriodSeconds: 1
  containers: [{name: sleep, image: x, command: [sleep, "100000"]}]
"""


@pytest.mark.parametrize(
    ("systemd_says", "pods_end"),
    [
        pytest.param("stopping", True, id="the machine shuts down"),
        pytest.param("running", False, id="the machine runs on"),
    ],
)
def test_a_pod_that_hears_no_sigterm_ends_with_the_machine_and_not_with_the_control_plane(
    lab: Lab,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    systemd_says: str,
    pods_end: bool,
):
    systemctl = tmp_path / "systemctl"
    systemctl.write_text(f"#!/bin/sh\necho {systemd_says}\n")
    systemctl.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    topology = tmp_path / "deaf.yaml"
    topology.write_text(DEAF)
    lab.up(str(topology))
    pod = wait_for(lambda: processes.init_of_pod(pod_netns(lab.name, "default", "deaf")))
    control_plane = processes.process_id(lab.processes()["control plane"])
    # As systemd does when it stops a scope.
    for pid in lab.processes().values():
        os.kill(pid, signal.SIGTERM)
    wait_for(lambda: not processes.is_alive(control_plane))
    assert processes.is_alive(pod) != pods_end
