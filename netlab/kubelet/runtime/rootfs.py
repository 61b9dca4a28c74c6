"""The file systems that a container sees.

Theory of operation
-------------------
A mount namespace is a copy of its parent's mounts, and a lab's thousand namespaces are a thousand
mounts on the host: containers made straight from the host's mounts would cost a million. So the
zygote lives in a *template*, which holds a bare root (the host's programs read-only, device nodes)
and nothing else of the host. Each container takes a copy of its dozen mounts, moves them into a
small tmpfs of its own, where it may write, and adds ``/proc`` of its own pid namespace and ``/sys``
of its own network. A container with a root file system of its own has an overlay instead: that
below, read-only, and what it writes in the tmpfs above.

In a user namespace the kernel mounts a new ``/proc`` or ``/sys`` only where a whole one is in view,
and makes no device nodes. So there the template has one of each out of the way, which a container's
root, and so the container, has not; and its devices are the machine's, mounted.
"""

import errno
import os
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Final, NamedTuple

from netlab.kubelet.runtime.applets import APPLETS, BUSYBOX
from netlab.linux import user_namespace
from netlab.linux.namespaces import unshare
from netlab.linux.syscalls import (
    CLONE_NEWNS,
    MS_BIND,
    MS_NODEV,
    MS_NOEXEC,
    MS_NOSUID,
    MS_RDONLY,
    MS_REC,
    MS_REMOUNT,
    bind_mount,
    mount,
    move_mount,
    move_mount_at,
    pivot_root,
    umount,
)

SOURCE: Final = "netlab-"
"""What the root's file system is called in /proc/PID/mountinfo, as far as the lab's name."""

_PROGRAMS: Final = ("usr", "bin", "sbin", "lib", "lib32", "lib64", "libx32")
"""What a container sees of the host: on most systems one directory and links into it."""
_ETC: Final = ("alternatives", "ssl", "ld.so.cache", "localtime", "protocols", "services")
"""What a container's /etc takes from the host, because programs under /usr rely on it."""
_EMPTY: Final = (
    "etc",
    "home",
    "media",
    "mnt",
    "opt",
    "proc",
    "root",
    "run",
    "run/lock",
    "run/shm",
    "srv",
    "sys",
    "tmp",
    "var",
    "var/cache",
    "var/lib",
    "var/log",
    "var/tmp",
)
"""Directories of a container's own."""
_FOR_ALL: Final = ("run/shm", "tmp", "var/tmp")
_FOR_ROOT: Final = "root"
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
_NETLAB: Final = ".netlab"
"""What containers have of netlab: the host's part of /etc, and programs under other names."""
_PYTHON: Final = "/usr/bin/python3"
_OWN: Final = "own"
"""Where a container builds its root."""
_COVER: Final = "/.cover"
_MOST_COVERED: Final = 64
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
_WHOLE: Final = {"proc": ".proc", "sysfs": ".sys"}
"""Where the template has a whole one of these file systems."""


class Template(NamedTuple):
    """What a container's root is made of, beside its own."""

    source: str
    """What its file system is called in /proc/PID/mountinfo."""
    mounts: tuple[str, ...]
    """Directories of the template that are mounts."""
    links: tuple[tuple[str, str], ...]
    """Links, and where they lead."""


def enter_template(lab: str, directory: str) -> Template:
    """Make the root of the mount namespace that the calling process is in, its own, a bare one.

    Args:
        lab: Whose; the root's file system is called after it, so that all who live there are found.
        directory: An empty directory of the host to build the root on.

    Raises:
        OSError: The kernel refused.
    """
    source = f"{SOURCE}{lab}"
    mount(source, directory, "tmpfs", MS_NOSUID, "mode=755,size=1m")
    root = Path(directory)
    # A lab's own files are root's alone; what is in a container is for all of its users.
    os.umask(0o022)
    links = []
    mounts = []
    for name in _PROGRAMS:
        path = Path("/", name)
        if path.is_symlink():
            (root / name).symlink_to(path.readlink())
            links.append((name, str(path.readlink())))
        elif path.exists():
            _show(path, root / name)
            mounts.append(name)
    for name in (_NETLAB, "dev"):
        (root / name).mkdir()
        bind_mount(str(root / name), str(root / name))
        mounts.append(name)
    _equip(root / _NETLAB)
    for name in _ETC:
        _show(Path("/etc", name), root / _NETLAB / "etc" / name)
    _make_devices(root / "dev")
    for name in (_NOTHING, _OWN, "old"):
        (root / name).mkdir()
    for name in (_NETLAB, "dev"):
        remount_read_only(str(root / name), MS_NOSUID)
    _mount_whole(root)
    pivot_root(directory, f"{directory}/old")
    os.chdir("/")
    umount("/old")
    Path("/old").rmdir()
    mount("none", "/", "none", MS_BIND | MS_REMOUNT | MS_RDONLY)
    return Template(source, tuple(mounts), tuple(links))


def _mount_whole(root: Path) -> None:
    """Have a whole /proc and a whole /sys in the template, where new ones are allowed by them."""
    if user_namespace.is_initial():
        return
    for fstype, name in _WHOLE.items():
        (root / name).mkdir()
        # Where that in view is read-only, as in a container, new ones have to be.
        read_only = MS_RDONLY if fstype == "sysfs" else 0
        mount(fstype, str(root / name), fstype, _NO_PROGRAMS | read_only)


def _equip(directory: Path) -> None:
    """Make the names by which containers find programs."""
    for name in ("etc", "applets", "links"):
        (directory / name).mkdir()
    if os.access(BUSYBOX, os.X_OK):
        for name in APPLETS:
            (directory / "applets" / name).symlink_to(BUSYBOX)
    (directory / "links" / "python").symlink_to(_PYTHON)


def enter_own(template: Template, etc: Mapping[str, bytes], base: int | None = None) -> None:
    """Give the calling process a root of its own, in a copy of the template it is in.

    Args:
        template: What the calling process is in.
        etc: Files by their path below ``/etc``.
        base: A copy of the mount of the root file system that it is to have, as ``open_tree`` gives
            it; None for the programs of the template.

    Raises:
        OSError: The kernel refused.
    """
    # Plain system calls: what pathlib would touch of the inherited memory, every container would
    # have a copy of.
    unshare(CLONE_NEWNS)
    root = f"/{_OWN}"
    mount(template.source, root, "tmpfs", MS_NOSUID | MS_NODEV, "mode=755,size=256m")
    os.umask(0o022)
    if base is None:
        _fill(root, template)
    else:
        root = _overlay(root, base)
    for name, content in etc.items():
        _write(f"{root}/etc", name, content)
    mount("proc", f"{root}/proc", "proc", _NO_PROGRAMS)
    mount("sysfs", f"{root}/sys", "sysfs", _NO_PROGRAMS | MS_RDONLY)
    options = "newinstance,ptmxmode=0666,mode=620"
    mount("devpts", f"{root}/dev/pts", "devpts", MS_NOSUID | MS_NOEXEC, options)
    _protect(root)
    os.chdir(root)
    pivot_root(".", ".")
    # The old root is now mounted over the new one, at the same place.
    umount(".")
    os.chdir("/")


def _fill(root: str, template: Template) -> None:
    """Put the template's programs into an empty root, and what else there has to be."""
    for name in _EMPTY:
        os.mkdir(f"{root}/{name}")  # noqa: PTH102
    for name in _FOR_ALL:
        os.chmod(f"{root}/{name}", 0o1777)  # noqa: PTH101, S103 (the container's own)
    os.chmod(f"{root}/{_FOR_ROOT}", 0o700)  # noqa: PTH101
    for name, target in template.links:
        os.symlink(target, f"{root}/{name}")  # noqa: PTH211
    for name in template.mounts:
        os.mkdir(f"{root}/{name}")  # noqa: PTH102
        move_mount_at(f"/{name}", f"{root}/{name}")
    for name in _ETC:
        if os.access(f"{root}/{_NETLAB}/etc/{name}", os.F_OK):
            os.symlink(f"/{_NETLAB}/etc/{name}", f"{root}/etc/{name}")  # noqa: PTH211


def _overlay(own: str, base: int) -> str:
    """Return a root over a root file system: what is written there lies in ``own``."""
    lower, upper, work, root = (f"{own}/{name}" for name in ("lower", "upper", "work", "root"))
    for directory in (lower, upper, work, root):
        os.mkdir(directory)  # noqa: PTH102
    move_mount(base, lower)
    remount_read_only(lower)
    options = f"lowerdir={lower},upperdir={upper},workdir={work}"
    mount("overlay", root, "overlay", MS_NOSUID | MS_NODEV, options)
    for name in ("dev", "etc", "proc", "sys", "tmp", _NETLAB):
        if not os.access(f"{root}/{name}", os.F_OK):
            os.mkdir(f"{root}/{name}")  # noqa: PTH102
    os.chmod(f"{root}/tmp", 0o1777)  # noqa: PTH101, S103, S108 (the container's own)
    for name in ("dev", _NETLAB):
        move_mount_at(f"/{name}", f"{root}/{name}")
    return root


def _protect(root: str) -> None:
    """Cover what tells of the machine, and make read-only what would change it."""
    for path in _READ_ONLY:
        name = f"{root}{path}"
        if os.access(name, os.F_OK):
            bind_mount(name, name)
            remount_read_only(name, _NO_PROGRAMS)
    for path in _MASKED:
        name = f"{root}{path}"
        try:
            mode = os.stat(name).st_mode  # noqa: PTH116
        except OSError:
            continue
        bind_mount(f"/{_NOTHING}" if stat.S_ISDIR(mode) else f"{root}/dev/null", name)


def remount_read_only(target: str, flags: int = MS_NOSUID | MS_NODEV) -> None:
    """Make the mount at ``target`` read-only; what it forbids already stays forbidden.

    Raises:
        OSError: The kernel refused.
    """
    # In a user namespace the kernel refuses to allow what the machine's own mount forbids.
    kept = os.statvfs(target).f_flag & _NO_PROGRAMS
    mount("none", target, "none", MS_BIND | MS_REMOUNT | MS_RDONLY | flags | kept)


def make_target(path: str, source: int) -> None:
    """Make what a mount is to be put upon, a directory or an empty file, unless it is there.

    What lies among the host's programs cannot be made there, but a directory of the container's own
    can cover that of the host.

    Args:
        path: In the container.
        source: A descriptor of what is mounted.

    Raises:
        OSError: It cannot be made, because what it lies in is read-only.
    """
    if os.access(path, os.F_OK):
        return
    parent = path.rpartition("/")[0] or "/"
    is_directory = stat.S_ISDIR(os.stat(source).st_mode)
    _make_directories(path if is_directory else parent)
    if not is_directory:
        _make_file(path)


def _make_file(path: str) -> None:
    flags = os.O_CREAT | os.O_WRONLY | os.O_CLOEXEC
    try:
        descriptor = os.open(path, flags, 0o644)
    except OSError as error:
        if error.errno != errno.EROFS:
            raise
        _cover(path.rpartition("/")[0] or "/")
        descriptor = os.open(path, flags, 0o644)
    os.close(descriptor)


def _make_directories(path: str) -> None:
    try:
        os.makedirs(path, exist_ok=True)  # noqa: PTH103
    except OSError as error:
        above = path
        while not os.access(above, os.F_OK):
            above = above.rpartition("/")[0] or "/"
        if error.errno != errno.EROFS:
            raise
        _cover(above)
        os.makedirs(path, exist_ok=True)  # noqa: PTH103


def _cover(directory: str) -> None:
    """Put a directory of the container's own over one of the host's, with the same in it."""
    names = os.listdir(directory)  # noqa: PTH208
    if len(names) > _MOST_COVERED:
        raise OSError(errno.EROFS, os.strerror(errno.EROFS), directory)
    os.mkdir(_COVER)  # noqa: PTH102
    mount("tmpfs", _COVER, "tmpfs", MS_NOSUID | MS_NODEV, "mode=755,size=1m")
    for name in names:
        source, target = f"{directory}/{name}", f"{_COVER}/{name}"
        mode = os.lstat(source).st_mode
        if stat.S_ISLNK(mode):
            os.symlink(os.readlink(source), target)  # noqa: PTH115, PTH211
            continue
        if stat.S_ISDIR(mode):
            os.mkdir(target)  # noqa: PTH102
        else:
            os.close(os.open(target, os.O_CREAT | os.O_WRONLY | os.O_CLOEXEC, 0o644))
        bind_mount(source, target)
    move_mount_at(_COVER, directory)
    os.rmdir(_COVER)  # noqa: PTH106


def show_root(path: str) -> None:
    """Show the root that the calling process is in at ``path`` as well, with all mounts in it.

    Raises:
        OSError: The kernel refused.
    """
    os.makedirs(path, exist_ok=True)  # noqa: PTH103
    mount("/", path, "none", MS_BIND | MS_REC)


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
    remount_read_only("/")


def _write(directory: str, name: str, content: bytes) -> None:
    above = name.rpartition("/")[0]
    if above:
        os.makedirs(f"{directory}/{above}", exist_ok=True)  # noqa: PTH103
    if os.path.islink(f"{directory}/{name}"):  # noqa: PTH114
        # A root file system's own: it leads to where the file would be on the machine it is of.
        os.unlink(f"{directory}/{name}")  # noqa: PTH108
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
    descriptor = os.open(f"{directory}/{name}", flags, 0o644)
    os.write(descriptor, content)
    os.close(descriptor)


def _show(source: Path, target: Path) -> None:
    """Show a directory or file of the host at ``target``, read-only."""
    if not source.exists():
        return
    if source.is_dir():
        target.mkdir()
    else:
        target.touch()
    bind_mount(str(source), str(target))
    remount_read_only(str(target))


def _make_devices(dev: Path) -> None:
    (dev / "pts").mkdir()
    # What the kubelet mounts in a container by default; an empty file where it does not.
    (dev / "termination-log").touch()
    old_mask = os.umask(0)
    for name, (major, minor) in _DEVICES.items():
        try:
            os.mknod(dev / name, stat.S_IFCHR | 0o666, os.makedev(major, minor))
        except PermissionError:
            (dev / name).touch()
            bind_mount(f"/dev/{name}", str(dev / name))
    os.umask(old_mask)
    for name, target in _DEV_LINKS.items():
        (dev / name).symlink_to(target)
