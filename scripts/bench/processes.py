"""What a lab's processes hold in memory."""

import gc
import os
from pathlib import Path

PROC = Path("/proc")
NETNS = Path("/run/netns")


def proportional_bytes(prefix: str) -> int:
    """Return the proportional set size of all processes of a lab, control plane included.

    They are those that live in its namespaces (``prefix`` is what their names begin with), and
    their ancestors: the netns agent and the control plane.
    """
    inodes = {path.stat().st_ino for path in NETNS.iterdir() if path.name.startswith(prefix)}
    inside = {pid for pid in _pids() if _netns(pid) in inodes}
    ours = _ancestors(os.getpid())
    processes = inside | {above for pid in inside for above in _ancestors(pid)} - ours
    return sum(_pss(pid) for pid in processes if pid != 1)


def _pids() -> list[int]:
    return [int(path.name) for path in PROC.iterdir() if path.name.isdigit()]


def _netns(pid: int) -> int:
    try:
        return (PROC / str(pid) / "ns/net").stat().st_ino
    except (FileNotFoundError, PermissionError):  # gone, or a process of another container
        return 0


def _ancestors(pid: int) -> set[int]:
    found: set[int] = set()
    while pid > 1:
        found.add(pid)
        # The name, in parentheses, may hold anything; the parent is the second field after it.
        pid = int((PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()[1])
    return found


def _pss(pid: int) -> int:
    try:
        text = (PROC / str(pid) / "smaps_rollup").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return 0
    lines = dict(line.split(":", 1) for line in text.splitlines()[1:])
    return int(lines["Pss"].split()[0]) * 1024


def resident_bytes() -> int:
    """Return what this process holds in memory, once everything unused is let go."""
    gc.collect()
    return int((PROC / "self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
