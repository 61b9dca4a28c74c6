"""Matches: what a rule asks of a packet. ``str`` of one is its text for iptables-restore.

A match that netlab has no value for, of a user's own rule say, is kept in ``OtherMatch``.

Source: iptables(8), iptables-extensions(8).
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from netlab.model.addresses import Network
from netlab.netfilter.iptables.words import ALL_BITS, comment_text, quote, word


class Side(StrEnum):
    """Which address of a packet a match looks at."""

    SOURCE = "src"
    DESTINATION = "dst"


@dataclass(frozen=True, slots=True)
class Source:
    """The packet's source lies in ``network``."""

    network: Network
    inverted: bool = False

    def __str__(self) -> str:
        return f"{'! ' * self.inverted}-s {self.network}"


@dataclass(frozen=True, slots=True)
class Destination:
    """The packet's destination lies in ``network``."""

    network: Network
    inverted: bool = False

    def __str__(self) -> str:
        return f"{'! ' * self.inverted}-d {self.network}"


@dataclass(frozen=True, slots=True)
class InInterface:
    """The packet came in by ``ifname``; a closing ``+`` stands for any rest of the name."""

    ifname: str
    inverted: bool = False

    def __str__(self) -> str:
        return f"{'! ' * self.inverted}-i {word(self.ifname)}"


@dataclass(frozen=True, slots=True)
class OutInterface:
    """The packet leaves by ``ifname``; a closing ``+`` stands for any rest of the name."""

    ifname: str
    inverted: bool = False

    def __str__(self) -> str:
        return f"{'! ' * self.inverted}-o {word(self.ifname)}"


@dataclass(frozen=True, slots=True)
class IpProtocol:
    """The packet is of this protocol, in lower case."""

    protocol: str
    inverted: bool = False

    def __str__(self) -> str:
        return f"{'! ' * self.inverted}-p {word(self.protocol)}"


@dataclass(frozen=True, slots=True)
class Ports:
    """The packet's ports; None matches any. Stands beside an ``IpProtocol`` of the same name."""

    protocol: str
    destination: int | None = None
    source: int | None = None

    def __str__(self) -> str:
        source = "" if self.source is None else f" --sport {self.source}"
        destination = "" if self.destination is None else f" --dport {self.destination}"
        return f"-m {word(self.protocol)}{source}{destination}"


@dataclass(frozen=True, slots=True)
class DestinationPorts:
    """The packet's destination port is one of these; stands beside an ``IpProtocol``."""

    ports: tuple[int, ...]

    def __str__(self) -> str:
        return f"-m multiport --dports {','.join(map(str, self.ports))}"


@dataclass(frozen=True, slots=True)
class Comment:
    """Words for people; matches every packet. Cut to the 255 printable bytes the kernel keeps."""

    text: str

    def __post_init__(self) -> None:
        object.__setattr__(self, "text", comment_text(self.text))

    def __str__(self) -> str:
        return f"-m comment --comment {quote(self.text)}"


@dataclass(frozen=True, slots=True)
class AddrType:
    """The address on ``side`` is of a routing type, such as ``LOCAL``: this host's own."""

    side: Side
    kind: str = "LOCAL"
    inverted: bool = False

    def __str__(self) -> str:
        return f"-m addrtype {'! ' * self.inverted}--{self.side}-type {word(self.kind)}"


@dataclass(frozen=True, slots=True)
class Mark:
    """The packet's mark, seen through ``mask``, equals ``value``."""

    value: int
    mask: int = ALL_BITS
    inverted: bool = False

    def __str__(self) -> str:
        mask = "" if self.mask == ALL_BITS else f"/{self.mask:#x}"
        return f"-m mark {'! ' * self.inverted}--mark {self.value:#x}{mask}"


CT_STATES: Final = ("INVALID", "NEW", "RELATED", "ESTABLISHED", "UNTRACKED", "SNAT", "DNAT")
"""In the order in which iptables-save prints them."""


@dataclass(frozen=True, slots=True)
class CtState:
    """Conntrack has the packet's connection in one of ``states``."""

    states: frozenset[str]
    inverted: bool = False

    def __str__(self) -> str:
        states = ",".join(state for state in CT_STATES if state in self.states)
        return f"-m conntrack {'! ' * self.inverted}--ctstate {states}"


@dataclass(frozen=True, slots=True)
class Statistic:
    """A die: matches with ``probability``, from 0 to 1."""

    probability: float

    def __str__(self) -> str:
        return f"-m statistic --mode random --probability {self.probability:.10f}"


@dataclass(frozen=True, slots=True)
class RecentSet:
    """Write the packet's source into the list ``name``; always matches."""

    name: str

    def __str__(self) -> str:
        return f"-m recent --set --name {word(self.name)}"


@dataclass(frozen=True, slots=True)
class RecentCheck:
    """The packet's source was written into the list ``name`` in the last ``seconds``."""

    name: str
    seconds: int
    reap: bool = True
    """Entries that are older are thrown away."""

    def __str__(self) -> str:
        reap = " --reap" if self.reap else ""
        return f"-m recent --rcheck --seconds {self.seconds}{reap} --name {word(self.name)}"


@dataclass(frozen=True, slots=True)
class OtherMatch:
    """A match netlab has no value for, word for word."""

    words: tuple[str, ...]

    def __str__(self) -> str:
        return " ".join(map(word, self.words))


Match = (
    Source
    | Destination
    | InInterface
    | OutInterface
    | IpProtocol
    | Ports
    | DestinationPorts
    | Comment
    | AddrType
    | Mark
    | CtState
    | Statistic
    | RecentSet
    | RecentCheck
    | OtherMatch
)
"""Every kind of match."""
