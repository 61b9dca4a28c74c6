"""What the control plane asks of its launcher, and what it hears back."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from netlab.errors import NetlabError
from netlab.kernel.containers import Container
from netlab.model.names import NetnsName
from netlab.plan.ops import Op


@dataclass(frozen=True, slots=True, kw_only=True)
class Apply:
    """Carry out operations; the answer is None."""

    operations: tuple[Op, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadLab:
    """Read every namespace of a lab back; the answer is a ``LabState``."""

    lab: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Restore:
    """Load rules, side by side; the answer maps each namespace that refused to the reason."""

    texts: Mapping[NetnsName, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class SaveRules:
    """Read rules; the answer maps each namespace to the text of ``iptables-save``."""

    netns: tuple[NetnsName, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """Start a container; the answer is a ``ProcessId`` once it serves or has executed."""

    container: Container


@dataclass(frozen=True, slots=True, kw_only=True)
class Watch:
    """Report when a process ends that an earlier launcher started; the answer is None."""

    process: "ProcessId"


@dataclass(frozen=True, slots=True, kw_only=True)
class Listen:
    """Open a listening TCP socket in a namespace; its descriptor comes with the answer."""

    netns: NetnsName
    address: str
    port: int


Request = Apply | ReadLab | Restore | SaveRules | Start | Watch | Listen


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessId:
    """A process beyond doubt: a pid is used again, but not with the same start time."""

    pid: int
    start_time: int
    """Clock ticks after boot, field 22 of /proc/PID/stat."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What became of a request."""

    number: int
    value: Any = None
    error: NetlabError | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Exited:
    """A watched process has ended."""

    process: ProcessId
    status: int | None
    """As ``os.waitstatus_to_exitcode`` gives it: negative for a signal. None when not our child."""
