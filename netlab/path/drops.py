"""What tells of a packet's end besides its visits: drops, counters, neighbours."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from netlab.path.observations import PacketKey
from netlab.path.walks import Header, first_fragment, loose


@dataclass(frozen=True, slots=True, kw_only=True)
class Drop:
    """The kernel freed a packet that had not come to its end."""

    host: str
    ifname: str
    """The interface it was at; empty for a packet without one."""
    code: str
    """The kernel's reason without its prefix, ``NETFILTER_DROP``; empty before Linux 5.17."""
    location: int
    """Address in the kernel's code."""
    header: Header
    """As it was then."""


Counted = Mapping[str, Mapping[str, int]]
"""By host, the counters that rose, and by how much: ``{"node2": {"IpExt InNoRoutes": 1}}``."""

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
        wanted = loose(key)
        # With a datagram that was put together go all its fragments; the first one tells.
        alike = first_fragment if key.fragment == 0 else loose
        return replace(self, drops=tuple(d for d in self.drops if alike(d.header.key) == wanted))


NO_CLUES: Final = Clues()
