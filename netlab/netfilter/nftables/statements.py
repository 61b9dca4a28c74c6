"""The words of a rule as values: what it asks of a packet, and what it does with it.

Only the words that kube-proxy's table has are known.

Source: nft(8).
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import ip_network
from typing import Final

from netlab.errors import SpecError
from netlab.model.addresses import Network


@dataclass(frozen=True, slots=True, kw_only=True)
class HasAddress:
    """The packet's source or destination is one of these."""

    is_source: bool
    is_inverted: bool
    networks: tuple[Network, ...] = ()
    set_name: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class HasProtocol:
    """The packet's transport protocol, and maybe its destination port."""

    protocol: str
    port: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CameBy:
    """The packet came in by this interface; a closing asterisk stands for any rest."""

    ifname: str
    is_inverted: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class IsLocal:
    """The packet's source or destination is an address of the node."""

    is_source: bool


@dataclass(frozen=True, slots=True)
class IsUnmarked:
    """None of the bits of ``mask`` is set in the packet's mark."""

    mask: int


@dataclass(frozen=True, slots=True)
class IsNew:
    """The packet is the first of its connection."""


@dataclass(frozen=True, slots=True)
class Decide:
    """``drop``, ``reject``, ``return``, ``jump CHAIN`` or ``goto CHAIN``."""

    words: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LookUp:
    """Do what a map says about the packet's protocol and port, and maybe its destination."""

    map_name: str
    has_address: bool


@dataclass(frozen=True, slots=True)
class Choose:
    """Do one of these, each as likely as the others."""

    verdicts: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeMark:
    """Set the bits of ``mask`` in the packet's mark, or turn each of them round."""

    is_xor: bool
    mask: int


@dataclass(frozen=True, slots=True)
class Remember:
    """Put the packet's source into a set, or have it stay there longer."""

    set_name: str


@dataclass(frozen=True, slots=True)
class DnatTo:
    """Rewrite the destination to ``address:port``."""

    endpoint: str


@dataclass(frozen=True, slots=True)
class Masquerade:
    """Rewrite the source to the address the packet leaves by."""


def _networks(listed: str | None) -> tuple[Network, ...]:
    return tuple(ip_network(text) for text in listed.split(", ")) if listed else ()


Condition = HasAddress | HasProtocol | CameBy | IsLocal | IsUnmarked | IsNew
Action = Decide | LookUp | Choose | ChangeMark | Remember | DnatTo | Masquerade

_Groups = re.Match[str]
_CONDITIONS: Final[tuple[tuple[re.Pattern[str], Callable[[_Groups], Condition]], ...]] = (
    (re.compile(r"ct state new"), lambda _: IsNew()),
    (
        re.compile(r"ip6? (?P<side>[sd])addr (?P<not>!= )?(?:@(?P<set>\S+)|\{ (?P<many>.+?) \}"
                   r"|(?P<one>[0-9a-f:][0-9a-f.:/]*))"),
        lambda found: HasAddress(
            is_source=found["side"] == "s",
            is_inverted=bool(found["not"]),
            set_name=found["set"] or "",
            networks=_networks(found["many"] or found["one"]),
        ),
    ),
    (
        re.compile(r"(?P<protocol>tcp|udp|sctp) dport (?P<port>\d+)"),
        lambda found: HasProtocol(protocol=found["protocol"], port=int(found["port"])),
    ),
    (
        re.compile(r"meta l4proto (?P<protocol>tcp|udp|sctp)"),
        lambda found: HasProtocol(protocol=found["protocol"]),
    ),
    (
        re.compile(r'iifname (?P<not>!= )?"(?P<ifname>[^"]*)"'),
        lambda found: CameBy(ifname=found["ifname"], is_inverted=bool(found["not"])),
    ),
    (
        re.compile(r"fib (?P<side>[sd])addr type local"),
        lambda found: IsLocal(is_source=found["side"] == "s"),
    ),
    (re.compile(r"mark and (?P<mask>0x[0-9a-f]+) == 0"), lambda f: IsUnmarked(int(f["mask"], 16))),
)  # fmt: skip
_ACTIONS: Final[tuple[tuple[re.Pattern[str], Callable[[_Groups], Action]], ...]] = (
    (re.compile(r"drop|reject|return|(?:jump|goto) \S+"), lambda found: Decide(found[0])),
    (
        re.compile(r"(?P<address>ip6? daddr \. )?meta l4proto \. th dport vmap @(?P<map>\S+)"),
        lambda found: LookUp(map_name=found["map"], has_address=bool(found["address"])),
    ),
    (
        re.compile(r"numgen random mod \d+ vmap \{ (?P<choices>.+) \}"),
        lambda found: Choose(
            tuple(choice.partition(" : ")[2] for choice in found["choices"].split(", "))
        ),
    ),
    (
        re.compile(r"mark set mark (?P<how>or|xor) (?P<mask>0x[0-9a-f]+)"),
        lambda found: ChangeMark(is_xor=found["how"] == "xor", mask=int(found["mask"], 16)),
    ),
    (re.compile(r"update @(?P<set>\S+) \{ ip6? saddr \}"), lambda found: Remember(found["set"])),
    (re.compile(r"dnat to (?P<endpoint>\S+)"), lambda found: DnatTo(found["endpoint"])),
    (re.compile(r"masquerade fully-random"), lambda _: Masquerade()),
)  # fmt: skip


@lru_cache(maxsize=1 << 16)
def read_rule(words: str) -> tuple[tuple[Condition, ...], Action]:
    """Return what a rule asks of a packet, and what it does with one that meets all of it.

    Raises:
        SpecError: The words are none that kube-proxy's table has.
    """
    conditions: list[Condition] = []
    rest = words
    while True:
        for pattern, make in _ACTIONS:
            found = pattern.fullmatch(rest)
            if found:
                return tuple(conditions), make(found)
        for condition_pattern, make_condition in _CONDITIONS:
            found = condition_pattern.match(rest)
            if found and rest[found.end() :].startswith(" "):
                conditions.append(make_condition(found))
                rest = rest[found.end() + 1 :]
                break
        else:
            raise SpecError(f"no rule of kube-proxy's table: {words}")
