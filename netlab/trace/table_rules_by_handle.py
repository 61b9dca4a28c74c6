"""The rules of kube-proxy's nftables table, found by what a rule trace gives: their handles.

The names of chains tell the Service and the endpoint. A rule that looks a packet up in a map is the
same for all Services; what tells them apart is the entry that the packet met.
"""

import re
from collections.abc import Mapping
from typing import Final

from netlab.kubeproxy.nftables.names import endpoint_of_chain, service_of_chain
from netlab.netfilter.nftables.listing import Listing
from netlab.netfilter.nftables.table import TABLE, Element, NamedSet, Rule
from netlab.trace.rules_by_handle import KnownRule, MapEntry, RuleBook

_MAP: Final = re.compile(r"vmap @(\S+)$")
_ACTS: Final = re.compile(r"(?:^| )(?:(dnat) to \S+|(masquerade)(?: \S+)?|(reject)|(drop))$")
"""What the last words of a rule do; iptables has the same words in capitals."""


def table_book(listing: Listing) -> RuleBook:
    """Return the rules that ``nft -a list table`` printed, by handle."""
    maps = {named.name: named for named in listing.table.sets if named.is_map}
    return {
        (TABLE, chain.name, handle): _rule(index, chain.name, rule, maps)
        for chain in listing.table.chains
        for index, (rule, handle) in enumerate(
            zip(chain.rules, listing.handles[chain.name], strict=True), 1
        )
    }


def _rule(index: int, chain: str, rule: Rule, maps: Mapping[str, NamedSet]) -> KnownRule:
    looked_up = _MAP.search(rule.words)
    named = maps.get(looked_up[1]) if looked_up else None
    acts = _ACTS.search(rule.words)
    comment = f' comment "{rule.comment}"' if rule.comment else ""
    return KnownRule(
        index=index,
        text=f"{rule.words}{comment}",
        comment=rule.comment,
        target=acts[acts.lastindex or 0].upper() if acts else "",
        service=service_of_chain(chain),
        endpoint=endpoint_of_chain(chain),
        entries={one.key: _entry(one) for one in named.elements} if named else {},
    )


def _entry(one: Element) -> MapEntry:
    comment = f' comment "{one.comment}"' if one.comment else ""
    target = one.verdict.removeprefix("goto ")
    return MapEntry(
        text=f"{one.key}{comment} : {one.verdict}", service=one.comment or service_of_chain(target)
    )
