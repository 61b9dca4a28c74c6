"""Read what a namespace holds besides rules and routes.

Source: rtnetlink(7), RTM_GETLINK and RTM_GETRULE; Linux, net/ipv4/tcp_ipv4.c and net/ipv4/udp.c
(the format of /proc/net/tcp), Documentation/networking/nf_conntrack-sysctl.rst.
"""

import ipaddress
import socket
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from netlab.linux.interface_addresses import read_addresses
from netlab.linux.neighbours import known_neighbours
from netlab.linux.netlink import NetlinkSocket
from netlab.linux.netlink_messages import NLM_F_DUMP, Message, request
from netlab.linux.packet_ring import Enter
from netlab.model.hosts import Host
from netlab.model.names import NetnsName
from netlab.netfilter.iptables.rules import TABLE_NAMES
from netlab.netfilter.nftables.table import TABLE
from netlab.sources.host_state import HostState, Link, Listening
from netlab.sources.rule_tables import read_tables

RTM_GETLINK, RTM_GETRULE = 18, 34
IFLA_ADDRESS, IFLA_IFNAME, IFLA_MTU, IFLA_LINK = 1, 3, 4, 5
IFF_UP, IFF_RUNNING, IFF_NOARP = 0x1, 0x40, 0x80
FRA_PRIORITY: Final = 6
_USUAL_PRIORITIES: Final = frozenset({0, 32766, 32767})
"""Of the rules for the tables local, main and default."""
_IFINFOMSG: Final = struct.Struct("=BxHiII")
_RULE_HEADER: Final = struct.Struct("=BBBBBBBBI")
_FILES: Final = {"tcp": "TCP", "tcp6": "TCP", "udp": "UDP", "udp6": "UDP"}
_WAITING: Final = {"TCP": "0A", "UDP": "07"}
"""TCP_LISTEN; a socket of UDP without a peer is TCP_CLOSE."""
_TRACKING: Final = Path("/proc/sys/net/netfilter")


def read_host_state(host: Host, enter: Enter, version: int) -> HostState:
    """Return what a host holds now, of one IP version where it is of one.

    Raises:
        FileNotFoundError: The namespace is gone.
        OSError: The kernel refused.
    """
    netns = host.netns
    with enter(netns):
        listening = tuple(_listening())
        tracked, most = (_number(_TRACKING / f"nf_conntrack_{name}") for name in ("count", "max"))
    addresses = read_addresses(netns, enter, version).values()
    tables = read_tables(host, enter, version)
    return HostState(
        links=dict(_links(netns, enter)),
        addresses=frozenset(one for several in addresses for one in several),
        neighbours=known_neighbours(netns, enter),
        listening=listening,
        tracked=tracked,
        most_tracked=most,
        tables=tuple(name for name in tables if name not in {*TABLE_NAMES, TABLE}),
        has_policy_rules=_has_policy_rules(netns, enter, version),
    )


def parse_sockets(text: str, protocol: str) -> Iterator[Listening]:
    r"""Yield the sockets of a file such as ``/proc/net/tcp`` that wait for callers.

    >>> line = "   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000"
    >>> [(str(one.address), one.port) for one in parse_sockets(f"sl ...\n{line}", "TCP")]
    [('127.0.0.1', 8080)]
    """
    for line in text.splitlines()[1:]:
        words = line.split()
        if words[3] != _WAITING[protocol]:
            continue
        digits, _, port = words[1].partition(":")
        # Each four bytes of the address are a number in the machine's own order.
        numbers = [int(digits[at : at + 8], 16) for at in range(0, len(digits), 8)]
        packed = struct.pack(f"={len(numbers)}I", *numbers)
        yield Listening(protocol=protocol, address=ipaddress.ip_address(packed), port=int(port, 16))


def _listening() -> Iterator[Listening]:
    for name, protocol in _FILES.items():
        path = Path("/proc/thread-self/net") / name
        if path.exists():
            yield from parse_sockets(path.read_text(), protocol)


def _number(path: Path) -> int:
    """Return what a file says; 0 where the kernel has no such thing."""
    return int(path.read_text()) if path.exists() else 0


def _links(netns: NetnsName, enter: Enter) -> Iterator[tuple[str, Link]]:
    for message in _dumped(netns, enter, RTM_GETLINK, _IFINFOMSG.pack(0, 0, 0, 0, 0)):
        _, _, index, flags, _ = _IFINFOMSG.unpack_from(message.payload)
        told = message.attributes(_IFINFOMSG.size)
        name = told[IFLA_IFNAME].rstrip(b"\0").decode()
        if name != "lo":
            (mtu,) = struct.unpack("=I", told[IFLA_MTU])
            (peer,) = struct.unpack("=I", told.get(IFLA_LINK, bytes(4)))
            yield (
                name,
                Link(
                    index=index,
                    peer=peer,
                    mtu=mtu,
                    mac=told.get(IFLA_ADDRESS, b"").hex(":"),
                    is_up=bool(flags & IFF_UP),
                    has_carrier=bool(flags & IFF_RUNNING),
                    asks_neighbours=not flags & IFF_NOARP,
                ),
            )


def _has_policy_rules(netns: NetnsName, enter: Enter, version: int) -> bool:
    family = socket.AF_INET if version == 4 else socket.AF_INET6
    header = _RULE_HEADER.pack(family, 0, 0, 0, 0, 0, 0, 0, 0)
    for message in _dumped(netns, enter, RTM_GETRULE, header):
        told = message.attributes(_RULE_HEADER.size)
        (priority,) = struct.unpack("=I", told.get(FRA_PRIORITY, bytes(4)))
        if priority not in _USUAL_PRIORITIES:
            return True
    return False


def _dumped(netns: NetnsName, enter: Enter, kind: int, body: bytes) -> list[Message]:
    with enter(netns):
        opened = NetlinkSocket()
    with opened:
        return opened.ask(request(kind, body, NLM_F_DUMP))
