"""A mount namespace in which nothing can be changed, for a program that untrusted ones can see.

Theory of operation
-------------------
/proc/PID/exe and /proc/PID/map_files lead past a container's own root to the very file that a
process runs, through the mount by which it was executed: whoever owns that file may change its
mode, its owner and its contents by them (CVE-2019-5736). Neither the place nor the owner of the
file can help, but the mount can: what was executed in a namespace whose mounts are all read-only
is read-only by every way that leads to it. The mounts are this namespace's own, so the host's stay
as they are.
"""

import errno
import os
from pathlib import Path
from typing import Final

from netlab.linux.namespaces import unshare
from netlab.linux.syscalls import (
    CLONE_NEWNS,
    MOUNT_ATTR_RDONLY,
    MS_BIND,
    MS_NODEV,
    MS_NOEXEC,
    MS_NOSUID,
    MS_PRIVATE,
    MS_RDONLY,
    MS_REC,
    MS_REMOUNT,
    mount,
    mount_setattr,
)

_FLAGS: Final = {"nosuid": MS_NOSUID, "nodev": MS_NODEV, "noexec": MS_NOEXEC}
_ESCAPES: Final = {r"\040": " ", r"\011": "\t", r"\012": "\n", r"\134": "\\"}


def enter_read_only() -> None:
    """Move the calling process into a copy of its mount namespace where every mount is read-only.

    Raises:
        OSError: The kernel refused.
    """
    unshare(CLONE_NEWNS)
    mount("none", "/", "none", MS_REC | MS_PRIVATE)
    try:
        mount_setattr("/", MOUNT_ATTR_RDONLY)
    except OSError as error:
        if error.errno != errno.ENOSYS:
            raise
        remount_each()


def remount_each() -> None:
    """Make every mount read-only, one by one, as kernels before 5.12 want it."""
    for line in Path("/proc/self/mountinfo").read_text().splitlines():
        target, options = line.split()[4:6]
        for escape, character in _ESCAPES.items():
            target = target.replace(escape, character)
        kept = sum(_FLAGS.get(option, 0) for option in options.split(","))
        try:
            mount("none", target, "none", MS_BIND | MS_REMOUNT | MS_RDONLY | kept)
        except OSError as error:
            # A mount that another one covers has no path; nothing is executed by it either.
            if error.errno not in {errno.EINVAL, errno.ENOENT, errno.EACCES}:
                raise


def is_read_only(path: str) -> bool:
    """Return whether the mount that ``path`` is in is read-only."""
    return bool(os.statvfs(path).f_flag & os.ST_RDONLY)
