"""Start a lab's control plane, and wait until it answers.

Of a lab that is new it is started before anything else: it loads its libraries for most of the
time that ``up`` takes, and what ``up`` itself needs is loaded meanwhile.
"""

import contextlib
import os
import select
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Final

from netlab.errors import LabError
from netlab.linux import atomic_files, processes
from netlab.linux.systemd import scope_command
from netlab.linux.timeouts import scaled
from netlab.model import rundir
from netlab.model.processes import ProcessId
from netlab.rootless.home import outside

_START_S: Final = 120.0
"""A start takes half a second; on a slow and busy machine it may take a minute and more."""
_PATIENCE_S: Final = 10.0
"""After which a wait is spoken of."""
_LOOK_MS: Final = 5
_LOG_LINES: Final = 12
_MALLOC: Final = {"MALLOC_TRIM_THRESHOLD_": str(128 << 10)}
"""glibc gives memory back at its own first threshold, and raises that no more: a burst of work, as
the start of a thousand pods, would leave some megabytes with the control plane for good."""

Tell = Callable[[str], None]


def start_if_new(lab: str, text: bytes, tell: Tell) -> ProcessId | None:
    """Start the control plane of a lab of which nothing is there; None for any other lab.

    Args:
        lab: Name; the caller holds its lock.
        text: The topology file as its user wrote it.
        tell: Is told of it.
    """
    return None if rundir.rundir(lab).exists() else start(lab, text, tell)


def start(lab: str, text: bytes, tell: Tell) -> ProcessId:
    """Start a control plane, whatever is left of an earlier one.

    Args:
        lab: Name; the caller holds its lock.
        text: The topology file as its user wrote it.
        tell: Is told of it.
    """
    tell("starting the control plane")
    # What a control plane that lost its socket still holds would be held twice.
    processes.kill(processes.control_plane(lab), timeout=10)
    directory = rundir.rundir(lab)
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    atomic_files.write_file(rundir.topology_file(lab), text)
    rundir.control_socket(lab).unlink(missing_ok=True)
    with rundir.control_plane_log(lab).open("ab") as log:
        started = subprocess.Popen(
            [*scope_command(f"netlab-{lab}"), sys.executable, "-m", "netlab.control_plane", lab],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd="/",
            env={**processes.environment(lab), **_MALLOC},
            start_new_session=True,
        )
    # Its marker says less: a process that is just executing a program has no environment.
    return processes.identity(started.pid)


def answers_at_last(
    lab: str, is_answering: Callable[[], bool], control_plane: ProcessId, tell: Tell
) -> bool:
    """Wait while the control plane lives, and say so; return False when it ends instead.

    Args:
        lab: Name.
        is_answering: Asks it.
        control_plane: The process.
        tell: Is told when that takes long.

    Raises:
        LabError: It lives and still does not answer.
    """
    began = time.monotonic()
    spoken = False
    socket = rundir.control_socket(lab)
    with contextlib.ExitStack() as stack:
        try:
            descriptor = processes.pidfd(control_plane)
        except ProcessLookupError:
            return False
        stack.callback(os.close, descriptor)
        ended = select.poll()
        ended.register(descriptor, select.POLLIN)
        while not (socket.exists() and is_answering()):
            waited = time.monotonic() - began
            if ended.poll(_LOOK_MS):
                return False
            if waited > scaled(_START_S):
                lives = f"lives as process {control_plane.pid}, but does not answer"
                raise failed_start(lab, lives)
            if waited > _PATIENCE_S and not spoken:
                tell("the control plane is still starting")
                spoken = True
    return True


def failed_start(lab: str, what: str) -> LabError:
    """Return what to raise of a control plane that did not come to answer."""
    log = rundir.control_plane_log(lab)
    last = log.read_text(errors="replace").splitlines()[-_LOG_LINES:] if log.exists() else []
    said = ["; its log ends with:", *last] if last else [" and wrote no log"]
    return LabError(
        f"the control plane of lab {lab} {what}" + "\n".join(said),
        hint=f"sudo netlab up goes on waiting while it lives; the whole log is {outside(log)}; "
        "sudo netlab doctor looks at the machine",
    )
