"""The one kernel module that a lab may need and that nothing loads by using it: br_netfilter.

Every other loads at the first use of what it holds. This one changes more than a lab: when it is
loaded, every namespace of the machine begins to send the frames on its bridges through iptables. So
it is loaded for labs that need it alone, and switched off at once for the caller's own namespace,
whose bridges go on as before; new namespaces begin with it on.

Source: Linux, net/bridge/br_netfilter_hooks.c (brnf_sysctl_default).
"""

import shutil
import subprocess
from pathlib import Path
from typing import Final

from netlab.linux import user_namespace

SETTINGS: Final = Path("/proc/sys/net/bridge")
_MODULES_DISABLED: Final = Path("/proc/sys/kernel/modules_disabled")
_NAME: Final = "br_netfilter"
_CALLS: Final = ("arptables", "ip6tables", "iptables")


def is_loaded() -> bool:
    """Return whether the kernel has it, built in or loaded."""
    return SETTINGS.exists()


def obstacle() -> str:
    """Return why root cannot load it here, as well as can be told beforehand; empty if root can."""
    if modules_are_off():
        return "kernel.modules_disabled is 1"
    if not user_namespace.is_initial():
        return f"only root of the machine may load it, with: sudo modprobe {_NAME}"
    return _modprobe("--dry-run")


def modules_are_off() -> bool:
    """Return whether the kernel loads no module any more until the next boot."""
    return _MODULES_DISABLED.exists() and _MODULES_DISABLED.read_text().strip() == "1"


def load() -> None:
    """Load it, and switch it off for the bridges of this process's network namespace.

    Raises:
        OSError: It cannot be loaded; the words say why.
    """
    refused = obstacle() or _modprobe()
    if refused:
        raise OSError(refused)
    for tool in _CALLS:
        (SETTINGS / f"bridge-nf-call-{tool}").write_text("0\n")


def _modprobe(*options: str) -> str:
    """Call modprobe; return the last line of what it complains of, or nothing."""
    program = shutil.which("modprobe", path="/usr/sbin:/sbin:/usr/bin:/bin")
    if program is None:
        return "there is no program modprobe here (apt-get install kmod)"
    done = subprocess.run(
        [program, *options, _NAME], capture_output=True, text=True, check=False, timeout=60
    )
    if done.returncode == 0:
        return ""
    said = done.stderr.strip().rpartition("\n")[2].removeprefix("modprobe: ")
    return said or f"modprobe ended with exit code {done.returncode}"
