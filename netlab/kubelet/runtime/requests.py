"""What the control plane asks of the container runtime, and what it hears back."""

from dataclasses import dataclass

from netlab.kubelet.runtime.container import Container
from netlab.model.processes import ProcessId


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """Start a container; the answer is a ``ProcessId`` once it serves or has executed."""

    container: Container


@dataclass(frozen=True, slots=True, kw_only=True)
class Watch:
    """Report when a process ends that an earlier control plane had started; the answer is None."""

    process: ProcessId


@dataclass(frozen=True, slots=True, kw_only=True)
class Exited:
    """A watched process has ended."""

    process: ProcessId
    status: int | None
    """As ``os.waitstatus_to_exitcode`` gives it: negative for a signal. None when not our child."""
