"""One container: a process tree with namespaces, a root file system and capabilities of its own.

The network namespace is the pod's and outlives the container. The first process is forked from the
warm parent: a built-in workload runs in it as it is (its code is in memory already, so a container
costs a fork and no start of Python), any other program is executed.
"""

import importlib
import marshal
import os
import signal
import socket
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final, NamedTuple

from netlab.kubelet.runtime import capabilities, rootfs
from netlab.linux import processes
from netlab.linux.syscalls import (
    CLONE_NEWNET,
    CLONE_NEWNS,
    CLONE_NEWPID,
    CLONE_NEWUTS,
    prctl,
    setns,
    unshare,
)
from netlab.model.names import NetnsName
from netlab.workloads import echo  # noqa: F401 (loaded here for all containers)

_PR_SET_NAME: Final = 15
"""linux/prctl.h"""

_ORDER_BYTES: Final = 1 << 24
"""No container has more files in its /etc."""

_Workload = Callable[[Callable[[], None], Sequence[str]], None]

BUILT_IN: Final[Mapping[str, str]] = {
    "agnhost": "netlab.workloads.agnhost.commands:run_command",
    "coredns": "netlab.dns.coredns:run",
    "echo": "netlab.workloads.echo:run",
    "pause": "netlab.workloads.pause:run",
}
"""Workloads that are Python functions, by the name that stands first in ``argv``.

Each takes a callback for "ready" and its arguments. All but the echo server, which most containers
are, are imported by the container that runs them: the warm parent's memory is everybody's.
"""


class Container(NamedTuple):
    """What to start, and where."""

    netns: NetnsName
    hostname: str
    argv: tuple[str, ...]
    """A program, looked up in the container; for a built-in workload its name alone."""
    built_in: bool
    log_file: str
    """On the host."""
    env: dict[str, str]
    working_directory: str
    etc: dict[str, bytes]
    """Files of its own, by their path below ``/etc``."""

    def encoded(self) -> bytes:
        """Return the container as bytes, in a form that costs the reader little memory.

        Unlike pickle, marshal knows plain values only, and touches no code when it reads them.
        """
        return marshal.dumps(tuple(self))


class Template:
    """The mount namespace that containers are made from; see ``netlab.kubelet.runtime.rootfs``."""

    def __init__(self, lab: str, root: Path) -> None:
        root.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.last_capability = capabilities.last_capability()
        self.mount_namespace = _template_namespace(lab, root)
        self.own_pid_namespace = os.open("/proc/self/ns/pid", os.O_RDONLY | os.O_CLOEXEC)


def end_on_sigterm() -> None:
    """Have containers end on SIGTERM, and the calling process, their parent, ignore it.

    The kernel drops a signal that the first process of a pid namespace has no handler for. The
    handler is inherited: setting it in each container would cost each a copy of some memory.
    """
    parent = os.getpid()

    def terminate(number: int, frame: object) -> None:
        del number, frame
        if os.getpid() != parent:
            raise SystemExit

    signal.signal(signal.SIGTERM, terminate)


def fork(order: int, template: Template, netns: int, pipe: int) -> int:
    """Fork a container's first process off the calling one and return its pid on the host.

    Args:
        order: A file that holds a ``Container``, encoded.
        template: The mounts to begin with.
        netns: The pod's network namespace.
        pipe: Closed once the process serves or has executed its program; otherwise it is given the
            reason why it could not.

    Raises:
        OSError: The kernel refused.
    """
    # Concerns children only. The second unshare in a row would be refused, so go back after it.
    unshare(CLONE_NEWPID)
    try:
        pid = os.fork()
        if pid == 0:
            _run(order, template, netns, pipe)
    finally:
        setns(template.own_pid_namespace, CLONE_NEWPID)
    return pid


def _template_namespace(lab: str, root: Path) -> int:
    """Build the template in a child and return a file descriptor of its mount namespace."""
    reader, writer = os.pipe()
    release_reader, release_writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            rootfs.enter_template(lab, root)
        except OSError as error:
            os.write(writer, f"{error.strerror}: {error.filename}".encode())
        os.close(writer)
        os.read(release_reader, 1)
        os._exit(0)
    os.close(writer)
    try:
        with os.fdopen(reader, "rb") as pipe:
            if reason := pipe.read():
                raise OSError(f"cannot build the containers' root: {reason.decode()}")
        return os.open(f"/proc/{pid}/ns/mnt", os.O_RDONLY | os.O_CLOEXEC)
    finally:
        os.write(release_writer, b".")
        os.close(release_reader)
        os.close(release_writer)
        os.waitpid(pid, 0)


def _run(order: int, template: Template, netns: int, writer: int) -> None:
    """Become the container's first process; never returns."""
    what = "container"
    try:
        container = Container(*marshal.loads(os.read(order, _ORDER_BYTES)))  # noqa: S302 (our own)
        what = container.argv[0]
        # The files of this package are not in the container's view.
        workload = _workload(what) if container.built_in else None
        _enter(container, template, netns)
        if workload is not None:
            _close_all_but(writer)
            # Orphans of the container become this process's children; the kernel buries them.
            signal.signal(signal.SIGCHLD, signal.SIG_IGN)
            processes.set_title(f"{container.hostname}: {container.argv[0]}")
            os.environ.clear()
            os.environ.update(container.env)
            workload(lambda: _let_go(writer), container.argv[1:])
        else:
            for number in (signal.SIGINT, signal.SIGTERM, signal.SIGPIPE):
                signal.signal(number, signal.SIG_DFL)
            os.execvpe(container.argv[0], container.argv, dict(container.env))  # noqa: S606
    except OSError as error:
        # execvpe names, in bytes, the last place that it looked.
        name = error.filename if isinstance(error.filename, str) else what
        os.write(writer, f"{name}: {error.strerror}".encode())
    except SystemExit as end:
        os._exit(end.code if isinstance(end.code, int) else 0)
    except BaseException as error:  # noqa: BLE001 (this process ends here, and must say why)
        print(f"{type(error).__name__}: {error}", flush=True)  # noqa: T201 (the container's log)
    os._exit(128)


def _workload(name: str) -> _Workload:
    module, _, function = BUILT_IN[name].partition(":")
    found: _Workload = getattr(importlib.import_module(module), function)
    return found


def _enter(container: Container, template: Template, netns: int) -> None:
    os.setsid()
    _redirect(container.log_file)
    setns(netns, CLONE_NEWNET)
    setns(template.mount_namespace, CLONE_NEWNS)
    unshare(CLONE_NEWUTS)
    socket.sethostname(container.hostname)
    rootfs.enter_own(container.etc)
    os.chdir(container.working_directory)
    capabilities.drop(template.last_capability)
    prctl(_PR_SET_NAME, container.argv[0].rpartition("/")[2].encode()[:15])


def _redirect(log_file: str) -> None:
    null = os.open("/dev/null", os.O_RDONLY)
    log = os.open(log_file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.dup2(null, 0)
    os.dup2(log, 1)
    os.dup2(log, 2)
    os.close(null)
    os.close(log)


def _let_go(writer: int) -> None:
    """Close the pipe, and have the log in its place: what fails from now on is said there.

    Closed, its number would be the next connection's, and a complaint would go to a client.
    """
    os.dup2(1, writer, inheritable=False)


def _close_all_but(keep: int) -> None:
    """Close what a fork without exec inherits of the launcher: sockets, pipes, namespaces."""
    os.closerange(3, keep)
    os.closerange(keep + 1, 65536)
