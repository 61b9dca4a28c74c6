"""What tells of a packet's end besides its visits: drops, counters, neighbours."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Final

from netlab.sources.drops import Counted, Drop
from netlab.sources.packet_key import PacketKey, datagram_key, rule_trace_key

NameFunction = Callable[[int], str]
"""Names the function of the kernel that an address lies in; empty when nobody knows."""

AskSilent = Callable[[str], frozenset[str]]
"""Returns the addresses that a host asks its links for in vain."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Clues:
    """What the kernel says of the ends of packets."""

    drops: tuple[Drop, ...] = ()
    """In the kernel's order."""
    counted: Counted = field(default_factory=dict)
    name_of: NameFunction = lambda _: ""
    silent: AskSilent = lambda _: frozenset()

    def of(self, key: PacketKey) -> "Clues":
        """Return the clues to one packet."""
        wanted = rule_trace_key(key)
        # With a datagram that was put together go all its fragments; the first one tells.
        alike = datagram_key if key.fragment == 0 else rule_trace_key
        return replace(self, drops=tuple(d for d in self.drops if alike(d.header.key) == wanted))


NO_CLUES: Final = Clues()
