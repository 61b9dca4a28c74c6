"""All rules that a kernel holds in one host: those of iptables, and kube-proxy's nftables table.

In nftables mode a node has both: the CNI's masquerading is of iptables. Where two base chains have
the same priority, the one that was registered last comes first; a table's chains are taken to be
as old as the table. The age of tables of iptables-legacy nobody can tell: in a lab that changed
over to nftables they are older than kube-proxy's, elsewhere newer. So both are walked.

Source: Linux, ``net/netfilter/core.c`` (nf_hook_entries_grow).
"""

import sys
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Final

from netlab.model.addresses import Address, Family
from netlab.netfilter.hooks import HookWalker, Route
from netlab.netfilter.iptables.parse import parse
from netlab.netfilter.iptables.rules import TABLE_NAMES, Ruleset
from netlab.netfilter.iptables.walk import base_chains
from netlab.netfilter.nftables.parse import parse_listing
from netlab.netfilter.nftables.table import TABLE, Table
from netlab.netfilter.nftables.walk import table_base_chains
from netlab.netfilter.verdicts import Outcome, Packet

SERVICES: Final = "KUBE-SERVICES"
"""kube-proxy's first chain of iptables."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedRules:
    """What a host's own programs print of its rules."""

    iptables: str = ""
    """By iptables-save."""
    kube_proxy: str = ""
    """By ``nft list table``, of kube-proxy's table; empty where there is none."""
    tables: tuple[str, ...] = ()
    """Tables of nftables that packets meet, in the order in which they were made."""

    def foreign(self) -> tuple[str, ...]:
        """Return the tables whose rules neither text has."""
        return tuple(name for name in self.tables if name not in {*TABLE_NAMES, TABLE})


class EitherOrder:
    """Walks packets through base chains whose order the kernel does not tell.

    Args:
        walkers: One for each order that is possible.
    """

    def __init__(self, *walkers: HookWalker) -> None:
        self._walkers = walkers

    def walk(self, packet: Packet) -> tuple[Outcome, ...]:
        """Return every way ``packet`` can go in any order; the orders are as likely as each other.

        Raises:
            SpecError: As a walker does.
        """
        orders = dict.fromkeys(walker.walk(packet) for walker in self._walkers)
        return tuple(
            replace(outcome, chance=outcome.chance / len(orders))
            for outcomes in orders
            for outcome in outcomes
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class HostRules:
    """The rules of one host."""

    iptables: Ruleset
    kube_proxy: Table | None = None
    tables: tuple[str, ...] = ()
    """Tables of nftables in the order in which they were made; one not named is the newest."""

    def walker(
        self,
        local: Iterable[Address],
        route: Route | None = None,
        most_ways: int = sys.maxsize,
    ) -> "HookWalker | EitherOrder":
        """Return what walks packets through all of them.

        Args:
            local: The host's addresses.
            route: Its routes.
            most_ways: Of a choice among more endpoints the first stands for all.
        """
        kept = frozenset(local)
        chains = list(base_chains(self.iptables, kept, most_ways))
        if self.kube_proxy is not None:
            chains += table_base_chains(self.kube_proxy, kept, most_ways)
        age = {name: number for number, name in enumerate(self.tables)}

        def walker(unlisted: int) -> HookWalker:
            ordered = sorted(chains, key=lambda chain: -age.get(chain.table, unlisted))
            return HookWalker(ordered, kept, route)

        newest = walker(len(age))
        return EitherOrder(newest, walker(-1)) if self._has_tables_of_unknown_age() else newest

    def _has_tables_of_unknown_age(self) -> bool:
        """Tell whether there are tables of iptables-legacy beside kube-proxy's, which is listed."""
        is_listed = TABLE in self.tables
        return is_listed and any(table.name not in self.tables for table in self.iptables.tables)

    def has_kube_proxy(self) -> bool:
        """Tell whether kube-proxy's rules are among them."""
        nat = self.iptables.table("nat")
        return self.kube_proxy is not None or (nat is not None and nat.chain(SERVICES) is not None)


def parse_host_rules(listed: ListedRules, family: Family) -> HostRules:
    """Return the rules that were listed.

    Raises:
        SpecError: A text is none that its program prints.
    """
    return HostRules(
        iptables=parse(listed.iptables, family),
        kube_proxy=parse_listing(listed.kube_proxy).table if listed.kube_proxy else None,
        tables=listed.tables,
    )
