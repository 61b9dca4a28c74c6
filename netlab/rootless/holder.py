"""The process that holds an ordinary user's namespaces for as long as a lab lives in them.

Theory of operation
-------------------
A user namespace, with a mount and a pid namespace that belong to it, lives while a process is in
it. The holder is the first process of that pid namespace, so all else there ends with it, by the
kernel, however it ends; and with the last process go the mounts, and with these the network
namespaces. A user has one holder for all labs; it does nothing but bury orphans.

It is found by the kernel alone: a process of the user's that is called ``netlab-holder`` and is the
first of a pid namespace one below ours. A pod can call a process of its own the same, but those are
two below. Another user's process is never looked at.

Starting takes three processes: one makes the user namespace and waits while its IDs are mapped from
outside, which newuidmap does; its child is the holder. What fails is said over a pipe.
"""

import json
import os
import select
import signal
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, Final, NoReturn

from netlab.errors import KernelError
from netlab.linux import processes
from netlab.linux.namespaces import unshare
from netlab.linux.syscalls import CLONE_NEWNS, CLONE_NEWPID, CLONE_NEWUSER, prctl
from netlab.model.processes import ProcessId
from netlab.rootless import mounts
from netlab.rootless.id_maps import SubordinateIds, map_ids, subordinate_ids
from netlab.rootless.refusal import refused

_NAME: Final = "netlab-holder"
_PR_SET_NAME: Final = 15
_PR_SET_DUMPABLE: Final = 4
"""linux/prctl.h"""
_END_S: Final = 10.0
_ONLY_CHILD: Final = 2
"""Of how many pid namespaces it is a member: ours, and the one that it is the first of."""

Tell = Callable[[str], None]


def find_holder() -> ProcessId | None:
    """Return the calling user's holder; None when there is none."""
    own = os.geteuid()
    for name in os.listdir("/proc"):  # noqa: PTH208 (thousands of entries)
        if not name.isdigit():
            continue
        with suppress(OSError, ProcessLookupError):
            path = f"/proc/{name}"
            if os.stat(path).st_uid == own and _comm(path) == _NAME and _is_first(path):  # noqa: PTH116
                return processes.process_id(int(name))
    return None


def _comm(path: str) -> str:
    return Path(path, "comm").read_text().strip()


def _is_first(path: str) -> bool:
    lines = Path(path, "status").read_text().splitlines()
    pids = next(line for line in lines if line.startswith("NSpid:")).split()[1:]
    return len(pids) == _ONLY_CHILD and pids[-1] == "1"


def directory_of(holder: ProcessId) -> Path | None:
    """Return the runtime directory that a holder was started with; None when it has gone.

    It goes when the user logs out, where the holder does not.
    """
    root = Path(f"/proc/{holder.pid}/root/run")
    try:
        directory = (root / "netlab.directory").readlink()
        if directory.stat().st_ino == (root / "netlab").stat().st_ino:
            return directory
    except OSError:
        return None
    return None


def start_holder(directory: Path, tell: Tell) -> ProcessId:
    """Make the user's namespaces and start the process that holds them.

    Args:
        directory: The runtime directory.
        tell: Is told why there is one ID only, where newuidmap refuses more.

    Raises:
        HostError: The machine does not let the user have them.
    """
    ids = subordinate_ids()
    if ids is not None:
        found = _start(directory, ids)
        if isinstance(found, ProcessId):
            return found
        tell(f"{found}; this lab has one user ID: see netlab doctor")
    found = _start(directory, None)
    assert isinstance(found, ProcessId)  # noqa: S101 (only newuidmap gives a reason)
    return found


def _start(directory: Path, ids: SubordinateIds | None) -> ProcessId | str:
    """Return the holder, or why newuidmap refused."""
    reader, writer = os.pipe2(os.O_CLOEXEC)
    go_reader, go_writer = os.pipe2(os.O_CLOEXEC)
    pid = os.fork()
    if pid == 0:
        os.close(go_writer)
        _make_namespaces(directory, writer, go_reader)
    os.close(writer)
    os.close(go_reader)
    try:
        with os.fdopen(reader) as said:
            _checked(said.readline())
            try:
                reason = map_ids(pid, ids)
            except OSError as error:
                raise refused(error, "its IDs") from error
            if reason:
                return reason
            os.write(go_writer, b".")
            # Its parent tells its pid, and it says itself that it is ready; in either order.
            message = _checked(said.readline()) | _checked(said.readline())
            return processes.process_id(message["pid"])
    finally:
        # Where it still waits, it ends by this.
        os.close(go_writer)
        os.waitpid(pid, 0)


def _checked(line: str) -> dict[str, Any]:
    message: dict[str, Any] = json.loads(line) if line else {"step": "it", "errno": 0}
    if "step" in message:
        number = message["errno"]
        raise refused(OSError(number, os.strerror(number)), message["step"])
    return message


def _make_namespaces(directory: Path, writer: int, go_reader: int) -> NoReturn:
    """Make the namespaces, and the holder in them; the first process, outside the pid namespace."""
    status = 1
    try:
        _do(writer, "user", lambda: unshare(CLONE_NEWUSER))
        _say(writer)
        if os.read(go_reader, 1):
            _do(writer, "a mount and a pid namespace", lambda: unshare(CLONE_NEWNS | CLONE_NEWPID))
            pid = os.fork()
            if pid == 0:
                _hold(directory, writer)
            _say(writer, pid=pid)
            status = 0
    except OSError:
        pass  # It was said.
    finally:
        os._exit(status)


def _hold(directory: Path, writer: int) -> NoReturn:
    """Be the holder; never returns."""
    try:
        signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
        os.setsid()
        os.chdir("/")
        prctl(_PR_SET_NAME, _NAME.encode())
        # A change of users has made it one that nobody may look into, and that is how it is found.
        prctl(_PR_SET_DUMPABLE, 1)
        _do(writer, "proc", mounts.mount_proc)
        processes.set_title(f"netlab: holds the namespaces of the labs in {directory}")
        _do(writer, f"{directory} for /run", lambda: mounts.mount_run(directory))
        _do(writer, "a network namespace", mounts.make_home)
        _close_all_but(writer)
        _say(writer)
        os.close(writer)
        while True:
            if signal.sigwait({signal.SIGCHLD, signal.SIGTERM}) == signal.SIGTERM:
                os._exit(0)
            with suppress(ChildProcessError):
                while os.waitpid(-1, os.WNOHANG)[0]:
                    pass
    finally:
        os._exit(1)


def _close_all_but(writer: int) -> None:
    nowhere = os.open(os.devnull, os.O_RDWR)
    for number in range(3):
        os.dup2(nowhere, number)
    os.closerange(3, writer)
    os.closerange(writer + 1, 65536)


def _do(writer: int, step: str, action: Callable[[], None]) -> None:
    """Do one step, and say so where the kernel refuses it."""
    try:
        action()
    except OSError as error:
        _say(writer, step=step, errno=error.errno or 0)
        raise


def _say(writer: int, **message: object) -> None:
    os.write(writer, (json.dumps(message) + "\n").encode())


def end_holder(holder: int) -> None:
    """End a holder, and with it all that lives in its namespaces.

    Args:
        holder: A pidfd.

    Raises:
        KernelError: It does not die.
    """
    with suppress(ProcessLookupError):
        signal.pidfd_send_signal(holder, signal.SIGKILL)
    poll = select.poll()
    poll.register(holder, select.POLLIN)
    if not poll.poll(_END_S * 1000):
        raise KernelError("the holder of the labs' namespaces does not die")
