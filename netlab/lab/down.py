"""Remove a lab, with or without its control plane, with or without any file of it.

What belongs to a lab is found in the kernel: namespaces by their name's prefix, processes by the
namespace they live in or by the marker in their environment. The order matters: the control plane
goes first, so that it does not start again what is being ended; processes go before namespaces, as
a namespace lives on, nameless, while a process is in it.
"""

import os
import shutil
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

from netlab.errors import KernelError
from netlab.kubelet.runtime import cgroups
from netlab.linux import netns, netns_names, processes
from netlab.linux.syscalls import umount
from netlab.linux.timeouts import scaled
from netlab.model import rundir
from netlab.model.names import LAB_NAME, NetnsName
from netlab.model.processes import ProcessId

_KILL_S = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Removed:
    """What was removed of a lab."""

    control_plane: int
    """Processes: the control plane and its netns agent."""
    processes: int
    """Processes that lived in the lab's namespaces."""
    namespaces: int
    files: bool
    """Whether there was a run directory."""

    def __bool__(self) -> bool:
        """Return whether there was anything."""
        return bool(self.control_plane or self.processes or self.namespaces or self.files)


def down(lab: str) -> Removed:
    """Remove everything of ``lab``; the caller holds its lock.

    Raises:
        KernelError: A process does not die, or a namespace cannot be removed.
    """
    control_plane = processes.control_plane(lab)
    sessions = processes.sessions(control_plane) - {os.getsid(0)}
    _kill(control_plane)
    while left := processes.in_sessions(sessions):
        _kill(left)
    names = netns_names.names_of(lab)
    # A namespace may have lost its name, and what lives in it is then found by its marker alone.
    inhabitants = processes.marked(lab)
    inhabitants += {process for process, _ in processes.in_netns(names)} - set(inhabitants)
    killed = len(inhabitants)
    while inhabitants:
        _kill(inhabitants)
        # What one of them started meanwhile is there too.
        inhabitants = [process for process, _ in processes.in_netns(names)]
        killed += len(inhabitants)
    for name in names:
        _delete(name)
    cgroups.remove_lab(lab)
    directory, messages = rundir.rundir(lab), rundir.termination_logs_directory(lab)
    _unmount(directory)
    if messages.exists():
        _unmount(messages)
        messages.rmdir()
    had_files = directory.exists()
    if had_files:
        shutil.rmtree(directory)
    rundir.kubeconfig_file(lab).unlink(missing_ok=True)
    return Removed(
        control_plane=len(control_plane),
        processes=killed,
        namespaces=len(names),
        files=had_files,
    )


def _unmount(directory: Path) -> None:
    """Take away what is mounted on a directory or in it: volumes of pods, for one."""
    for line in Path("/proc/self/mountinfo").read_text().splitlines():
        target = line.split()[4]
        if target == str(directory) or target.startswith(f"{directory}/"):
            umount(target)


def known_labs() -> list[str]:
    """Return every lab that left a trace on this machine: a namespace, a file or a process."""
    directories = (path.name for path in rundir.RUN.glob("*") if path.is_dir())
    found = chain(netns_names.labs(), directories, processes.marked_labs())
    return sorted({name for name in found if LAB_NAME.match(name)})


def _kill(found: list[ProcessId]) -> None:
    left = processes.kill(found, scaled(_KILL_S))
    if left:
        pids = ", ".join(str(process.pid) for process in left)
        raise KernelError(f"processes that do not die: {pids}", hint="they wait for the kernel")


def _delete(name: NetnsName) -> None:
    try:
        netns.delete(name)
    except OSError as error:
        raise KernelError(f"ip netns delete {name}: {error.strerror}") from error
