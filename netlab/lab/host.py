"""The machine that labs run on."""

import os
import shlex
import sys
from pathlib import Path

from netlab.errors import HostError
from netlab.kernel import iptables
from netlab.model.topology import Cni

_BRIDGE_SYSCTLS = Path("/proc/sys/net/bridge")


def require_root() -> None:
    """Make sure that the caller is root.

    Raises:
        HostError: It is not; the hint is the command to type instead.
    """
    if os.geteuid() != 0:
        raise HostError(
            "network namespaces need root",
            hint=f"type: sudo {shlex.join(['netlab', *sys.argv[1:]])}",
        )


def require_tools(cni: Cni) -> None:
    """Make sure that the machine has what a lab of this kind cannot do without.

    Raises:
        HostError: iptables is missing, or br_netfilter for ``cni: bridge``.
    """
    for name in ("iptables-restore", "iptables-save"):
        iptables.program(name)
    if cni is Cni.BRIDGE and not _BRIDGE_SYSCTLS.exists():
        raise HostError(
            "cni: bridge needs br_netfilter, which is not loaded: replies of Services between pods "
            "of one node would pass iptables by",
            hint="type: modprobe br_netfilter (it acts on every bridge of this machine), "
            "or use cni: ptp",
        )
