"""Connections as the connection tracking of one host holds them, and what NAT makes of them.

An entry has two tuples: ``original`` is what the first packet carried when it came, ``reply`` is
what an answer to it will carry. Without NAT one is the mirror of the other. Where they differ, the
mirror of ``reply`` is the request as it goes on behind the host's NAT.
"""

from dataclasses import dataclass
from enum import StrEnum

from netlab.model.addresses import Address
from netlab.model.packets import AddressPair, AddrPort, Nat


class Change(StrEnum):
    """What happened to an entry."""

    NEW = "new"
    UPDATE = "update"
    DESTROY = "destroy"


@dataclass(frozen=True, slots=True, kw_only=True)
class Translation:
    """One address that the host rewrites in requests; in replies it puts it back."""

    kind: Nat
    before: AddrPort
    after: AddrPort


@dataclass(frozen=True, slots=True, kw_only=True)
class Tracked:
    """One entry of connection tracking."""

    identity: int
    """The kernel's number of it."""
    protocol: str
    """In conntrack(8)'s words: ``tcp``, ``udp``, ``icmp``, ``icmpv6`` ...; else the number."""
    original: AddressPair
    reply: AddressPair
    icmp: tuple[int, int, int] | None = None
    """Type, code and id of the original packet; None for what is no ICMP."""
    state: str = ""
    """TCP's; empty for other protocols."""
    timeout_s: int | None = None
    """Seconds until the entry goes if nothing more comes; None when it has gone."""
    mark: int = 0
    """The connection's own mark, not its packets'."""
    flags: tuple[str, ...] = ()
    """``UNREPLIED``, ``ASSURED`` ..., as conntrack(8) prints them."""

    def translations(self) -> tuple[Translation, ...]:
        """Return what NAT does to a request, in the order in which a packet meets it."""
        after = self.reply.reversed()
        found = (
            Translation(kind=Nat.DNAT, before=self.original.destination, after=after.destination),
            Translation(kind=Nat.SNAT, before=self.original.source, after=after.source),
        )
        return tuple(one for one in found if one.before != one.after)

    def addresses(self) -> set[Address]:
        """Return every address of both tuples."""
        return {end.address for pair in (self.original, self.reply) for end in pair}


@dataclass(frozen=True, slots=True, kw_only=True)
class Changed:
    """One event of connection tracking."""

    time_ns: int
    """Wall clock when it was read; the kernel gives none."""
    change: Change
    entry: Tracked


@dataclass(frozen=True, slots=True, kw_only=True)
class ConntrackEntry:
    """A connection as a namespace tracks it."""

    host: str
    identity: int
    protocol: str
    original: AddressPair
    reply: AddressPair
    """What an answer is expected to carry; not the mirror of ``original`` when NAT is at work."""
    state: str = ""
    """TCP's: ``SYN_SENT``, ``ESTABLISHED`` ...; empty for other protocols."""

    def after(self) -> AddressPair:
        """Return the addresses of a request behind this host's NAT."""
        return self.reply.reversed()

    def is_nat(self) -> bool:
        """Tell whether addresses are rewritten."""
        return self.after() != self.original
