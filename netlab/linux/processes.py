"""Processes of a lab, found by what the kernel says of them; never by name.

A process belongs to a lab when its network namespace is one of the lab's, or when it carries the
lab's marker. The control plane and its children, which run in the host's network namespace, carry
it in their environment; what runs in a container has it in the name of its root's file system.
"""

import contextlib
import ctypes
import os
import re
import select
import signal
from collections.abc import Collection, Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Final

from netlab.linux.netns_names import NETNS
from netlab.linux.syscalls import MemoryLayout, copied, set_mm_map
from netlab.model.names import NetnsName
from netlab.model.processes import ProcessId

OWNER: Final = "NETLAB_OWNER"
"""Environment variable of a lab's control plane; its value is the name of the lab."""

_OWNED: Final = re.compile(rb"(?:\A|\0)NETLAB_OWNER=([a-z0-9]+)(?:\0|\Z)")
_ROOT: Final = re.compile(rb" / / \S+ .*- tmpfs netlab-([a-z0-9]+) ")
"""A line of /proc/PID/mountinfo: the root of a container (``netlab.kubelet.runtime.rootfs``)."""


def process_id(pid: int) -> ProcessId:
    """Return the identity of a process that is alive.

    Raises:
        ProcessLookupError: There is no such process, or it is a zombie.
    """
    if _stat(pid)[0] == "Z":
        raise ProcessLookupError(pid)
    return identity(pid)


def identity(pid: int) -> ProcessId:
    """Return the identity of a process, be it a zombie.

    Raises:
        ProcessLookupError: There is no such process.
    """
    return ProcessId(pid=pid, start_time=int(_stat(pid)[19]))


def _stat(pid: int) -> list[str]:
    """Return the fields of /proc/PID/stat from the third, the state, on."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text(errors="replace")
    except FileNotFoundError as error:
        raise ProcessLookupError(pid) from error
    # The second field is the program's name in brackets, and may hold anything.
    return text.rpartition(")")[2].split()


def is_alive(process: ProcessId) -> bool:
    """Return whether the very process is still there, and no zombie."""
    try:
        return process_id(process.pid) == process
    except ProcessLookupError:
        return False


def pidfd(process: ProcessId) -> int:
    """Return a pidfd of the very process, be it a zombie.

    Raises:
        ProcessLookupError: It is gone; its pid may be another's by now.
    """
    descriptor = os.pidfd_open(process.pid)
    # Looked at after it is taken: from then on what it refers to cannot change.
    found = None
    with contextlib.suppress(ProcessLookupError):
        found = identity(process.pid)
    if found != process:
        os.close(descriptor)
        raise ProcessLookupError(process.pid)
    return descriptor


def send_signal(process: ProcessId, number: int) -> bool:
    """Send a signal to the very process; False when it is gone."""
    try:
        descriptor = pidfd(process)
    except ProcessLookupError:
        return False
    try:
        if not is_alive(process):
            return False
        signal.pidfd_send_signal(descriptor, number)
    except ProcessLookupError:
        return False
    finally:
        os.close(descriptor)
    return True


def set_title(title: str) -> None:
    """Have ``ps`` show ``title`` for the calling process.

    The kernel shows the memory in which the command line was laid when the program was executed, so
    the title is written there; what does not fit is cut off.
    """
    start, size = _command_line()
    text = title.encode()[: size - 1]
    ctypes.memmove(start, text + bytes(size - len(text)), size)


def set_environment(variables: Mapping[str, str]) -> None:
    """Give the calling process these variables and no others."""
    for name in list(os.environ):
        del os.environ[name]
    for name, value in variables.items():
        os.environ[name] = value


def show_environment(variables: Mapping[str, str]) -> None:
    """Have /proc/PID/environ show these variables, and no others, for the calling process.

    The kernel shows the memory in which the environment was laid when the program was executed, so
    it is told of another place, where it can be (CONFIG_CHECKPOINT_RESTORE); else it shows none.
    """
    text = "".join([f"{name}={value}\0" for name, value in variables.items()]).encode()
    start = copied(text)
    try:
        set_mm_map(memory_layout(), environment=(start, start + len(text)))
    except OSError:
        old = memory_layout().environment
        ctypes.memset(old[0], 0, old[1] - old[0])


@cache
def memory_layout() -> MemoryLayout:
    """Return where the calling process has what /proc/PID shows of it.

    A forked process has it where its parent has: asked for before, it costs the child nothing.
    """
    fields = [int(field) for field in _stat(os.getpid())[1:]]
    return MemoryLayout(
        code=(fields[22], fields[23]),
        data=(fields[41], fields[42]),
        start_brk=fields[43],
        start_stack=fields[24],
        arguments=(fields[44], fields[45]),
        environment=(fields[46], fields[47]),
    )


@cache
def _command_line() -> tuple[int, int]:
    """Return address and size of the command line; a forked process has it where its parent has."""
    fields = _stat(os.getpid())
    return int(fields[45]), int(fields[46]) - int(fields[45])


def in_netns(names: Collection[NetnsName]) -> list[tuple[ProcessId, NetnsName]]:
    """Return the processes whose network namespace is one of ``names``, by pid."""
    inodes = {}
    for name in names:
        with contextlib.suppress(FileNotFoundError):
            inodes[(NETNS / name).stat().st_ino] = name
    found = []
    for pid in _pids():
        with contextlib.suppress(ProcessLookupError, FileNotFoundError, PermissionError):
            inode = Path(f"/proc/{pid}/ns/net").stat().st_ino
            if inode in inodes:
                found.append((process_id(pid), inodes[inode]))
    return found


def environment(lab: str) -> dict[str, str]:
    """Return the environment that marks a process, and all it starts, as the lab's own."""
    return {**os.environ, OWNER: lab}


def control_plane(lab: str) -> list[ProcessId]:
    """Return the processes that carry the lab's marker: the control plane and its netns agent.

    Containers are forked from the zygote and have its environment; they are told apart by their
    pid namespace, which the zygote itself never leaves.
    """
    return [
        process
        for process, owner in _marked()
        if owner == lab and len(_pids_by_namespace(process.pid)) == 1
    ]


def sessions(processes: Iterable[ProcessId]) -> set[int]:
    """Return the sessions of processes, as far as they are still there."""
    found = set()
    for process in processes:
        with contextlib.suppress(ProcessLookupError):
            found.add(os.getsid(process.pid))
    return found


def in_sessions(wanted: Collection[int]) -> list[ProcessId]:
    """Return every process of some sessions.

    The kernel knows the session of a process at every moment; its environment, and so its marker,
    cannot be read while it is just executing a program.
    """
    found = []
    for pid in _pids() if wanted else ():
        with contextlib.suppress(ProcessLookupError, FileNotFoundError):
            if os.getsid(pid) in wanted:
                found.append(process_id(pid))
    return found


def marked(lab: str) -> list[ProcessId]:
    """Return every process that carries the lab's marker: its own, and those of containers."""
    return [process for process, owner in _marked() if owner == lab]


def marked_labs() -> set[str]:
    """Return the labs that have a process with their marker."""
    return {lab for _, lab in _marked()}


def _marked() -> Iterator[tuple[ProcessId, str]]:
    own_user_namespace = Path("/proc/self/ns/user").stat().st_ino
    for pid in _pids():
        # Whoever has ended, or may not be looked at, is not the lab's.
        with contextlib.suppress(OSError):
            directory = Path(f"/proc/{pid}")
            found = _OWNED.search((directory / "environ").read_bytes())
            found = found or _ROOT.search((directory / "mountinfo").read_bytes())
            # What an ordinary user runs in namespaces of the user's own is no lab of root's.
            if found and (directory / "ns/user").stat().st_ino == own_user_namespace:
                yield process_id(pid), found[1].decode()


def inits_of_containers(names: Collection[NetnsName]) -> list[ProcessId]:
    """Return the first process of each container whose pod is one of ``names``, by pid."""
    return [process for process, _ in in_netns(names) if _is_init(process)]


def inits_of_lab(lab: str, names: Collection[NetnsName]) -> set[ProcessId]:
    """Return the first process of each container of a lab, those that just begin included.

    Args:
        lab: Name.
        names: Its network namespaces.
    """
    # Who was forked a moment ago is in no namespace of the lab's yet, and has its parent's marker.
    begun = {process for process in marked(lab) if _is_init(process)}
    return begun | set(inits_of_containers(names))


def init_of_pod(name: NetnsName) -> ProcessId | None:
    """Return the first process of the first container of a pod; None when none runs."""
    return next(iter(inits_of_containers([name])), None)


def kill(processes: Iterable[ProcessId], timeout: float) -> list[ProcessId]:
    """Kill processes at once and wait until they are gone.

    Args:
        processes: Whom to kill.
        timeout: Seconds to wait for all of them together.

    Returns:
        Those that are still there.
    """
    watched = {}
    poll = select.poll()
    for process in processes:
        with contextlib.suppress(ProcessLookupError):
            descriptor = os.pidfd_open(process.pid)
            watched[descriptor] = process
            if is_alive(process):
                signal.pidfd_send_signal(descriptor, signal.SIGKILL)
                poll.register(descriptor, select.POLLIN)
    left = {number for number, process in watched.items() if is_alive(process)}
    while left:
        ended = poll.poll(timeout * 1000)
        if not ended:
            break
        for descriptor, _ in ended:
            poll.unregister(descriptor)
            left.discard(descriptor)
    for descriptor in watched:
        os.close(descriptor)
    return [watched[number] for number in left if is_alive(watched[number])]


def _is_init(process: ProcessId) -> bool:
    pids = _pids_by_namespace(process.pid)
    return len(pids) > 1 and pids[-1] == 1


def status(pid: int) -> dict[str, str]:
    """Return the lines of /proc/PID/status, by their names.

    Raises:
        OSError: There is no such process.
    """
    lines = Path(f"/proc/{pid}/status").read_text(errors="replace").splitlines()
    return {name: value.strip() for name, _, value in (line.partition(":") for line in lines)}


def _pids_by_namespace(pid: int) -> list[int]:
    """Return the process's pid in each pid namespace it is in, ours first; empty when it ended."""
    try:
        status = Path(f"/proc/{pid}/status").read_text(errors="replace")
    except (FileNotFoundError, ProcessLookupError):
        return []
    line = next(line for line in status.splitlines() if line.startswith("NSpid:"))
    return [int(word) for word in line.split()[1:]]


def _pids() -> Iterator[int]:
    own = os.getpid()
    for name in os.listdir("/proc"):  # noqa: PTH208 (thousands of entries)
        if name.isdigit() and int(name) != own:
            yield int(name)
