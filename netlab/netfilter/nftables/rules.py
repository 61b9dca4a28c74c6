"""Rules of nftables as values: what a rule asks of a packet, and what it does with it.

``str`` of one is its words, as ``nft`` reads them; ``netlab.netfilter.nftables.parse_rule`` reads
them back. Only what kube-proxy's table says has a value of its own.

Source: nft(8).
"""

from dataclasses import dataclass, replace
from ipaddress import IPv4Network, collapse_addresses, ip_network
from typing import cast

from netlab.model.addresses import Address, Family, Network
from netlab.model.packets import AddrPort
from netlab.netfilter.nftables.families import ip


@dataclass(frozen=True, slots=True, kw_only=True)
class AddressMatch:
    """The packet's source or destination is one of these, or in a set."""

    family: Family
    is_source: bool
    is_inverted: bool = False
    addresses: tuple[Address | Network, ...] = ()
    is_list: bool = False
    """Whether braces stand around one alone."""
    set_name: str = ""

    def __str__(self) -> str:
        listed = ", ".join(map(str, self.addresses))
        if self.set_name:
            listed = f"@{self.set_name}"
        elif self.is_list or len(self.addresses) > 1:
            listed = f"{{ {listed} }}"
        return f"{ip(self.family)} {_side(self.is_source)} {_not(self.is_inverted)}{listed}"

    def holds(self, address: Address) -> bool:
        """Tell whether ``address`` is one of those named, whatever is inverted."""
        return any(
            address in one if isinstance(one, Network) else address == one for one in self.addresses
        )

    def canonical(self) -> "AddressMatch":
        """Return the same with its addresses as nft lists them, whatever their order."""
        if self.set_name:
            return self
        named = cast("list[IPv4Network]", [ip_network(one) for one in self.addresses])
        networks = collapse_addresses(named)
        return replace(self, addresses=tuple(map(_shortest, networks)), is_list=False)


def _shortest(network: Network) -> Address | Network:
    is_host = network.prefixlen == network.max_prefixlen
    return network.network_address if is_host else network


@dataclass(frozen=True, slots=True)
class ProtocolMatch:
    """The packet's transport protocol, and maybe its destination port."""

    protocol: str
    """``tcp``, ``udp`` or ``sctp``."""
    port: int | None = None

    def __str__(self) -> str:
        return (
            f"meta l4proto {self.protocol}"
            if self.port is None
            else f"{self.protocol} dport {self.port}"
        )


@dataclass(frozen=True, slots=True)
class IifNameMatch:
    """The packet came in by this interface; a closing asterisk stands for any rest."""

    ifname: str
    is_inverted: bool = False

    def __str__(self) -> str:
        return f'iifname {_not(self.is_inverted)}"{self.ifname}"'


@dataclass(frozen=True, slots=True)
class LocalAddressMatch:
    """The packet's source or destination is an address of the node (``fib``)."""

    is_source: bool

    def __str__(self) -> str:
        return f"fib {_side(self.is_source)} type local"


@dataclass(frozen=True, slots=True)
class UnmarkedMatch:
    """None of the bits of ``mask`` is set in the packet's mark."""

    mask: int

    def __str__(self) -> str:
        return f"mark and {self.mask:#x} == 0"


@dataclass(frozen=True, slots=True)
class NewConnectionMatch:
    """The packet is the first of its connection."""

    def __str__(self) -> str:
        return "ct state new"


@dataclass(frozen=True, slots=True)
class VerdictStatement:
    """``accept``, ``drop``, ``reject``, ``return``, ``jump CHAIN`` or ``goto CHAIN``."""

    verb: str
    chain: str = ""
    """Where ``jump`` and ``goto`` lead; empty for all others."""

    def __str__(self) -> str:
        return f"{self.verb} {self.chain}" if self.chain else self.verb


def goto(chain: str) -> VerdictStatement:
    """Return the verdict that sends a packet to a chain and does not bring it back."""
    return VerdictStatement("goto", chain)


def jump(chain: str) -> VerdictStatement:
    """Return the verdict that sends a packet to a chain, and from its end back here."""
    return VerdictStatement("jump", chain)


@dataclass(frozen=True, slots=True)
class MapLookup:
    """Do what a map says of the packet's protocol and port, and maybe of its destination."""

    map_name: str
    address_family: Family | None = None
    """Of the destination; None where its address is not looked at."""

    def __str__(self) -> str:
        address = f"{ip(self.address_family)} daddr . " if self.address_family is not None else ""
        return f"{address}meta l4proto . th dport vmap @{self.map_name}"


@dataclass(frozen=True, slots=True)
class RandomVerdict:
    """Do one of these, each as likely as the others (``numgen random``)."""

    verdicts: tuple[VerdictStatement, ...]

    def __str__(self) -> str:
        choices = ", ".join(f"{number} : {one}" for number, one in enumerate(self.verdicts))
        return f"numgen random mod {len(self.verdicts)} vmap {{ {choices} }}"


@dataclass(frozen=True, slots=True)
class MarkStatement:
    """Set the bits of ``mask`` in the packet's mark, or turn each of them round."""

    mask: int
    is_xor: bool = False

    def __str__(self) -> str:
        return f"mark set mark {'xor' if self.is_xor else 'or'} {self.mask:#x}"


@dataclass(frozen=True, slots=True)
class UpdateSetStatement:
    """Put the packet's source into a set, or have it stay there longer."""

    set_name: str
    family: Family

    def __str__(self) -> str:
        return f"update @{self.set_name} {{ {ip(self.family)} saddr }}"


@dataclass(frozen=True, slots=True)
class DnatStatement:
    """Rewrite the destination."""

    to: AddrPort

    def __str__(self) -> str:
        return f"dnat to {self.to}"


@dataclass(frozen=True, slots=True)
class MasqueradeStatement:
    """Rewrite the source to the address the packet leaves by."""

    def __str__(self) -> str:
        return "masquerade fully-random"


@dataclass(frozen=True, slots=True)
class OtherRule:
    """All words of a rule that kube-proxy's table does not have."""

    words: str

    def __str__(self) -> str:
        return self.words


Match = (
    AddressMatch
    | ProtocolMatch
    | IifNameMatch
    | LocalAddressMatch
    | UnmarkedMatch
    | NewConnectionMatch
)
Statement = (
    VerdictStatement
    | MapLookup
    | RandomVerdict
    | MarkStatement
    | UpdateSetStatement
    | DnatStatement
    | MasqueradeStatement
    | OtherRule
)


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule: what it asks, what it does with a packet that answers to all, and a comment."""

    matches: tuple[Match, ...]
    statement: Statement
    comment: str = ""

    @property
    def words(self) -> str:
        """The words that nft reads, without the comment."""
        return " ".join(map(str, (*self.matches, self.statement)))

    def __str__(self) -> str:
        return f'{self.words} comment "{self.comment}"' if self.comment else self.words

    def canonical(self) -> "Rule":
        """Return the rule as nft lists it.

        >>> from netlab.netfilter.nftables.parse_rule import parse_rule
        >>> parse_rule("ip saddr != { 10.0.1.0/24, 10.0.0.0/24 } drop").canonical().words
        'ip saddr != 10.0.0.0/23 drop'
        """
        matches = tuple(
            one.canonical() if isinstance(one, AddressMatch) else one for one in self.matches
        )
        return replace(self, matches=matches)


def rule(*matches: Match, then: Statement, comment: str = "") -> Rule:
    """Return the rule that does ``then`` with what answers to every match."""
    return Rule(matches, then, comment)


def _side(is_source: bool) -> str:  # noqa: FBT001
    return "saddr" if is_source else "daddr"


def _not(is_inverted: bool) -> str:  # noqa: FBT001
    return "!= " if is_inverted else ""
