"""Addresses and their families, and how Kubernetes reads them.

``parse_ip`` and ``parse_cidr`` are the only way from an object's text to an address. They take what
the API server takes, and nothing that a rule's text could not repeat: no zone, which Python's
``ipaddress`` allows with any characters behind the ``%``, and no netmask for a prefix length.

Source: Kubernetes, ``k8s.io/utils/net`` (ParseIPSloppy, ParseCIDRSloppy).
"""

import re
from enum import StrEnum
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Final

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network


class Family(StrEnum):
    """An address family, as Kubernetes' ``ipFamilies`` spells it."""

    IPV4 = "IPv4"
    IPV6 = "IPv6"

    def holds(self, address: Address | Network) -> bool:
        """Tell whether ``address`` is of this family."""
        return address.version == (4 if self is Family.IPV4 else 6)


_PREFIX_LENGTH: Final = re.compile(r"[0-9]{1,3}", re.ASCII)


def parse_ip(text: object) -> Address | None:
    """Return the address that ``text`` spells, or None.

    Leading zeros of an IPv4 address do not count: Kubernetes reads 010 as ten, never as eight. An
    IPv4-mapped IPv6 address is the IPv4 address.

    >>> parse_ip("010.0.0.1"), parse_ip("::ffff:10.0.0.1"), parse_ip("fe80::1%eth0")
    (IPv4Address('10.0.0.1'), IPv4Address('10.0.0.1'), None)
    """
    return _parsed_ip(text) if isinstance(text, str) else None


def require_ip(text: object) -> Address:
    """Return the address that ``text`` spells.

    Raises:
        ValueError: It spells none.
    """
    address = parse_ip(text)
    if address is None:
        raise ValueError(f"{text!r} does not appear to be an IPv4 or IPv6 address")
    return address


# A large lab's addresses are read over and over, whenever one of its pods changes.
@lru_cache(maxsize=1 << 15)
def _parsed_ip(text: str) -> Address | None:
    if "%" in text:
        return None
    try:
        address = ip_address(_decimal(text))
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address


def parse_cidr(text: object) -> Network | None:
    """Return the network that ``text`` spells, as address and prefix length, or None.

    Bits beyond the prefix length do not count.

    >>> parse_cidr("10.0.0.1/8"), parse_cidr("10.0.0.0/255.0.0.0"), parse_cidr("10.0.0.1")
    (IPv4Network('10.0.0.0/8'), None, None)
    """
    if not isinstance(text, str) or "%" in text:
        return None
    address, _, length = text.partition("/")
    if not _PREFIX_LENGTH.fullmatch(length):
        return None
    try:
        return ip_network(f"{_decimal(address)}/{length}", strict=False)
    except ValueError:
        return None


def address_key(text: object) -> tuple[int, int]:
    """Return what puts texts of addresses in order, IPv4 first; what is no address is last."""
    address = parse_ip(text)
    return (address.version, int(address)) if address is not None else (7, 0)


def _decimal(text: str) -> str:
    return text if ":" in text else re.sub(r"\b0+(?=\d)", "", text)


def family_of(address: Address | Network) -> Family:
    """Return the family that ``address`` is of."""
    return Family.IPV4 if address.version == 4 else Family.IPV6


def host_network(address: Address) -> Network:
    """Return the network that is ``address`` alone.

    What ``ip_network`` does, but without a detour through text: a large cluster needs many.

    >>> from ipaddress import ip_address
    >>> host_network(ip_address("192.0.2.1"))
    IPv4Network('192.0.2.1/32')
    """
    whole = (int(address), address.max_prefixlen)
    return IPv4Network(whole) if address.version == 4 else IPv6Network(whole)


def router_address(network: Network) -> Address:
    """Return the router's address in a network of the lab: the first host address."""
    return network[1]
