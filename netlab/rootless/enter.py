"""Be root: of the machine, or in namespaces of the user's own.

Theory of operation
-------------------
What needs root in netlab is work on namespaces, and in a user namespace of one's own an ordinary
user may do all of it. So a command that finds itself without root's capabilities goes on in the
user's own namespaces, which a process holds (``netlab.rootless.holder``); it is started where there
is none. A pid namespace is entered by a fork, so the command goes on in a child, and the process
that the user started waits for it: it passes signals on, and ends as the child does. When the last
command has ended and nothing lives in the namespaces, the holder is ended too.

The child has the user's terminal, standard streams, environment and working directory. It stays in
the machine's network namespace where it asks for that: kubectl reaches the API on loopback, and a
control plane listens there.

Source: setns(2) with a pidfd, Linux 5.8.
"""

import os
import signal
import sys
from contextlib import suppress
from pathlib import Path
from typing import Final, NoReturn

from netlab.errors import HostError
from netlab.linux import processes
from netlab.linux.namespaces import setns
from netlab.linux.syscalls import CLONE_NEWNS, CLONE_NEWPID, CLONE_NEWUSER, prctl, umount
from netlab.model.processes import ProcessId
from netlab.model.rundir import RUN
from netlab.rootless import runtime_directory
from netlab.rootless.holder import directory_of, end_holder, find_holder, start_holder
from netlab.rootless.home import go_home, is_directory_gone
from netlab.rootless.home import runtime_directory as runtime_directory_inside

_CAP_NET_ADMIN: Final = 12
_CAP_SYS_ADMIN: Final = 21
"""linux/capability.h"""
_PR_SET_PDEATHSIG: Final = 1
"""linux/prctl.h"""
_RUN: Final = Path("/run")
_PASSED_ON: Final = frozenset(
    {signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT, signal.SIGUSR1, signal.SIGUSR2}
)


def is_root() -> bool:
    """Return whether the calling process may do what a lab needs: on the machine, or inside."""
    held = int(processes.status(os.getpid())["CapEff"], 16)
    needed = 1 << _CAP_NET_ADMIN | 1 << _CAP_SYS_ADMIN
    # Root of a user namespace of somebody else's making is not root of /run.
    return held & needed == needed and os.access(_RUN, os.W_OK)


def has_own_labs() -> bool:
    """Return whether the user is an ordinary one who has labs, or is about to."""
    if runtime_directory_inside() is not None:
        return True
    holder = None if is_root() else find_holder()
    # One that could not make its mounts is about to end: its user has to be root.
    return holder is not None and directory_of(holder) is not None


def become_root(*, home: bool = True, ending: bool = False) -> None:
    """Return as root, of the machine or in the user's own namespaces; then it is in a child.

    Args:
        home: Whether to work from the user's own network namespace, not from the machine's.
        ending: Whether the caller does without the runtime directory, if it has gone.

    Raises:
        HostError: The machine does not let the user have namespaces.
    """
    if is_root():
        return
    pidfd, use, directory = _holder(ending=ending)
    _set_namespaces(pidfd)
    # From here on signals are waited for, so that none is lost between the fork and the wait.
    signal.pthread_sigmask(signal.SIG_BLOCK, _PASSED_ON | {signal.SIGCHLD})
    pid = os.fork()
    if pid == 0:
        prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _PASSED_ON | {signal.SIGCHLD})
        os.close(pidfd)
        os.close(use)
        for name in ("SUDO_UID", "SUDO_GID"):
            os.environ.pop(name, None)
        if ending and is_directory_gone():
            umount(str(RUN))
        if home:
            go_home()
        return
    status = _wait(pid)
    os.close(use)
    _end_if_empty(directory, pidfd)
    _end_as(status)


def _holder(*, ending: bool) -> tuple[int, int, Path]:
    """Return a pidfd of the user's holder, what says that it is in use, and a directory to lock.

    Raises:
        HostError: There can be none, or its directory has gone.
    """
    default = directory = runtime_directory.default_directory()
    while True:
        with runtime_directory.locked(directory) as descriptor:
            found = find_holder()
            known = directory_of(found) if found else default
            if known is None and not ending:
                raise HostError(
                    "the directory with the files of your labs has gone, which a logout does",
                    hint="type: netlab down --all; loginctl enable-linger keeps it next time",
                )
            if known in {None, directory}:
                holder = found or _started(directory, descriptor)
                return processes.pidfd(holder), runtime_directory.use(descriptor), directory
            # It was started where the environment said something else.
            runtime_directory.remove_if_empty(directory, descriptor)
        directory = known


def _started(directory: Path, descriptor: int) -> ProcessId:
    try:
        return start_holder(directory, _tell)
    except HostError:
        runtime_directory.remove_if_empty(directory, descriptor)
        raise


def _tell(text: str) -> None:
    print(f"Note: {text}", file=sys.stderr, flush=True)  # noqa: T201 (for the command's user)


def _set_namespaces(holder: int) -> None:
    """Move the calling process to a holder's namespaces; its children to that of pids."""
    here = os.open(".", os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    path = None
    with suppress(FileNotFoundError):
        path = os.getcwd()  # noqa: PTH109 (the text alone is wanted)
    setns(holder, CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWPID)
    os.setresgid(0, 0, 0)
    os.setresuid(0, 0, 0)
    try:
        os.chdir(path or "/")
    except OSError:
        # It was mounted where the lab does not see it; by the descriptor it is there all the same.
        os.fchdir(here)
    os.close(here)


def _wait(pid: int) -> int:
    """Return the wait status of the child; until then pass on what somebody sends.

    What the terminal sends has gone to the child too, which is of the same process group.
    """
    while True:
        found = signal.sigwaitinfo(_PASSED_ON | {signal.SIGCHLD})
        if found.si_signo == signal.SIGCHLD:
            ended, status = os.waitpid(pid, os.WNOHANG)
            if ended:
                return status
        elif found.si_code <= 0:
            os.kill(pid, found.si_signo)


def _end_if_empty(directory: Path, holder: int) -> None:
    """End the holder when no command uses it and nothing lives in its namespaces."""
    with suppress(HostError), runtime_directory.locked(directory) as descriptor:
        if runtime_directory.is_in_use(descriptor) or _has_inhabitants():
            return
        end_holder(holder)
        runtime_directory.remove_if_empty(directory, descriptor)


def _has_inhabitants() -> bool:
    """Return whether a lab is there: a process beside the holder, or a namespace."""
    from netlab.linux import netns_names  # noqa: PLC0415 (only when a command has ended)

    if netns_names.labs():
        return True
    for name in os.listdir("/proc"):  # noqa: PTH208 (thousands of entries)
        with suppress(OSError):
            if name.isdigit() and name != "1" and "State:\tZ" not in _status_of(name):
                return True
    return False


def _status_of(pid: str) -> str:
    return Path("/proc", pid, "status").read_text()


def _end_as(status: int) -> NoReturn:
    """End as the child did, by its exit code or by its signal."""
    code = os.waitstatus_to_exitcode(status)
    if code < 0:
        number = -code
        if number != signal.SIGKILL:
            signal.signal(number, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {number})
        os.kill(os.getpid(), number)
    os._exit(code if code >= 0 else 128 - code)
