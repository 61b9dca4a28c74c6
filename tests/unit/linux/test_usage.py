import os
import subprocess

from netlab.linux.processes import process_id
from netlab.linux.usage import usage
from netlab.model.processes import ProcessId
from netlab.model.status import Usage


def test_processes_are_counted_together():
    ours = process_id(os.getpid())
    with subprocess.Popen(["sleep", "60"]) as process:
        other = process_id(process.pid)
        alone, both = usage([ours]), usage([ours, other])
        process.kill()
    assert both.pids == (ours.pid, other.pid)
    assert alone.memory_bytes > 1 << 20
    assert alone.cpu_s > 0


def test_a_process_that_has_ended_counts_nothing():
    assert usage([ProcessId(pid=2**22 - 1, start_time=1)]) == Usage()
