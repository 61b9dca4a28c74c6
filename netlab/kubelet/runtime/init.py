"""A container's first process: what it does between the fork and its program.

Theory of operation
-------------------
The network namespace is the pod's and outlives the container; the others are the container's own.
A built-in workload runs in the forked process as it is (its code is in memory already, so a
container costs a fork and no start of Python), any other program is executed.

Until it has given up what it has of its parent, nobody may look into this process: it is not
*dumpable*, so that a process of the same container cannot open what it still holds (CVE-2024-21626,
CVE-2016-9962). Its standard streams are opened through mounts that are read-only, or inside.
"""

import os
import signal
import socket
from collections.abc import Sequence
from typing import Final, NamedTuple

from netlab.kubelet.runtime import built_in, capabilities, rootfs, seccomp
from netlab.kubelet.runtime.container import EXEC, NODE_ROOT, Container, Process, decoded
from netlab.linux import processes, user_namespace
from netlab.linux.namespaces import setns, unshare
from netlab.linux.syscalls import (
    CLONE_NEWCGROUP,
    CLONE_NEWIPC,
    CLONE_NEWNET,
    CLONE_NEWPID,
    CLONE_NEWUTS,
    SeccompFilter,
    move_mount,
    prctl,
)

_PR_SET_DUMPABLE: Final = 4
_PR_SET_NAME: Final = 15
_PR_SET_NO_NEW_PRIVS: Final = 38
"""linux/prctl.h"""

_ORDER_BYTES: Final = 1 << 24
"""No container has more files in its /etc."""


class Sent(NamedTuple):
    """The descriptors that came with a message of the runtime's."""

    file: int
    """What to start."""
    writer: int
    """Closed once the process serves or has executed its program; otherwise it is given the reason
    why it could not."""
    cgroups: Sequence[int]
    others: Sequence[int]
    """As ``zygote.Order`` has them."""


class NotExecutedError(OSError):
    """A program could not be executed; the words are those of Go's os/exec, which runc uses."""


class Confinement(NamedTuple):
    """What the processes of containers are held by, beside their namespaces."""

    last_capability: int
    seccomp: SeccompFilter | None
    """None where netlab has none for the machine."""


def confinement() -> Confinement:
    """Return it for this machine; to be called while /proc/sys is in view."""
    program = seccomp.default_profile()
    own = SeccompFilter(program) if program else None
    return Confinement(capabilities.last_capability(), own)


class Template:
    """What all containers are made from.

    Args:
        lab: Name.
        root: An empty directory; the calling process lives there afterwards, in a bare root: see
            ``netlab.kubelet.runtime.rootfs``.
        pods: The directory of all pods' files.
    """

    def __init__(self, lab: str, root: str, pods: str) -> None:
        self.confinement = confinement()
        self.own_pid_namespace = os.open("/proc/self/ns/pid", os.O_RDONLY | os.O_CLOEXEC)
        # Through a mount that is read-only, and from now on there is no other way from here.
        self.pods = os.open(pods, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        self.workloads = built_in.load()
        self.root = rootfs.enter_template(lab, root)


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


def fork(template: Template, sent: Sent) -> int:
    """Fork a container's first process off the calling one and return its pid on the host.

    Raises:
        OSError: The kernel refused.
    """
    # Concerns children only. The second unshare in a row would be refused, so go back after it.
    unshare(CLONE_NEWPID)
    try:
        pid = os.fork()
        if pid == 0:
            _run(template, sent)
    finally:
        setns(template.own_pid_namespace, CLONE_NEWPID)
    return pid


def fork_in(template: Template, sent: Sent) -> int:
    """Do the same in the process namespace of another container, the first of those sent.

    Raises:
        OSError: The kernel refused.
    """
    setns(sent.others[0], CLONE_NEWPID)
    try:
        pid = os.fork()
        if pid == 0:
            _run(template, sent._replace(others=sent.others[1:]))
    finally:
        setns(template.own_pid_namespace, CLONE_NEWPID)
    return pid


def _run(template: Template, sent: Sent) -> None:
    """Become the container's first process; never returns."""
    program, writer = "container", sent.writer
    try:
        container = decoded(os.read(sent.file, _ORDER_BYTES))
        process = container.process
        program = process.argv[0]
        _enter(container, template, sent)
        _open_streams(container, template, sent.others)
        if container.built_in:
            # Orphans of the container become this process's children; the kernel buries them.
            signal.signal(signal.SIGCHLD, signal.SIG_IGN)
            run_built_in(template, process, container.hostname, writer)
        else:
            become(process, template.confinement)
            execute(process)
    except OSError as error:
        os.write(writer, reason_of(error, program))
    except SystemExit as ending:
        os._exit(ending.code if isinstance(ending.code, int) else 0)
    except BaseException as error:  # noqa: BLE001 (this process ends here, and must say why)
        print(f"{type(error).__name__}: {error}", flush=True)  # noqa: T201 (the container's log)
    os._exit(128)


def run_built_in(template: Template, process: Process, hostname: str, writer: int) -> None:
    """Run a workload of netlab's in the calling process, which is in its container already.

    Args:
        template: Has it loaded.
        process: Its name and arguments, environment and rights.
        hostname: Of the container, for the process's title.
        writer: Closed once it serves.

    Raises:
        SystemExit: It has ended.
        OSError: The kernel refused.
    """
    workload = template.workloads[process.argv[0]]
    processes.show_environment(process.env)
    if workload.reads_environment:
        processes.set_environment(process.env)
    become(process, template.confinement)
    _close_all_but(writer)
    processes.set_title(f"{hostname}: {' '.join(process.argv)}")
    prctl(_PR_SET_DUMPABLE, 1)
    workload.run(lambda: _let_go(writer), process.argv[1:])


def reason_of(error: OSError, program: str) -> bytes:
    """Return why a process could not begin, for the pipe: as runc says it, if it is the program."""
    if isinstance(error, NotExecutedError):
        return f'{EXEC}"{program}": {error.strerror}'.encode()
    return f"{error.filename or program}: {error.strerror}".encode()


def become(process: Process, held_by: Confinement) -> None:
    """Give up everything that the process is not to have, in the container that the caller is in.

    Raises:
        OSError: The kernel refused.
    """
    os.chdir(process.working_directory)
    capabilities.drop_bounding(process.capabilities, held_by.last_capability)
    user_namespace.set_groups(process.groups)
    os.setresgid(process.gid, process.gid, process.gid)
    os.setresuid(process.uid, process.uid, process.uid)
    # A change of users has taken them all, and has made the process dumpable as others are.
    prctl(_PR_SET_DUMPABLE, 0)
    if process.uid == 0:
        capabilities.keep(process.capabilities)
    prctl(_PR_SET_NO_NEW_PRIVS, 1)
    if held_by.seccomp is not None:
        held_by.seccomp.set()
    prctl(_PR_SET_NAME, process.argv[0].rpartition("/")[2].encode()[:15])


def execute(process: Process) -> None:
    """Execute the program; never returns.

    Raises:
        NotExecutedError: There is none, or the kernel refused.
    """
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGPIPE):
        signal.signal(number, signal.SIG_DFL)
    program = process.argv[0]
    try:
        os.execvpe(program, process.argv, process.env)  # noqa: S606
    except OSError as error:
        why = (error.strerror or str(error)).lower()
        if isinstance(error, FileNotFoundError):
            is_path = "/" in program
            why = f"stat {program}: {why}" if is_path else "executable file not found in $PATH"
        raise NotExecutedError(error.errno, why) from error


def begin(sent: Sent) -> None:
    """Have the calling process, just forked, hidden from its container and in its control groups.

    Raises:
        OSError: The kernel refused.
    """
    prctl(_PR_SET_DUMPABLE, 0)
    for cgroup in sent.cgroups:
        os.write(cgroup, b"0")


def _enter(container: Container, template: Template, sent: Sent) -> None:
    netns, *trees = sent.others
    os.setsid()
    begin(sent)
    setns(netns, CLONE_NEWNET)
    unshare(CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWCGROUP)
    socket.sethostname(container.hostname)
    base = trees.pop(0) if container.rootfs else None
    rootfs.enter_own(template.root, container.etc, base)
    for one in container.mounts:
        if one.source == NODE_ROOT:
            rootfs.show_root(one.target)
            continue
        tree = trees.pop(0)
        rootfs.make_target(one.target, tree)
        move_mount(tree, one.target)
        if one.read_only:
            rootfs.remount_read_only(one.target)
    if container.read_only_root:
        rootfs.close_root()
    rootfs.make_working_directory(container.process.working_directory)


def _open_streams(container: Container, template: Template, others: Sequence[int]) -> None:
    """Open the standard streams: the pod's own pipes, a terminal, or /dev/null from inside."""
    if container.tty:
        open_terminal(container.process.uid, others[-1])
        return
    if container.stdin:
        # An input that ends with who attached first ends when the runtime lets go of it.
        flags = os.O_RDONLY if container.stdin_once else os.O_RDWR
        _move(_in_own("stdin", container, template, flags), 0)
    else:
        _move(os.open("/dev/null", os.O_RDONLY), 0)
    for number, name in ((1, "stdout"), (2, "stderr")):
        # For reading too, so that nobody who writes here is ended when the runtime is.
        _move(_in_own(name, container, template, os.O_RDWR), number)


def _in_own(name: str, container: Container, template: Template, flags: int) -> int:
    path = "/".join((*container.directory.split("/")[-2:], name))
    return os.open(path, flags, dir_fd=template.pods)


def _move(descriptor: int, number: int) -> None:
    os.dup2(descriptor, number)
    os.close(descriptor)


def open_terminal(uid: int, peer: int) -> None:
    """Open a terminal of the container's for the standard streams, and send its other end.

    Args:
        uid: Whom it belongs to.
        peer: A socket to whoever waits for the other end.
    """
    ours, theirs = os.openpty()
    os.fchown(theirs, uid, -1)
    with socket.socket(fileno=os.dup(peer)) as end:
        socket.send_fds(end, [b"t"], [ours])
    os.close(ours)
    os.login_tty(theirs)


def _let_go(writer: int) -> None:
    """Close the pipe, and have the log in its place: what fails from now on is said there.

    Closed, its number would be the next connection's, and a complaint would go to a client.
    """
    os.dup2(1, writer, inheritable=False)


def _close_all_but(keep: int) -> None:
    """Close what a fork without exec inherits of the zygote: sockets, pipes, namespaces."""
    os.closerange(3, keep)
    os.closerange(keep + 1, 65536)
