"""Processes, beyond doubt."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessId:
    """A process beyond doubt: a pid is used again, but not with the same start time."""

    pid: int
    start_time: int
    """Clock ticks after boot, field 22 of /proc/PID/stat."""
