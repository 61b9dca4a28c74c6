"""The words of a rule to its value: as netlab writes them, and as nft lists them.

nft spells marks and lists of addresses otherwise than they were written.

Source: nft(8).
"""

import re
from collections.abc import Callable, Iterator
from ipaddress import ip_address, ip_network, summarize_address_range
from typing import Final

from netlab.model.addresses import Address, Family, Network
from netlab.model.packets import AddrPort
from netlab.netfilter.nftables.families import ip
from netlab.netfilter.nftables.rules import (
    AddressMatch,
    DnatStatement,
    IifNameMatch,
    LocalAddressMatch,
    MapLookup,
    MarkStatement,
    MasqueradeStatement,
    Match,
    NewConnectionMatch,
    OtherRule,
    ProtocolMatch,
    RandomVerdict,
    Rule,
    Statement,
    UnmarkedMatch,
    UpdateSetStatement,
    VerdictStatement,
)

FAMILIES: Final = {ip(family): family for family in Family}
"""By nft's words for them."""
_Groups = re.Match[str]
_MASK: Final = r"(?P<mask>0x[0-9a-f]+)"
_Form = tuple[re.Pattern[str], Callable[[_Groups], Match | Statement]]


def parse_rule(words: str, comment: str = "") -> Rule:
    """Return the rule that ``words`` say; one that is none of kube-proxy's is an ``OtherRule``.

    >>> parse_rule("ip6 daddr @cluster-ips reject").statement
    VerdictStatement(verb='reject', chain='')
    """
    matches: list[Match] = []
    at = 0
    while (found := _next(words, at)) is not None:
        one, end = found
        if isinstance(one, Statement):
            return Rule(tuple(matches), one, comment)
        matches.append(one)
        at = end + 1
    return Rule((), OtherRule(words), comment)


def parse_verdict(words: str) -> VerdictStatement:
    """Return the verdict that ``words`` say.

    >>> parse_verdict("goto reject-chain").chain
    'reject-chain'
    """
    verb, _, chain = words.partition(" ")
    return VerdictStatement(verb, chain)


def _next(words: str, at: int) -> tuple[Match | Statement, int] | None:
    """Return the match that begins at ``at`` and where it ends, or the statement up to the end."""
    first = words[at:].partition(" ")[0]
    for pattern, make in _FORMS.get(first, ()):
        found = pattern.match(words, at)
        if found is None:
            continue
        end = found.end()
        try:
            one = make(found)
        except ValueError:
            # What looks like an address and is none.
            return None
        if end == len(words) if isinstance(one, Statement) else words.startswith(" ", end):
            return one, end
    return None


def _address_match(found: _Groups) -> AddressMatch:
    listed = found["many"]
    texts = listed.split(", ") if listed else [found["one"]] if found["one"] else []
    return AddressMatch(
        family=FAMILIES[found["family"]],
        is_source=found["side"] == "s",
        is_inverted=bool(found["not"]),
        addresses=tuple(one for text in texts for one in _addresses(text)),
        is_list=len(texts) == 1 and bool(listed),
        set_name=found["set"] or "",
    )


def _addresses(text: str) -> Iterator[Address | Network]:
    first, is_range, last = text.partition("-")
    if is_range:
        yield from summarize_address_range(ip_address(first), ip_address(last))
    else:
        yield ip_network(text) if "/" in text else ip_address(text)


def _map_lookup(found: _Groups) -> MapLookup:
    family = found["family"]
    return MapLookup(found["map"], FAMILIES[family] if family else None)


def _random(found: _Groups) -> RandomVerdict:
    choices = found["choices"].split(", ")
    return RandomVerdict(tuple(parse_verdict(one.partition(" : ")[2]) for one in choices))


def _mark(found: _Groups) -> MarkStatement:
    return MarkStatement(int(found["mask"], 16), is_xor=found["how"] in {"xor", "^"})


def _dnat(found: _Groups) -> DnatStatement:
    return DnatStatement(AddrPort(ip_address(found["address"].strip("[]")), int(found["port"])))


_ADDRESS: Final[_Form] = (
    re.compile(
        r"(?P<family>ip6?) (?P<side>[sd])addr (?P<not>!= )?(?:@(?P<set>\S+)"
        r"|\{ (?P<many>[0-9a-f:./, -]+?) \}|(?P<one>[0-9a-f:][0-9a-f.:/]*))"
    ),
    _address_match,
)
_LOOKUP: Final[_Form] = (
    re.compile(r"(?:(?P<family>ip6?) daddr \. )?meta l4proto \. th dport vmap @(?P<map>\S+)"),
    _map_lookup,
)
_PORT: Final[_Form] = (
    re.compile(r"(?P<protocol>\w+) dport (?P<port>\d+)"),
    lambda found: ProtocolMatch(found["protocol"], int(found["port"])),
)
_PROTOCOL: Final[_Form] = (
    re.compile(r"meta l4proto (?P<protocol>tcp|udp|sctp)"),
    lambda found: ProtocolMatch(found["protocol"]),
)
_UNMARKED: Final[_Form] = (
    re.compile(rf"(?:meta )?mark (?:and|&) {_MASK} == (?:0x0+|0)"),
    lambda found: UnmarkedMatch(int(found["mask"], 16)),
)
_SET_MARK: Final[_Form] = (
    re.compile(rf"(?:meta )?mark set (?:meta )?mark (?P<how>or|xor|\||\^) {_MASK}"),
    _mark,
)
_VERDICT: Final[_Form] = (
    re.compile(r"drop|reject|return|(?:jump|goto) \S+"),
    lambda found: parse_verdict(found[0]),
)
_FORMS: Final[dict[str, tuple[_Form, ...]]] = {
    **dict.fromkeys(("ip", "ip6"), (_ADDRESS, _LOOKUP)),
    **dict.fromkeys(("tcp", "udp", "sctp"), (_PORT,)),
    **dict.fromkeys(("drop", "reject", "return", "jump", "goto"), (_VERDICT,)),
    "meta": (_PROTOCOL, _LOOKUP, _UNMARKED, _SET_MARK),
    "mark": (_UNMARKED, _SET_MARK),
    "ct": ((re.compile(r"ct state new"), lambda _: NewConnectionMatch()),),
    "iifname": (
        (
            re.compile(r'iifname (?P<not>!= )?"(?P<ifname>[^"]*)"'),
            lambda found: IifNameMatch(found["ifname"], is_inverted=bool(found["not"])),
        ),
    ),
    "fib": (
        (
            re.compile(r"fib (?P<side>[sd])addr type local"),
            lambda found: LocalAddressMatch(found["side"] == "s"),
        ),
    ),
    "numgen": ((re.compile(r"numgen random mod \d+ vmap \{ (?P<choices>[^}]+) \}"), _random),),
    "update": (
        (
            re.compile(r"update @(?P<set>\S+) \{ (?P<family>ip6?) saddr \}"),
            lambda found: UpdateSetStatement(found["set"], FAMILIES[found["family"]]),
        ),
    ),
    "dnat": ((re.compile(r"dnat to (?P<address>\S+):(?P<port>\d+)"), _dnat),),
    "masquerade": ((re.compile(r"masquerade fully-random"), lambda _: MasqueradeStatement()),),
}
"""What a match or a statement looks like, by its first word."""
