"""The netfilter subsystems over netlink: conntrack, logging, nftables.

Their messages have a header of four bytes, which names the address family.

Source: Linux, include/uapi/linux/netfilter/nfnetlink.h.
"""

import struct
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from netlab.linux import netlink_messages
from netlab.linux.netlink import NETLINK_NETFILTER, NetlinkSocket, raise_for
from netlab.linux.netlink_messages import numbered

if TYPE_CHECKING:
    from netlab.linux.packet_ring import Enter
    from netlab.model.hosts import Host

NFNL_MSG_BATCH_BEGIN, NFNL_MSG_BATCH_END = 16, 17
NFNL_SUBSYS_CTNETLINK, NFNL_SUBSYS_ULOG, NFNL_SUBSYS_NFTABLES = 1, 4, 10
_FAMILY: Final = struct.Struct(">BBH")


def request(kind: int, family: int, body: bytes = b"", flags: int = 0) -> bytes:
    """Return the bytes of one request.

    Args:
        kind: Subsystem << 8 | message type.
        family: The address family, or ``AF_UNSPEC``.
        body: The attributes.
        flags: ``NLM_F_*``.
    """
    return netlink_messages.request(kind, _FAMILY.pack(family, 0, 0) + body, flags)


_BEGIN, _END = (
    netlink_messages.request(kind, _FAMILY.pack(0, 0, NFNL_SUBSYS_NFTABLES))
    for kind in (NFNL_MSG_BATCH_BEGIN, NFNL_MSG_BATCH_END)
)


def open_netfilter(host: "Host", enter: "Enter", groups: Sequence[int] = ()) -> NetlinkSocket:
    """Return a socket to the netfilter subsystems that stays in the namespace of ``host``.

    Args:
        host: Whose netfilter to speak to.
        enter: Moves this thread into that namespace; used while opening only.
        groups: Multicast groups to hear (``NFNLGRP_*``).

    Raises:
        FileNotFoundError: The namespace is gone.
        OSError: The kernel refused.
    """
    with enter(host.netns):
        return NetlinkSocket(NETLINK_NETFILTER, groups)


def transact(opened: NetlinkSocket, requests: Sequence[bytes]) -> None:
    """Have nftables do all of ``requests`` as one transaction, or none.

    Raises:
        OSError: It did none; the first reason.
    """
    asked = b"".join(numbered(one, number) for number, one in enumerate(requests, 1))
    errors = opened.exchange(_BEGIN + asked + _END, len(requests))
    raise_for(next((number for _, number in errors if number), 0))
