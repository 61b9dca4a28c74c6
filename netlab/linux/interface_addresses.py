"""The addresses of a namespace's interfaces, as ``ip address`` lists them.

Source: rtnetlink(7), RTM_GETADDR.
"""

import socket
from ipaddress import ip_address

from netlab.linux.netlink import NetlinkSocket
from netlab.linux.netlink_messages import NLM_F_DUMP, request
from netlab.linux.packet_ring import Enter
from netlab.linux.rtnetlink import IFA_ADDRESS, IFA_LOCAL, IFADDRMSG, RTM_GETADDR
from netlab.model.addresses import Address
from netlab.model.names import NetnsName


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
        opened = NetlinkSocket()
        names = dict(socket.if_nameindex())
    with opened:
        body = IFADDRMSG.pack(family, 0, 0, 0, 0)
        answers = opened.ask(request(RTM_GETADDR, body, NLM_F_DUMP))
    found: dict[str, tuple[Address, ...]] = {}
    for message in answers:
        index = IFADDRMSG.unpack_from(message.payload)[4]
        attributes = message.attributes(IFADDRMSG.size)
        # At the end of a point-to-point link, IFA_ADDRESS is the peer's.
        content = attributes.get(IFA_LOCAL) or attributes.get(IFA_ADDRESS)
        name = names.get(index, "")
        if content and name not in {"", "lo"}:
            found[name] = (*found.get(name, ()), ip_address(content))
    return found
