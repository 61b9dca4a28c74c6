"""The image pause, as a process."""

import signal
import subprocess
import sys

import pytest

PROGRAM = "from netlab.workloads.pause import run; run(lambda: print('ready', flush=True), ())"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_waits_until_it_is_asked_to_end_and_ends_well(number: signal.Signals):
    with subprocess.Popen(
        [sys.executable, "-c", PROGRAM], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout
        assert process.stdout.readline() == "ready\n"
        process.send_signal(number)
        said, _ = process.communicate(timeout=10)
    assert process.returncode == 0
    assert said.startswith("Shutting down, got signal:")
