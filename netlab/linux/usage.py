"""What the processes of a lab take of the machine."""

from collections import defaultdict
from collections.abc import Iterable
from contextlib import suppress

import psutil

from netlab.linux import processes
from netlab.model.names import NetnsName
from netlab.model.processes import ProcessId
from netlab.model.status import Usage


def usage_by_netns(names: Iterable[NetnsName]) -> dict[NetnsName, Usage]:
    """Return what lives in each namespace; a namespace without a process is not in it."""
    found: dict[NetnsName, list[ProcessId]] = defaultdict(list)
    for process, name in processes.in_netns(list(names)):
        found[name].append(process)
    return {name: usage(members) for name, members in found.items()}


def usage(members: Iterable[ProcessId]) -> Usage:
    """Return what these processes take together; one that has ended counts nothing."""
    pids, cpu_s, memory = [], 0.0, 0
    for member in members:
        with suppress(psutil.NoSuchProcess):
            process = psutil.Process(member.pid)
            times = process.cpu_times()
            memory += process.memory_full_info().pss
            cpu_s += times.user + times.system
            pids.append(member.pid)
    return Usage(pids=tuple(pids), cpu_s=cpu_s, memory_bytes=memory)
