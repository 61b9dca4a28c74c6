"""The file systems that a container sees.

Theory of operation
-------------------
A mount namespace is a copy of its parent's mounts, and a lab's thousand namespaces are a thousand
mounts on the host: containers made straight from the host's mounts would cost a million. So the
launcher builds one *template* namespace, which holds a bare root (the host's programs read-only,
device nodes, empty directories) and nothing else of the host. Each container enters the template,
takes a copy of its dozen mounts, and adds what is its own: ``/etc``, ``/tmp``, ``/var`` and
``/run`` on a small tmpfs, ``/proc`` of its own pid namespace, ``/sys`` of its own network.
"""

import os
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from netlab.linux.syscalls import (
    CLONE_NEWNS,
    MS_BIND,
    MS_NODEV,
    MS_NOEXEC,
    MS_NOSUID,
    MS_PRIVATE,
    MS_RDONLY,
    MS_REC,
    MS_REMOUNT,
    bind_mount,
    mount,
    pivot_root,
    umount,
    unshare,
)

SOURCE: Final = "netlab-"
"""What the root's file system is called in /proc/PID/mountinfo, as far as the lab's name."""

_PROGRAMS: Final = ("usr", "bin", "sbin", "lib", "lib32", "lib64", "libx32")
"""What a container sees of the host: on most systems one directory and links into it."""
_ETC: Final = ("alternatives", "ssl", "ld.so.cache", "localtime", "protocols", "services")
"""What a container's /etc takes from the host, because programs under /usr rely on it."""
_EMPTY: Final = ("dev", "etc", "home", "mnt", "opt", "proc", "root", "run", "sys", "tmp", "var")
_DEVICES: Final = {
    "null": (1, 3),
    "zero": (1, 5),
    "full": (1, 7),
    "random": (1, 8),
    "urandom": (1, 9),
    "tty": (5, 0),
}
_DEV_LINKS: Final = {
    "fd": "/proc/self/fd",
    "stdin": "/proc/self/fd/0",
    "stdout": "/proc/self/fd/1",
    "stderr": "/proc/self/fd/2",
    "ptmx": "pts/ptmx",
    "shm": "/run/shm",
}
_OWN: Final = ("etc", "tmp", "var")
_DIRECTORIES: Final = {
    "/run/lock": 0o755,
    "/run/shm": 0o1777,
    "/var/cache": 0o755,
    "/var/lib": 0o755,
    "/var/log": 0o755,
    "/var/tmp": 0o1777,  # noqa: S108 (the container's own)
}
"""What programs expect to find in a container, with its mode."""
_HOST_ETC: Final = "/mnt"
"""Where the template keeps the host's part of /etc."""
_NO_PROGRAMS: Final = MS_NOSUID | MS_NODEV | MS_NOEXEC


def enter_template(lab: str, root: Path) -> None:
    """Move the calling process into a new mount namespace whose root is bare.

    Args:
        lab: Whose; the root's file system is called after it, so that all who live there are found.
        root: An empty directory of the host to build the root on.

    Raises:
        OSError: The kernel refused.
    """
    unshare(CLONE_NEWNS)
    mount("none", "/", "none", MS_REC | MS_PRIVATE)
    mount(f"{SOURCE}{lab}", str(root), "tmpfs", MS_NOSUID, "mode=755,size=1m")
    # A lab's own files are root's alone; what is in a container is for all of its users.
    os.umask(0o022)
    for name in _EMPTY:
        (root / name).mkdir()
    for name in _PROGRAMS:
        _show(Path("/", name), root / name)
    for name in _ETC:
        _show(Path("/etc", name), root / _HOST_ETC[1:] / name)
    _make_devices(root / "dev")
    (root / "old").mkdir()
    pivot_root(str(root), str(root / "old"))
    os.chdir("/")
    umount("/old")
    Path("/old").rmdir()
    mount("none", "/", "none", MS_BIND | MS_REMOUNT | MS_RDONLY)


def enter_own(etc: Mapping[str, bytes]) -> None:
    """Give the calling process a container's mounts, in a copy of the template it is in.

    Args:
        etc: Files by their path below ``/etc``.

    Raises:
        OSError: The kernel refused.
    """
    # Plain system calls: what pathlib would touch of the inherited memory, every container would
    # have a copy of.
    unshare(CLONE_NEWNS)
    mount("tmpfs", "/run", "tmpfs", MS_NOSUID | MS_NODEV, "mode=755,size=256m")
    os.umask(0o022)
    for name in _OWN:
        os.mkdir(f"/run/{name}")  # noqa: PTH102
        bind_mount(f"/run/{name}", f"/{name}")
    os.umask(0)
    os.chmod("/tmp", 0o1777)  # noqa: PTH101, S103, S108 (the container's own)
    for directory, mode in _DIRECTORIES.items():
        os.mkdir(directory, mode)  # noqa: PTH102
    os.umask(0o022)
    for name in _ETC:
        if os.access(f"{_HOST_ETC}/{name}", os.F_OK):
            os.symlink(f"{_HOST_ETC}/{name}", f"/etc/{name}")  # noqa: PTH211
    for name, content in etc.items():
        _write(f"/etc/{name}", content)
    mount("proc", "/proc", "proc", _NO_PROGRAMS)
    # Settings beyond the network's belong to the whole machine.
    for name in ("/proc/sys", "/proc/sysrq-trigger"):
        if not os.access(name, os.F_OK):
            continue
        bind_mount(name, name)
        mount("none", name, "none", MS_BIND | MS_REMOUNT | MS_RDONLY | _NO_PROGRAMS)
    mount("sysfs", "/sys", "sysfs", _NO_PROGRAMS | MS_RDONLY)
    mount(
        "devpts", "/dev/pts", "devpts", MS_NOSUID | MS_NOEXEC, "newinstance,ptmxmode=0666,mode=620"
    )


def _write(path: str, content: bytes) -> None:
    directory = path.rpartition("/")[0]
    if directory != "/etc":
        os.makedirs(directory, exist_ok=True)  # noqa: PTH103
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
    os.write(descriptor, content)
    os.close(descriptor)


def _show(source: Path, target: Path) -> None:
    """Show a directory, file or link of the host at ``target``, read-only."""
    if source.is_symlink() and source.parent == Path("/"):
        target.symlink_to(source.readlink())
        return
    if not source.exists():
        return
    if source.is_dir():
        target.mkdir()
    else:
        target.touch()
    bind_mount(str(source), str(target))
    mount("none", str(target), "none", MS_BIND | MS_REMOUNT | MS_RDONLY | MS_NOSUID | MS_NODEV)


def _make_devices(dev: Path) -> None:
    (dev / "pts").mkdir()
    old_mask = os.umask(0)
    for name, (major, minor) in _DEVICES.items():
        os.mknod(dev / name, stat.S_IFCHR | 0o666, os.makedev(major, minor))
    os.umask(old_mask)
    for name, target in _DEV_LINKS.items():
        (dev / name).symlink_to(target)
