"""Why the machine does not let an ordinary user have namespaces, and the way out.

The kernel says EPERM or ENOSPC and no more; what it means is in the settings that forbid it.
"""

import errno
import shlex
import sys
from pathlib import Path
from typing import Final

from netlab.errors import HostError

_SYS: Final = Path("/proc/sys")
_LIMIT: Final = "user/max_user_namespaces"
_CLONE: Final = "kernel/unprivileged_userns_clone"
_APPARMOR: Final = "kernel/apparmor_restrict_unprivileged_userns"
_UNCONFINED: Final = (
    "in a container, start it with a seccomp profile that allows unshare and mount "
    "(--security-opt seccomp=unconfined)"
)
_RAISE: Final = "end what holds them (lsns), or raise the limit with sysctl -w"
_LIMITS: Final = ("user", "mnt", "pid", "net")


def refused(error: OSError, step: str, settings: Path = _SYS) -> HostError:
    """Return what to tell the user.

    Args:
        error: What the kernel said.
        step: ``user`` for the user namespace itself, ``proc`` for a new /proc in it, or what else
            was to be done in it.
        settings: /proc/sys.
    """
    cause, way_out = _cause(error, step, settings)
    command = shlex.join(["netlab", *sys.argv[1:]])
    return HostError(
        f"a lab of an ordinary user needs a user namespace, and {cause}",
        hint=f"{way_out}, or type: sudo {command}" if way_out else f"type: sudo {command}",
    )


def _cause(error: OSError, step: str, settings: Path) -> tuple[str, str]:
    if _setting(settings, _APPARMOR) == "1" and error.errno in {errno.EPERM, errno.EACCES}:
        cause = "AppArmor takes from it what a lab needs"
        return f"{cause}: {_APPARMOR.replace('/', '.')} is 1", _sysctl(_APPARMOR, 0)
    if step == "proc":
        cause = f"the kernel mounts no /proc in it ({error.strerror})"
        way_out = "start the container with --security-opt systempaths=unconfined"
        return f"{cause}: parts of the one here are covered, as container engines do", way_out
    if step == "its IDs" and error.errno == errno.EPERM:
        cause = "the kernel does not let root of a container without CAP_SETFCAP be root there"
        return cause, "be another user than root in the container"
    if error.errno in {errno.ENOSPC, errno.EUSERS} and _setting(settings, _LIMIT) != "0":
        return f"a limit of namespaces is reached: {_limits(settings)}", _RAISE
    if step != "user":
        return f"the kernel refuses {step} in it: {error.strerror}", ""
    return _no_user_namespace(error, settings)


def _no_user_namespace(error: OSError, settings: Path) -> tuple[str, str]:
    cause, way_out = f"the kernel refuses it: {error.strerror}", _UNCONFINED
    if _setting(settings, _LIMIT) == "0":
        cause, way_out = "this machine allows none: user.max_user_namespaces is 0", _sysctl(_LIMIT)
    elif _setting(settings, _CLONE) == "0":
        cause = "this machine allows them to root alone: kernel.unprivileged_userns_clone is 0"
        way_out = _sysctl(_CLONE, 1)
    elif error.errno == errno.EINVAL:
        cause, way_out = "this kernel has none (CONFIG_USER_NS)", ""
    return cause, way_out


def _sysctl(name: str, value: int = 10000) -> str:
    return f"sudo sysctl -w {name.replace('/', '.')}={value}"


def _limits(settings: Path) -> str:
    names = [f"user/max_{kind}_namespaces" for kind in _LIMITS]
    return ", ".join(f"{name.replace('/', '.')} is {_setting(settings, name)}" for name in names)


def _setting(settings: Path, name: str) -> str:
    try:
        return (settings / name).read_text().strip()
    except OSError:
        return ""
