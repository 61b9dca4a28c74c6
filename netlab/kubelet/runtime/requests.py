"""What the control plane asks of the container runtime, and what it hears back."""

from dataclasses import dataclass

from netlab.kubelet.runtime.container import Container, Process
from netlab.model.processes import ProcessId


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """Start a container; the answer is a ``ProcessId`` once it serves or has executed."""

    container: Container
    target: ProcessId | None = None
    """The first process of the container whose processes it is to see; None for its own alone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Watch:
    """Take over a container that an earlier control plane had started; the answer is None.

    Its log goes on, and its end is reported.
    """

    process: ProcessId
    directory: str
    """The container's own, on the host."""
    restart_count: int
    pod_uid: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Exec:
    """Run a program in a container.

    The answer is a ``ProcessId`` once the program is executed, and with it come the other ends of
    its standard input, output and error, or of its terminal. Its end is reported.
    """

    container: ProcessId
    """The container's first process."""
    process: Process
    tty: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Attach:
    """Join the standard streams of a container's first process.

    The answer is None, and with it come descriptors: where to write its input, if it has one, and
    where to read its output and error from now on. With a terminal there are two, to write input
    (and to set the size) and to read what it shows.
    """

    container: ProcessId


@dataclass(frozen=True, slots=True, kw_only=True)
class CloseInput:
    """End the standard input of a container (``stdinOnce``); the answer is None."""

    container: ProcessId


@dataclass(frozen=True, slots=True, kw_only=True)
class RemovePod:
    """Remove what is left of a pod without processes: logs, volumes, group; the answer is None."""

    uid: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Exited:
    """A watched process has ended."""

    process: ProcessId
    status: int | None
    """As ``os.waitstatus_to_exitcode`` gives it: negative for a signal. None when not our child."""
    out_of_memory: bool = False
    """Whether the kernel has killed a process of the pod for the memory it used."""
