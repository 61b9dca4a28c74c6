"""Where kube-proxy's table in a kernel is not the one it was meant to be."""

import re
from collections.abc import Iterator
from difflib import SequenceMatcher
from ipaddress import (
    IPv4Network,
    IPv6Network,
    collapse_addresses,
    ip_address,
    ip_network,
    summarize_address_range,
)
from typing import Final, cast

from netlab.model.addresses import Network
from netlab.netfilter.iptables.differences import Difference, Side
from netlab.netfilter.nftables.table import TABLE, Chain, Hook, NamedSet, Rule, Table

_LISTED: Final = re.compile(r"(?<=saddr != )(\{ [^}]+ \}|\S+)|(?<=daddr )(\{ [^}]+ \})")


def table_differences(want: Table | None, have: Table | None) -> list[Difference]:
    """Return what only one of two tables has, None being a table that is not there.

    Tables that act alike have none. A rule in another place of its chain is there twice.
    """
    chains = _pairs(want.chains if want else (), have.chains if have else ())
    sets = _pairs(want.sets if want else (), have.sets if have else ())
    return [
        *(one for left, right in chains for one in _of_chain(left, right)),
        *(one for left, right in sets for one in _of_set(left, right)),
    ]


def acts_as(want: Chain | NamedSet, have: Chain | NamedSet) -> bool:
    """Tell whether one chain or set does what another one would, whatever is said of it.

    Members of a set may be in any order.
    """
    if isinstance(want, Chain) and isinstance(have, Chain):
        is_same = (want.hook, want.rules) == (have.hook, have.rules)
        return is_same or list(_chain_lines(want)) == list(_chain_lines(have))
    return set(_set_lines(want)) == set(_set_lines(have))


def normal_words(words: str) -> str:
    """Return the words of a rule with its addresses as nft lists them, whatever their order.

    >>> normal_words("ip saddr != { 10.0.1.0/24, 10.0.0.0/24 } drop")
    'ip saddr != 10.0.0.0/23 drop'
    """
    return _LISTED.sub(lambda found: _networks(found[0]), words)


def _networks(listed: str) -> str:
    try:
        networks = [one for text in listed.strip("{} ").split(", ") for one in _network(text)]
    except ValueError:
        # A set's name, say, in a rule that is none of kube-proxy's.
        return listed
    collapsed = cast("Iterator[Network]", collapse_addresses(cast("list[IPv4Network]", networks)))
    texts = [_spelled(network) for network in collapsed]
    return texts[0] if len(texts) == 1 else f"{{ {', '.join(texts)} }}"


def _network(text: str) -> Iterator[IPv4Network | IPv6Network]:
    first, is_range, last = text.partition("-")
    if is_range:
        yield from summarize_address_range(ip_address(first), ip_address(last))
    else:
        yield ip_network(text)


def _spelled(network: Network) -> str:
    is_host = network.prefixlen == network.max_prefixlen
    return str(network.network_address) if is_host else str(network)


_One = Chain | NamedSet


def _pairs(
    want: tuple[Chain, ...] | tuple[NamedSet, ...], have: tuple[Chain, ...] | tuple[NamedSet, ...]
) -> Iterator[tuple[_One | None, _One | None]]:
    wanted = {one.name: one for one in want}
    held = {one.name: one for one in have}
    for name in sorted(wanted.keys() | held.keys()):
        yield wanted.get(name), held.get(name)


def _of_chain(want: _One | None, have: _One | None) -> Iterator[Difference]:
    name = (want or have or Chain(name="")).name
    left, right = (list(_chain_lines(one)) for one in (want, have))
    if left == right:
        return
    matcher = SequenceMatcher(None, left, right, autojunk=False)
    for operation, from_, to, start, end in matcher.get_opcodes():
        if operation != "equal":
            for only, lines in ((Side.WANTED, left[from_:to]), (Side.KERNEL, right[start:end])):
                for line in lines:
                    yield Difference(table=TABLE, chain=name, only=only, text=line)


def _of_set(want: _One | None, have: _One | None) -> Iterator[Difference]:
    named = want or have
    kind = named.kind if isinstance(named, NamedSet) else "set"
    left, right = (dict.fromkeys(_set_lines(one)) for one in (want, have))
    for only, lines, others in ((Side.WANTED, left, right), (Side.KERNEL, right, left)):
        for line in lines:
            if line not in others and named is not None:
                yield Difference(table=TABLE, chain=named.name, only=only, text=line, kind=kind)


def _chain_lines(one: _One | None) -> Iterator[str]:
    if not isinstance(one, Chain):
        return
    yield f"chain {one.name}{_place(one.hook) if one.hook is not None else ''}"
    yield from map(_rule_line, one.rules)


def _place(hook: Hook) -> str:
    place = f"type {hook.type} hook {hook.name} priority {hook.priority}"
    return f" {{ {place} ; policy {hook.policy} ; }}"


def _rule_line(rule: Rule) -> str:
    comment = f' comment "{rule.comment}"' if rule.comment else ""
    return f"{normal_words(rule.words)}{comment}"


def _set_lines(one: _One | None) -> Iterator[str]:
    if not isinstance(one, NamedSet):
        return
    timeout = f" timeout {one.timeout_s}s ;" if one.timeout_s is not None else ""
    kind = f"{one.type} : verdict" if one.is_map else one.type
    yield f"{one.kind} {one.name} {{ type {kind} ;{timeout} }}"
    for element in one.elements:
        verdict = f" : {element.verdict}" if element.verdict else ""
        comment = f' comment "{element.comment}"' if element.comment else ""
        yield f"{element.key}{comment}{verdict}"
