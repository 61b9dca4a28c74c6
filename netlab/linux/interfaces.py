"""The interfaces of the namespace that the calling thread is in."""

import socket
from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import IPv4Interface, IPv6Interface, ip_address, ip_interface
from typing import Any, Final

_NO_MAC: Final = "00:00:00:00:00:00"


@dataclass(frozen=True, slots=True, kw_only=True)
class InterfaceSeen:
    """An interface as its namespace has it."""

    ifindex: int
    ifname: str
    mac: str = ""
    """Empty where there is none."""
    addresses: tuple[IPv4Interface | IPv6Interface, ...] = ()


def read_interfaces() -> dict[int, InterfaceSeen]:
    """Return every interface by its index, the lowest first."""
    import psutil  # noqa: PLC0415  loaded by the captures that ask

    # By system calls: /sys shows the interfaces of the namespace it was mounted in.
    known = psutil.net_if_addrs()
    return {
        index: _interface(index, name, known.get(name, []))
        for index, name in sorted(socket.if_nameindex())
    }


def _interface(ifindex: int, ifname: str, found: Iterable[Any]) -> InterfaceSeen:
    mac, addresses = "", []
    for one in found:
        if one.family == socket.AF_PACKET:
            mac = "" if one.address == _NO_MAC else one.address
        elif one.netmask:
            # ``ipaddress`` reads no IPv6 netmask; its ones are the length of the prefix.
            length = int(ip_address(one.netmask)).bit_count()
            addresses.append(ip_interface(f"{one.address.partition('%')[0]}/{length}"))
    return InterfaceSeen(ifindex=ifindex, ifname=ifname, mac=mac, addresses=tuple(addresses))
