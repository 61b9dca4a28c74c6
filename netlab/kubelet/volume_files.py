"""Volumes on disk, as the kubelet keeps them: changed as a whole, or not at all.

Theory of operation
-------------------
The files of a volume lie in a directory called after the time; ``..data`` is a link to it, and what
a container sees are links through ``..data``. To change the volume is to write another directory
and to put another ``..data`` in the place of the old one, by one rename. A file that a container
mounted by itself (``subPath``) stays as it was, as in Kubernetes.

An emptyDir is a tmpfs of its own: it cannot fill what others need, and what is in it is no program
with rights and no device.

Source: Kubernetes, ``pkg/volume/util/atomic_writer.go``.
"""

import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from netlab.kubelet.volumes import File
from netlab.linux.syscalls import MS_NODEV, MS_NOSUID, mount

_DATA: Final = "..data"


def write_volume(directory: Path, files: Mapping[str, File], group: int | None) -> bool:
    """Have a volume hold these files and no others.

    Args:
        directory: The volume's; made where it is missing.
        files: By path.
        group: Whose the files are to be (fsGroup), and may be read by; None for root's.

    Returns:
        Whether there was anything to change.

    Raises:
        OSError: The disk is full.
        ValueError: A path leads out of the volume.
    """
    for path in files:
        _require_below(path)
    data = directory / _DATA
    if _held(data) == {path: (one.content, _mode(one, group)) for path, one in files.items()}:
        return False
    directory.mkdir(mode=0o755, parents=True, exist_ok=True)
    directory.chmod(0o755)
    number = int(data.readlink().name.removeprefix("..") or 0) + 1 if data.is_symlink() else 1
    new = directory / f"..{number}"
    shutil.rmtree(new, ignore_errors=True)
    new.mkdir(mode=0o755)
    new.chmod(0o755)
    for path, one in files.items():
        _write(new, path, one, group)
    old = data.readlink() if data.is_symlink() else None
    link = directory / "..data_tmp"
    link.unlink(missing_ok=True)
    link.symlink_to(new.name)
    link.rename(data)
    _link(directory, {path.split("/")[0] for path in files})
    if old is not None:
        shutil.rmtree(directory / old, ignore_errors=True)
    return True


def make_empty_dir(directory: Path, size: int, group: int | None) -> None:
    """Mount an empty directory for a pod, unless it is there.

    Raises:
        OSError: The kernel refused.
    """
    directory.mkdir(mode=0o755, parents=True, exist_ok=True)
    if directory.is_mount():
        return
    options = f"mode={2777 if group is not None else 777},size={size}"
    if group is not None:
        options += f",gid={group}"
    mount("netlab", str(directory), "tmpfs", MS_NOSUID | MS_NODEV, options)


def _require_below(path: str) -> None:
    """Make sure that a path names a file of the volume, whatever let it in."""
    leads_out = path.startswith(("/", "..")) or ".." in path.split("/")
    if leads_out or not path or "\0" in path:
        raise ValueError(f"{path!r} is no path in a volume")


def _held(data: Path) -> dict[str, tuple[bytes, int]] | None:
    """Return the files that a volume holds, with their modes; None where there is none yet."""
    if not data.is_symlink():
        return None
    found = {}
    for path in data.rglob("*"):
        if path.is_file():
            name = str(path.relative_to(data))
            found[name] = (path.read_bytes(), path.stat().st_mode & 0o777)
    return found


def _write(directory: Path, name: str, file: File, group: int | None) -> None:
    path = directory / name
    for above in reversed(path.relative_to(directory).parents[:-1]):
        (directory / above).mkdir(mode=0o755, exist_ok=True)
        (directory / above).chmod(0o755)
    path.write_bytes(file.content)
    if group is not None:
        os.chown(path, -1, group)
    path.chmod(_mode(file, group))


def _mode(file: File, group: int | None) -> int:
    return file.mode | (0o440 if group is not None else 0)


def _link(directory: Path, names: set[str]) -> None:
    for path in directory.iterdir():
        if not path.name.startswith("..") and path.name not in names:
            path.unlink()
    for name in names:
        if not (directory / name).is_symlink():
            (directory / name).symlink_to(f"{_DATA}/{name}")
