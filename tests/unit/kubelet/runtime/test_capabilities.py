import os
import subprocess
import sys

import pytest

from netlab.kubelet.runtime import capabilities


def test_the_kernel_knows_every_capability_of_the_set():
    assert max(capabilities.CONTAINER_DEFAULT.values()) <= capabilities.last_capability()


@pytest.mark.parametrize("missing", ["CAP_SYS_ADMIN", "CAP_NET_ADMIN", "CAP_SYS_PTRACE"])
def test_a_container_cannot_change_the_machine(missing: str):
    assert missing not in capabilities.CONTAINER_DEFAULT


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has capabilities to drop")
def test_a_program_started_afterwards_has_the_containers_set_only():
    program = (
        "import os\n"
        "from netlab.kubelet.runtime import capabilities\n"
        "mask = capabilities.CONTAINER_MASK\n"
        "capabilities.drop_bounding(mask, capabilities.last_capability())\n"
        "capabilities.keep(mask)\n"
        "os.execvp('cat', ['cat', '/proc/self/status'])\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    lines = dict(line.split(":\t", 1) for line in done.stdout.splitlines() if ":\t" in line)
    wanted = sum(1 << number for number in capabilities.CONTAINER_DEFAULT.values())
    for which in ("CapPrm", "CapEff", "CapBnd"):
        assert int(lines[which], 16) == wanted, which
