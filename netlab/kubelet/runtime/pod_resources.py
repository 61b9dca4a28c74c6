"""What the container runtime opens and makes for a container: pipes, mounts, groups, namespaces."""

import contextlib
import errno
import os
import shutil
import socket
import stat
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from netlab.kubelet.runtime import stdio
from netlab.kubelet.runtime.cgroups import LabCgroups, Limits, hierarchies, open_lists
from netlab.kubelet.runtime.container import NODE_ROOT, Container, Mount, encoded
from netlab.kubelet.runtime.exec import open_namespaces
from netlab.kubelet.runtime.one_user import as_one_user
from netlab.kubelet.runtime.requests import Exec
from netlab.kubelet.runtime.termination_log import TerminationLogs
from netlab.kubelet.runtime.zygote import Order, Zygote
from netlab.linux import user_namespace
from netlab.linux.netns_names import NETNS
from netlab.linux.syscalls import open_tree, umount
from netlab.model import rundir
from netlab.model.processes import ProcessId

_NO_POD: Final = "no-pod"
"""The control group of what is no pod's: the load balancer's HAProxy."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Started:
    """A process that has been forked, and what the runtime holds of it."""

    pid: int
    pipe: int
    """Ends when it serves or has executed; holds the reason when it could not."""
    input: int | None = None
    """Where to write a container's standard input."""
    streams: list[int] = field(default_factory=list)
    """The other ends of a program's standard streams."""
    readers: list[int] = field(default_factory=list)
    """Of a container's standard output and error. Opened before it is forked: what a container
    wrote that has ended since would be gone with the last end, and with a pod that is gone the
    pipes have no name any more."""
    terminal: socket.socket | None = None
    """Where the other end of its terminal comes from."""

    def received_terminal(self) -> int | None:
        """Return the other end of its terminal, which it has sent; None when it has none.

        Raises:
            OSError: It was killed before it had one.
        """
        if self.terminal is None:
            return None
        with self.terminal:
            _, descriptors, _, _ = socket.recv_fds(self.terminal, 1, 1)
        if not descriptors:
            raise ProcessLookupError(errno.ESRCH, "it was killed before it had a terminal")
        return descriptors[0]

    def close(self) -> None:
        """Close what the runtime holds, of a process that could not begin."""
        held = [self.input] if self.input is not None else []
        for descriptor in (*self.streams, *self.readers, *held):
            os.close(descriptor)
        if self.terminal is not None:
            self.terminal.close()


class PodResources:
    """What the pods of a lab have of the machine.

    Args:
        lab: Name.
        directory: The lab's own.
    """

    def __init__(self, lab: str, directory: Path) -> None:
        self._directory = directory / "pods"
        self._termination_logs = TerminationLogs(rundir.termination_logs_directory(lab))
        pages, size = os.sysconf("SC_PHYS_PAGES"), os.sysconf("SC_PAGE_SIZE")
        self._cgroups = LabCgroups(lab, pages * size, hierarchies())

    def start(
        self, zygote: Zygote, container: Container, target: ProcessId | None = None
    ) -> Started:
        """Have a container's first process forked.

        Args:
            zygote: Forks it.
            container: What to start.
            target: The first process of the container whose process namespace it joins.

        Raises:
            OSError: The kernel refused, or the pod has no network namespace.
        """
        process = container.process
        user_namespace.require_ids(process.uid, process.gid, process.groups)
        container = self._termination_logs.mounted(container)
        if user_namespace.has_one_id():
            container = container._replace(etc=as_one_user(container.etc))
        directory = Path(container.directory)
        readers: list[int] = []
        with contextlib.ExitStack() as opened, contextlib.ExitStack() as until_forked:
            if not container.tty:
                stdio.make_pipes(directory, container.process.uid, stdin=container.stdin)
                for name in stdio.STREAMS:
                    readers.append(stdio.open_output(directory, name))
                    until_forked.callback(os.close, readers[-1])
            else:
                directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            netns = os.open(NETNS / container.netns, os.O_RDONLY | os.O_CLOEXEC)
            opened.callback(os.close, netns)
            trees = _trees(container, opened)
            group = container.pod_uid or _NO_POD
            self._cgroups.make_pod(group, Limits(*container.limits))
            cgroups = self._cgroups.open_pod(group)
            for descriptor in cgroups:
                opened.callback(os.close, descriptor)
            ours, theirs = _terminal(opened, wanted=container.tty)
            joined = [] if target is None else [open_namespaces(target, opened)[-1]]
            order = Order.START_IN if joined else Order.START
            sent = [*joined, netns, *trees, *theirs]
            held = stdio.open_input(directory) if container.stdin and not container.tty else None
            pid, pipe = zygote.fork(order, encoded(container), cgroups, sent)
            until_forked.pop_all()
        return Started(pid=pid, pipe=pipe, input=held, readers=readers, terminal=ours)

    def exec(self, zygote: Zygote, request: Exec) -> Started:
        """Have a program forked into a container.

        Raises:
            OSError: The kernel refused, or the container has ended.
        """
        with contextlib.ExitStack() as opened:
            namespaces = open_namespaces(request.container, opened)
            cgroups = open_lists(request.container.pid)
            for descriptor in cgroups:
                opened.callback(os.close, descriptor)
            ours, theirs = _terminal(opened, wanted=request.tty)
            streams: list[int] = []
            if not request.tty:
                streams, theirs = _pipes()
                for descriptor in theirs:
                    opened.callback(os.close, descriptor)
            what = encoded(request.process)
            pid, pipe = zygote.fork(Order.EXEC, what, cgroups, [*namespaces, *theirs])
        return Started(pid=pid, pipe=pipe, streams=streams, terminal=ours)

    def remove(self, uid: str) -> None:
        """Remove a pod's files and its groups.

        Raises:
            OSError: The kernel refused.
        """
        self._cgroups.remove_pod(uid)
        for volume in (self._directory / uid / "volumes").glob("*"):
            if volume.is_mount():
                umount(str(volume))
        shutil.rmtree(self._directory / uid, ignore_errors=True)
        self._termination_logs.remove(uid)

    def was_out_of_memory(self, uid: str) -> bool:
        """Return whether the kernel has killed a process of the pod for the memory it used."""
        return bool(uid) and self._cgroups.was_out_of_memory(uid)


def _trees(container: Container, opened: contextlib.ExitStack) -> list[int]:
    """Return copies of the mounts that a container gets, its own root file system first."""
    trees = []
    if container.rootfs:
        trees.append(open_tree(container.rootfs))
        opened.callback(os.close, trees[-1])
    for one in container.mounts:
        if one.source == NODE_ROOT:
            continue
        trees.append(_opened(one))
        opened.callback(os.close, trees[-1])
    return trees


def _opened(mount: Mount) -> int:
    """Return a descriptor of a copy of what a container is to see.

    Raises:
        OSError: There is no such file, or a link leads out of what is the pod's to write to.
    """
    if not mount.sub_path:
        return open_tree(mount.source)
    if not mount.is_writable:
        return open_tree(str(Path(mount.source, mount.sub_path).resolve(strict=True)))
    descriptor = os.open(mount.source, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    for name in filter(None, mount.sub_path.split("/")):
        with contextlib.suppress(FileExistsError):
            os.mkdir(name, 0o777, dir_fd=descriptor)
        flags = os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC
        inner = os.open(name, flags, dir_fd=descriptor)
        os.close(descriptor)
        descriptor = inner
    try:
        if stat.S_ISLNK(os.fstat(descriptor).st_mode):
            raise OSError(errno.ELOOP, "a link in a subPath is not followed", mount.sub_path)
        return open_tree(f"/proc/self/fd/{descriptor}")
    finally:
        os.close(descriptor)


def _terminal(
    opened: contextlib.ExitStack, *, wanted: bool
) -> tuple[socket.socket | None, list[int]]:
    """Return our end of a socket for a terminal, and the other; nothing when none is wanted."""
    if not wanted:
        return None, []
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
    opened.callback(theirs.close)
    return ours, [theirs.fileno()]


def _pipes() -> tuple[list[int], list[int]]:
    """Return our ends of pipes for standard input, output and error, and the program's ends."""
    stdin_reader, stdin_writer = os.pipe2(os.O_CLOEXEC)
    stdout_reader, stdout_writer = os.pipe2(os.O_CLOEXEC)
    stderr_reader, stderr_writer = os.pipe2(os.O_CLOEXEC)
    ours = [stdin_writer, stdout_reader, stderr_reader]
    return ours, [stdin_reader, stdout_writer, stderr_writer]
