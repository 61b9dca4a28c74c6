"""What connection tracking says while connections come and go, in one namespace.

A connection that was made while nobody listened gives no events later (``nf_conntrack_events`` is
2 by default), so listening begins before the first packet. A packet that is dropped before the end
of its way leaves no entry, and no event.

Source: Linux, include/uapi/linux/netfilter/nfnetlink_conntrack.h.
"""

import socket
from ipaddress import IPv4Address, IPv6Address
from typing import Final

from netlab.model.hosts import Host
from netlab.model.topology import Address
from netlab.observe.nfnetlink import (
    NFNL_SUBSYS_CTNETLINK,
    Message,
    NetfilterSocket,
    attributes,
    number_of,
)
from netlab.observe.ring import Enter
from netlab.path.observations import AddressPair, AddrPort
from netlab.path.trace import ConntrackEntry

GROUPS: Final = (1, 2, 3)
"""NFNLGRP_CONNTRACK_NEW, _UPDATE, _DESTROY"""
IPCTNL_MSG_CT_NEW: Final = 0
CTA_TUPLE_ORIG, CTA_TUPLE_REPLY, CTA_PROTOINFO, CTA_ID = 1, 2, 4, 12
_PROTOCOLS: Final = {
    socket.IPPROTO_TCP: "tcp",
    socket.IPPROTO_UDP: "udp",
    socket.IPPROTO_ICMP: "icmp",
    socket.IPPROTO_ICMPV6: "icmp",
}
_TCP_STATES: Final = (
    "NONE", "SYN_SENT", "SYN_RECV", "ESTABLISHED", "FIN_WAIT",
    "CLOSE_WAIT", "LAST_ACK", "TIME_WAIT", "CLOSE", "SYN_SENT2",
)  # fmt: skip


class ConntrackEvents:
    """Entries of one namespace as they are made and change; selectable, drained by its owner.

    Args:
        host: Whose connections.
        enter: Moves this thread into its namespace.

    Raises:
        FileNotFoundError: The namespace is gone.
        OSError: The kernel refused.
    """

    def __init__(self, host: Host, enter: Enter) -> None:
        self._host = host
        self._socket = NetfilterSocket(host, enter, GROUPS)
        self.entries: list[ConntrackEntry] = []
        """Every new or changed entry, in the kernel's order; one that goes is not told again."""

    @property
    def lost(self) -> int:
        """How many times the kernel said that events found no room."""
        return self._socket.lost

    def fileno(self) -> int:
        """Return the descriptor that becomes readable when an event is there."""
        return self._socket.fileno()

    def serve(self) -> None:
        """Read what is there."""
        wanted = NFNL_SUBSYS_CTNETLINK << 8 | IPCTNL_MSG_CT_NEW
        found = (self._decode(m) for m in self._socket.drain() if m.kind == wanted)
        self.entries += [entry for entry in found if entry is not None]

    def close(self) -> None:
        """Stop hearing."""
        self._socket.close()

    def _decode(self, message: Message) -> ConntrackEntry | None:
        found = message.attributes()
        original = _tuple(found.get(CTA_TUPLE_ORIG))
        reply = _tuple(found.get(CTA_TUPLE_REPLY))
        if original is None or reply is None:
            return None
        tcp = attributes(attributes(found.get(CTA_PROTOINFO, b"")).get(1, b""))
        state = number_of(tcp.get(1))
        return ConntrackEntry(
            host=self._host.name,
            identity=number_of(found.get(CTA_ID)),
            protocol=original[0],
            original=original[1],
            reply=reply[1],
            state=_TCP_STATES[state] if 0 < state < len(_TCP_STATES) else "",
        )


def _tuple(value: bytes | None) -> tuple[str, AddressPair] | None:
    outer = attributes(value or b"")
    network, transport = attributes(outer.get(1, b"")), attributes(outer.get(2, b""))
    protocol = _PROTOCOLS.get(number_of(transport.get(1)))
    source = _address(network.get(1), network.get(3))
    destination = _address(network.get(2), network.get(4))
    if protocol is None or source is None or destination is None:
        return None
    ends = (number_of(transport.get(2)), number_of(transport.get(3)))
    return protocol, AddressPair(AddrPort(source, ends[0]), AddrPort(destination, ends[1]))


def _address(v4: bytes | None, v6: bytes | None) -> Address | None:
    if v4 is not None:
        return IPv4Address(v4)
    return None if v6 is None else IPv6Address(v6)
