"""The machine that labs run on."""

import shutil
from collections.abc import Callable

from netlab.errors import HostError
from netlab.linux import br_netfilter, iptables
from netlab.model.kube_proxy import ProxyMode
from netlab.model.rundir import RUN
from netlab.model.topology import Cni, Topology

_ROOM = 4 << 20
"""Bytes; a small lab's files take a quarter of a megabyte, and logs grow."""


def require_tools(topology: Topology, tell: Callable[[str], None]) -> None:
    """Make sure that the machine has what a lab of this topology cannot do without.

    br_netfilter is loaded where it is needed and missing; what that changes is told before.

    Args:
        topology: Of the lab.
        tell: Is told what is done to the machine.

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
        from netlab.linux import nft  # noqa: PLC0415 (for this mode alone)

        nft.program()
    if topology.cni is Cni.BRIDGE and not br_netfilter.is_loaded():
        _load_br_netfilter(tell)


def _load_br_netfilter(tell: Callable[[str], None]) -> None:
    obstacle = br_netfilter.obstacle()
    if not obstacle:
        tell(
            "loading the kernel module br_netfilter, which cni: bridge needs. It would send frames "
            "on this machine's own bridges (Docker's, libvirt's) through iptables too: it is "
            "switched off for them (net.bridge.bridge-nf-call-iptables=0), and stays loaded"
        )
        try:
            br_netfilter.load()
        except OSError as error:
            obstacle = str(error)
    if obstacle:
        raise HostError(
            "cni: bridge needs the kernel module br_netfilter: replies of Services between pods of "
            f"one node would pass iptables by. It cannot be loaded here: {obstacle}",
            hint="use cni: ptp; or, as root of the machine itself, type: modprobe br_netfilter",
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
