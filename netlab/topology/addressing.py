"""The addresses of a topology: those that were asked for, checked, and the rest filled in.

A value asked for keeps its place. A value left out follows from the host's place in the list, so
that adding a node moves no other node's address: node *i* has host number *i* + 2 in the nodes
network, the same in the ExternalIPs, and the *i*-th /24 of the pods network, or /64 in IPv6.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import count
from typing import Final

from netlab.documents.problems import FieldPath, Report, invalid, spell_path
from netlab.model.addresses import (
    Address,
    Family,
    Network,
    family_of,
    parse_cidr,
    parse_ip,
)

POD_BITS: Final = 4
"""A node's part of the pods network holds 13 pods at least, beside the gateway."""

POD_PREFIX: Final = {Family.IPV4: 24, Family.IPV6: 64}
"""Prefix length of a node's part of the pods network, where that many fit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Range:
    """A network and how the topology file calls it."""

    name: str
    network: Network
    path: FieldPath
    """Where the topology file has it, or would have it."""
    own: tuple[str, ...] = ()
    """Hosts of netlab's that are there besides those asked for; the router has the first address,
    the others have what is free."""

    def usable(self) -> range:
        """Return the host numbers that are free for hosts to have."""
        return range(2 if self.own else 1, self.network.num_addresses - self._broadcasts)

    @property
    def reserved(self) -> int:
        """How many addresses no host asked for can have."""
        return 1 + self._broadcasts + len(self.own)

    @property
    def _broadcasts(self) -> int:
        return int(self.network.version == 4)

    def host(self, number: int) -> Address:
        """Return the address with host number ``number``."""
        return self.network.network_address + number


def parse_network(value: object, path: FieldPath, report: Report) -> Network | None:
    """Return the network that ``value`` spells, or None after telling why it spells none."""
    if not isinstance(value, str):
        return None
    address = parse_ip(value.partition("/")[0])
    loose = parse_cidr(value)
    if address is None or (loose is None and "/" in value):
        report.add(path, invalid(value, "must be a network"), "as in 10.240.0.0/24")
        return None
    if loose is None:
        hint = f"write {value}/{POD_PREFIX[family_of(address)]}"
        report.add(path, invalid(value, "has no prefix length"), hint)
        return None
    if loose.network_address != address:
        message = invalid(value, "has host bits set")
        report.add(path, message, f"did you mean {loose}?")
        return None
    if loose.is_loopback or loose.is_multicast or loose.is_link_local or loose[0].packed[0] == 0:
        report.add(path, invalid(value, "no host can have addresses of this network"))
        return None
    return loose


def parse_address(value: object, path: FieldPath, report: Report) -> Address | None:
    """Return the address that ``value`` spells, or None after telling why it spells none."""
    if not isinstance(value, str):
        return None
    address = parse_ip(value)
    if address is None:
        hint = "without a zone" if parse_ip(value.partition("%")[0]) else ""
        report.add(path, invalid(value, "must be an IP address"), hint)
    return address


def check_overlaps(ranges: Sequence[tuple[FieldPath, Network]], report: Report) -> None:
    """Report networks of one family that overlap; of two, the one that the file names is blamed."""
    largest: tuple[FieldPath, Network] | None = None
    for one in sorted(ranges, key=lambda one: _span(one[1])):
        if largest and one[1].overlaps(largest[1]):
            is_written = one[0] in report.document.lines
            (path, network), other = (one, largest) if is_written else (largest, one)
            report.add(path, f"{network} overlaps {spell_path(other[0])}, which is {other[1]}")
        if largest is None or _span(one[1])[1] > _span(largest[1])[1]:
            largest = one


def check_host(address: Address, within: Range, path: FieldPath, report: Report) -> Address | None:
    """Return ``address`` if a host may have it in ``within``, else None after telling why."""
    network = within.network
    where = f"networks.{within.name} ({network})"
    if address not in network:
        usable = within.usable()
        hint = f"take one from {within.host(usable[0])} on" if usable else ""
        report.add(path, invalid(str(address), f"is not in {where}"), hint)
    elif within.own and address == network.network_address + 1:
        report.add(path, invalid(str(address), f"is the router's address in {where}"))
    elif address == network.network_address:
        report.add(path, invalid(str(address), f"is the network address of {where}"))
    elif network.version == 4 and address == network.broadcast_address:
        report.add(path, invalid(str(address), f"is the broadcast address of {where}"))
    else:
        return address
    return None


def check_room(within: Range, hosts: int, report: Report) -> bool:
    """Return whether ``within`` has room for ``hosts``; report how big it must be if not."""
    needed = hosts + within.reserved
    if needed <= within.network.num_addresses:
        return True
    prefix = within.network.max_prefixlen - (needed - 1).bit_length()
    own = f"{', '.join(within.own)} and " if within.own else ""
    message = f"{within.network} is too small for {own}{hosts} host{'s'[: hosts != 1]}"
    report.add(within.path, message, f"it must be a /{prefix} or larger")
    return False


def fill_hosts(
    within: Range, asked: Sequence[Address | None], preferred: Sequence[int]
) -> list[Address]:
    """Return an address for each host: as asked, else its preferred number, else the next free.

    ``within`` must have room for all (``check_room``), and no two may have asked for the same.
    """
    usable = within.usable()
    taken = {int(one) - int(within.network.network_address) for one in asked if one}
    free = (number for number in usable if number not in taken)
    addresses = []
    for address, number in zip(asked, preferred, strict=True):
        if address is None:
            wanted = number if number in usable and number not in taken else next(free)
            taken.add(wanted)
            addresses.append(within.host(wanted))
        else:
            addresses.append(address)
    return addresses


def fill_pod_cidrs(within: Range, asked: Sequence[Network | None], report: Report) -> list[Network]:
    """Return the pod CIDR of each node: as asked, else the part of ``within`` with its number.

    Parts are /24, or /64 in IPv6, where that many fit, and smaller where they do not. Empty after a
    report of how big the pods network must be.
    """
    pods = within.network
    longest = pods.max_prefixlen - POD_BITS
    prefix = max(POD_PREFIX[family_of(pods)], pods.prefixlen + len(asked).bit_length())
    taken = [one for one in asked if one]
    parts: list[Network] = []
    spare = _spare_parts(pods, prefix, len(asked), taken)
    for number, network in enumerate(asked, start=1):
        own = network or _part(pods, prefix, number)
        if network is None and (own is None or _overlaps(own, taken)):
            own = next(spare, None)
        if own is None:
            break
        parts.append(own)
    if len(parts) == len(asked) and (prefix <= longest or None not in asked):
        return parts
    needed = longest - len(asked).bit_length()
    message = f"{pods} is too small for the pods of {len(asked)} node{'s'[: len(asked) != 1]}"
    report.add(within.path, message, f"it must be a /{needed} or larger")
    return []


def _spare_parts(
    pods: Network, prefix: int, nodes: int, taken: Sequence[Network]
) -> Iterator[Network]:
    """Yield the parts that are no node's by number, nor overlap one that was asked for."""
    for number in count(nodes + 1):
        part = _part(pods, prefix, number)
        if part is None:
            return
        if not _overlaps(part, taken):
            yield part


def _part(pods: Network, prefix: int, number: int) -> Network | None:
    if prefix > pods.max_prefixlen - 2:
        return None
    first = int(pods[0]) + number * 2 ** (pods.max_prefixlen - prefix)
    return type(pods)((first, prefix)) if first <= int(pods[-1]) else None


def _span(network: Network) -> tuple[int, int]:
    """Return where a network begins and ends, those of IPv6 behind those of IPv4."""
    behind = 0 if network.version == 4 else 1 << 128
    return behind + int(network[0]), behind + int(network[-1])


def _overlaps(network: Network, others: Sequence[Network]) -> bool:
    return any(network.overlaps(other) for other in others)
