"""The machine that labs run on."""

import shutil
from pathlib import Path

from netlab.errors import HostError
from netlab.linux import iptables, nft
from netlab.model.kube_proxy import ProxyMode
from netlab.model.rundir import RUN
from netlab.model.topology import Cni, Topology

_BRIDGE_SYSCTLS = Path("/proc/sys/net/bridge")
_ROOM = 4 << 20
"""Bytes; a small lab's files take a quarter of a megabyte, and logs grow."""


def require_tools(topology: Topology) -> None:
    """Make sure that the machine has what a lab of this topology cannot do without.

    Raises:
        HostError: iptables is missing, or what the topology needs of IPv6, nft or br_netfilter.
    """
    for family in topology.families:
        iptables.require(family)
    if not set(topology.families) <= set(iptables.families()):
        raise HostError(
            "this kernel was started without IPv6",
            hint="start it without ipv6.disable=1, or take IPv6 out of spec.ipFamilies",
        )
    if topology.proxy.mode is ProxyMode.NFTABLES:
        nft.program()
    if topology.cni is Cni.BRIDGE and not _BRIDGE_SYSCTLS.exists():
        raise HostError(
            "cni: bridge needs br_netfilter, which is not loaded: replies of Services between pods "
            "of one node would pass iptables by",
            hint="use cni: ptp, or type: modprobe br_netfilter, which sends frames on this "
            "machine's own bridges (Docker's, libvirt's) through its iptables too",
        )


def require_room() -> None:
    """Make sure that a lab's files find room.

    Raises:
        HostError: The file system that they lie on is full, or nearly.
    """
    place = RUN if RUN.exists() else RUN.parent
    free = shutil.disk_usage(place).free
    if free < _ROOM:
        raise HostError(
            f"no space left on the file system of {place}: {free >> 10} KiB are free, "
            f"a lab needs {_ROOM >> 10}",
            hint=f"make room there; df -h {place} shows how much there is",
        )
