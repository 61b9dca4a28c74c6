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
    MS_RDONLY,
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
_NOTHING: Final = "empty"
"""A directory of the template that covers others."""
_READ_ONLY: Final = ("/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger")
_MASKED: Final = (
    "/proc/acpi",
    "/proc/asound",
    "/proc/interrupts",
    "/proc/kcore",
    "/proc/keys",
    "/proc/latency_stats",
    "/proc/scsi",
    "/proc/sched_debug",
    "/proc/timer_list",
    "/proc/timer_stats",
    "/sys/devices/virtual/powercap",
    "/sys/firmware",
)
"""Source: containerd, ``pkg/oci/spec.go``; moby, ``oci/defaults.go``."""
_NO_PROGRAMS: Final = MS_NOSUID | MS_NODEV | MS_NOEXEC


def enter_template(lab: str, directory: str) -> None:
    """Make the root of the mount namespace that the calling process is in, its own, a bare one.

    Args:
        lab: Whose; the root's file system is called after it, so that all who live there are found.
        directory: An empty directory of the host to build the root on.

    Raises:
        OSError: The kernel refused.
    """
    mount(f"{SOURCE}{lab}", directory, "tmpfs", MS_NOSUID, "mode=755,size=1m")
    root = Path(directory)
    # A lab's own files are root's alone; what is in a container is for all of its users.
    os.umask(0o022)
    for name in _EMPTY:
        (root / name).mkdir()
    for name in _PROGRAMS:
        _show(Path("/", name), root / name)
    for name in _ETC:
        _show(Path("/etc", name), root / _HOST_ETC[1:] / name)
    _make_devices(root / "dev")
    for name in (_NOTHING, "old"):
        (root / name).mkdir()
    pivot_root(directory, f"{directory}/old")
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
    mount("sysfs", "/sys", "sysfs", _NO_PROGRAMS | MS_RDONLY)
    mount(
        "devpts", "/dev/pts", "devpts", MS_NOSUID | MS_NOEXEC, "newinstance,ptmxmode=0666,mode=620"
    )
    _protect()


def _protect() -> None:
    """Cover what tells of the machine, and make read-only what would change it."""
    for name in _READ_ONLY:
        if os.access(name, os.F_OK):
            bind_mount(name, name)
            remount_read_only(name, _NO_PROGRAMS)
    for name in _MASKED:
        try:
            mode = os.stat(name).st_mode  # noqa: PTH116
        except OSError:
            continue
        bind_mount(f"/{_NOTHING}" if stat.S_ISDIR(mode) else "/dev/null", name)


def remount_read_only(target: str, flags: int = MS_NOSUID | MS_NODEV) -> None:
    """Make the mount at ``target`` read-only.

    Raises:
        OSError: The kernel refused.
    """
    mount("none", target, "none", MS_BIND | MS_REMOUNT | MS_RDONLY | flags)


def make_target(path: str, source: int) -> None:
    """Make what a mount is to be put upon, a directory or an empty file, unless it is there.

    Args:
        path: In the container.
        source: A descriptor of what is mounted.

    Raises:
        OSError: It cannot be made, because what it lies in is read-only.
    """
    if os.access(path, os.F_OK):
        return
    if stat.S_ISDIR(os.stat(source).st_mode):
        os.makedirs(path, exist_ok=True)  # noqa: PTH103
        return
    os.makedirs(path.rpartition("/")[0] or "/", exist_ok=True)  # noqa: PTH103
    os.close(os.open(path, os.O_CREAT | os.O_WRONLY | os.O_CLOEXEC, 0o644))


def make_working_directory(path: str) -> None:
    """Make the directory that a container begins in, unless it is there.

    Raises:
        OSError: It cannot be made, because what it lies in is read-only.
    """
    if not os.access(path, os.F_OK):
        os.makedirs(path, exist_ok=True)  # noqa: PTH103


def close_root() -> None:
    """Make the container's own files read-only too (readOnlyRootFilesystem).

    Raises:
        OSError: The kernel refused.
    """
    for name in ("/run", *(f"/{own}" for own in _OWN)):
        remount_read_only(name)


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
