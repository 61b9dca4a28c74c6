"""What the user's mount namespace has other than the machine's: /proc, and /run.

All else is the same as outside, so that a path which a user types means the same file. A new mount
of the machine's appears there too.

/run is a file system of its own in which the machine's entries are bound, but for those that
netlab and iptables keep there: /run/netlab is the user's runtime directory, /run/netns is empty.
So every path is the one that root's labs have, and root's labs are not in view.
"""

import os
from contextlib import suppress
from pathlib import Path
from typing import Final

from netlab.linux.namespaces import unshare
from netlab.linux.syscalls import (
    CLONE_NEWNET,
    MS_BIND,
    MS_NODEV,
    MS_NOEXEC,
    MS_NOSUID,
    MS_REC,
    MS_SLAVE,
    bind_mount,
    mount,
    move_mount,
    open_tree,
    umount,
)
from netlab.rootless.home import HOME, OUTSIDE

_RUN: Final = Path("/run")
_OWN: Final = frozenset({"netlab", "netns", "xtables.lock"})
_MACHINE: Final = _RUN / ".machine"
"""Where the machine's own /run is while entries of it are bound."""


def mount_proc() -> None:
    """Mount the /proc of the pid namespace that the calling process is the first of.

    Raises:
        OSError: The kernel refused.
    """
    mount("none", "/", "none", MS_REC | MS_SLAVE)
    mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC)


def mount_run(directory: Path) -> None:
    """Mount a /run of the user's own.

    Args:
        directory: The runtime directory.

    Raises:
        OSError: The kernel refused.
    """
    machine = open_tree(str(_RUN), recursive=True)
    mount("tmpfs", str(_RUN), "tmpfs", MS_NOSUID | MS_NODEV, "mode=755")
    _MACHINE.mkdir()
    move_mount(machine, str(_MACHINE))
    os.close(machine)
    for entry in os.scandir(_MACHINE):
        if entry.name not in _OWN:
            # What has gone meanwhile, or cannot be bound, is missed by nobody who runs a lab.
            with suppress(OSError):
                _show(entry, _RUN / entry.name)
    netlab = _RUN / "netlab"
    netlab.mkdir()
    shown = directory.is_relative_to(_RUN) and _MACHINE / directory.relative_to(_RUN)
    bind_mount(str(shown or directory), str(netlab))
    OUTSIDE.symlink_to(directory)
    umount(str(_MACHINE))
    _MACHINE.rmdir()


def _show(entry: "os.DirEntry[str]", target: Path) -> None:
    if entry.is_symlink():
        target.symlink_to(Path(entry.path).readlink())
        return
    if entry.is_dir():
        target.mkdir()
    else:
        target.touch()
    mount(entry.path, str(target), "none", MS_BIND | MS_REC)


def make_home() -> None:
    """Make the network namespace that commands and agents of the user's labs work from.

    Who is to enter namespaces and come back needs one of the user's own: the kernel lets nobody
    come back into the machine's. A child makes it, so that the calling process stays where it is.

    Raises:
        OSError: The kernel refused.
    """
    HOME.touch()
    pid = os.fork()
    if pid == 0:
        number = 0
        try:
            unshare(CLONE_NEWNET)
            bind_mount("/proc/self/ns/net", str(HOME))
        except OSError as error:
            number = error.errno or 1
        os._exit(number)
    number = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    if number:
        raise OSError(number, os.strerror(number), "a network namespace")
