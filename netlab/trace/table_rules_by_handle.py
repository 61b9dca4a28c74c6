"""The rules of kube-proxy's nftables table, found by what a rule trace gives: their handles.

The names of chains tell the Service and the endpoint. A rule that looks a packet up in a map is the
same for all Services; what tells them apart is the entry that the packet met.
"""

from collections.abc import Mapping
from typing import Final

from netlab.kubeproxy.nftables.names import endpoint_of_chain, service_of_chain
from netlab.netfilter.nftables.parse import Listing
from netlab.netfilter.nftables.rules import (
    DnatStatement,
    MapLookup,
    MasqueradeStatement,
    Rule,
    Statement,
    VerdictStatement,
)
from netlab.netfilter.nftables.table import TABLE, Element, NamedSet
from netlab.trace.rules_by_handle import KnownRule, MapEntry, RuleBook

_TARGETS: Final = {DnatStatement: "DNAT", MasqueradeStatement: "MASQUERADE"}
"""Statements in the words of iptables; of verdicts those that end a packet's way."""


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
    statement = rule.statement
    named = maps.get(statement.map_name) if isinstance(statement, MapLookup) else None
    return KnownRule(
        index=index,
        text=str(rule),
        comment=rule.comment,
        target=_target(statement),
        service=service_of_chain(chain),
        endpoint=endpoint_of_chain(chain),
        entries={one.key: _entry(one) for one in named.elements} if named else {},
    )


def _target(statement: Statement) -> str:
    match statement:
        case VerdictStatement("drop" | "reject" as verb):
            return verb.upper()
        case _:
            return _TARGETS.get(type(statement), "")


def _entry(one: Element) -> MapEntry:
    led_to = one.verdict.chain if one.verdict is not None else ""
    return MapEntry(text=str(one), service=one.comment or service_of_chain(led_to))
