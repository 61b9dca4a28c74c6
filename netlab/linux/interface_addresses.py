"""The addresses of a namespace's interfaces, as ``ip address`` lists them.

Source: rtnetlink(7), RTM_GETADDR.
"""

import socket
import struct
from ipaddress import ip_address
from typing import Final

from netlab.linux.nfnetlink import NLM_F_DUMP, NLM_F_REQUEST, NLMSG_DONE, attributes, messages
from netlab.linux.packet_ring import Enter
from netlab.model.addresses import Address
from netlab.model.names import NetnsName

RTM_GETADDR: Final = 22
IFA_ADDRESS, IFA_LOCAL = 1, 2
_HEADER: Final = struct.Struct("=IHHII")
_IFADDRMSG: Final = struct.Struct("=BBBBI")


def read_addresses(
    netns: NetnsName, enter: Enter, version: int = 4
) -> dict[str, tuple[Address, ...]]:
    """Return the addresses of each interface but ``lo`` in the kernel's order.

    Raises:
        FileNotFoundError: The namespace is gone.
        OSError: The kernel refused.
    """
    family = socket.AF_INET if version == 4 else socket.AF_INET6
    with enter(netns):
        opened = socket.socket(
            socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, socket.NETLINK_ROUTE
        )
        names = dict(socket.if_nameindex())
    found: dict[str, tuple[Address, ...]] = {}
    with opened:
        length = _HEADER.size + _IFADDRMSG.size
        header = _HEADER.pack(length, RTM_GETADDR, NLM_F_REQUEST | NLM_F_DUMP, 1, 0)
        opened.send(header + _IFADDRMSG.pack(family, 0, 0, 0, 0))
        while True:
            for message in messages(opened.recv(1 << 18)):
                if message.kind == NLMSG_DONE:
                    return found
                index = _IFADDRMSG.unpack_from(message.payload)[4]
                told = attributes(message.payload[_IFADDRMSG.size :])
                # At the end of a point-to-point link, IFA_ADDRESS is the peer's.
                content = told.get(IFA_LOCAL) or told.get(IFA_ADDRESS)
                name = names.get(index, "")
                if content and name not in {"", "lo"}:
                    found[name] = (*found.get(name, ()), ip_address(content))
