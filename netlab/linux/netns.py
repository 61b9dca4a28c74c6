"""Make, enter and remove network namespaces, bind mounts under ``/run/netns`` as ``ip netns`` has.

A namespace is a property of a thread. ``inside`` moves the calling thread, so it is for
single-threaded processes only: a command of the command line, or the netns agent; never the
control plane while its event loop runs. A socket stays in the namespace it was created in.
"""

import errno
import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager

from netlab.linux.namespaces import setns, unshare
from netlab.linux.netns_names import NETNS, is_mounted
from netlab.linux.syscalls import (
    CLONE_NEWNET,
    MS_BIND,
    MS_REC,
    MS_SHARED,
    bind_mount,
    mount,
    umount,
)
from netlab.model.names import NetnsName


@contextmanager
def inside(name: NetnsName) -> Iterator[None]:
    """Run the block with the calling thread in namespace ``name``.

    Raises:
        FileNotFoundError: There is no such namespace.
    """
    home = os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
    try:
        there = os.open(NETNS / name, os.O_RDONLY | os.O_CLOEXEC)
        try:
            _enter(there, name)
        finally:
            os.close(there)
        try:
            yield
        finally:
            setns(home, CLONE_NEWNET)
    finally:
        os.close(home)


def _enter(there: int, name: NetnsName) -> None:
    try:
        setns(there, CLONE_NEWNET)
    except OSError as error:
        if error.errno != errno.EINVAL:
            raise
        # The file is still there, and no namespace is mounted on it any more, or none yet.
        raise FileNotFoundError(errno.ENOENT, "no such namespace", name) from error


def create(name: NetnsName) -> None:
    """Make a namespace and keep it by a bind mount, unless it is there already.

    The calling thread is back in its own namespace afterwards.

    Raises:
        OSError: The kernel refused.
    """
    if is_mounted(name):
        return
    _prepare_directory()
    path = NETNS / name
    os.close(os.open(path, os.O_RDONLY | os.O_CREAT | os.O_CLOEXEC, 0o444))
    home = os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
    try:
        _make()
        try:
            bind_mount("/proc/thread-self/ns/net", str(path))
        finally:
            setns(home, CLONE_NEWNET)
    finally:
        os.close(home)


def _make() -> None:
    try:
        unshare(CLONE_NEWNET)
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise
        reason = "the limit of network namespaces is reached: user.max_net_namespaces"
        raise OSError(errno.ENOSPC, reason) from error


def _prepare_directory() -> None:
    """Make ``/run/netns`` as the first ``ip netns add`` does: a shared mount on itself.

    Were it left a plain directory, the first ``ip netns add`` of somebody else would mount it on
    itself with all that is mounted below, and the copies underneath, out of anybody's reach, would
    keep every name of ours from being removed (EBUSY).
    """
    if not NETNS.exists():
        NETNS.mkdir(exist_ok=True)
        NETNS.chmod(0o755)  # as `ip netns` makes it; mkdir's mode would pass through the umask
    directory = os.open(NETNS, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(directory, fcntl.LOCK_EX)  # two labs, or `ip netns`, may begin at once
        try:
            mount("", str(NETNS), "none", MS_SHARED | MS_REC)
        except OSError as error:
            if error.errno != errno.EINVAL:
                raise
            # It is no mount point yet.
            mount(str(NETNS), str(NETNS), "none", MS_BIND | MS_REC)
            mount("", str(NETNS), "none", MS_SHARED | MS_REC)
    finally:
        os.close(directory)


def delete(name: NetnsName) -> None:
    """Remove a namespace's name; the namespace goes when nothing lives in it any more.

    Raises:
        OSError: The kernel refused.
    """
    path = NETNS / name
    while is_mounted(name):
        umount(str(path))
    path.unlink(missing_ok=True)
