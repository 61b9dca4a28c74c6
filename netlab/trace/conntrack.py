"""Connections as the connection tracking of one host holds them, and what NAT makes of them.

An entry has two tuples: ``original`` is what the first packet carried when it came, ``reply`` is
what an answer to it will carry. Without NAT one is the mirror of the other. Where they differ, the
mirror of ``reply`` is the request as it goes on behind the host's NAT.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from netlab.model.packets import AddrPort
from netlab.sources.conntrack_entries import Tracked

ServiceAddresses = Mapping[tuple[str, AddrPort], str]
"""The Service behind each protocol and address that callers may use for it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """Which entries are wanted; the default wants all."""

    protocol: str = ""
    service: str = ""
    """``namespace/name``, with ``:port`` or for all its ports; empty for any."""
    nat_only: bool = False

    def wants(self, entry: Tracked, service_addresses: ServiceAddresses) -> bool:
        """Tell whether an entry is one of them."""
        service = service_of(entry, service_addresses)
        return (
            self.protocol in {"", entry.protocol}
            and (not self.service or self.service in {service, service.partition(":")[0]})
            and (not self.nat_only or bool(entry.translations()))
        )


def service_of(entry: Tracked, service_addresses: ServiceAddresses) -> str:
    """Return the Service that the connection called; empty when it called none."""
    return service_addresses.get((entry.protocol, entry.original.destination), "")


def in_order(entries: Iterable[Tracked]) -> list[Tracked]:
    """Return entries by protocol, then by what the caller sent; the kernel's order is by hash."""
    return sorted(entries, key=_place)


def _place(entry: Tracked) -> tuple[object, ...]:
    ends = (*entry.original, *entry.reply)
    places = [(end.address.version, end.address.packed, end.port) for end in ends]
    return entry.protocol, places, entry.icmp or (), entry.identity
