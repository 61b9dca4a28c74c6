"""All rules that a kernel holds in one host: those of iptables, and kube-proxy's nftables table.

In nftables mode a node has both: the CNI's masquerading is of iptables. Where two base chains have
the same priority, the one that was registered last comes first; a table's chains are taken to be
as old as the table.

Source: Linux, ``net/netfilter/core.c`` (nf_hook_entries_grow).
"""

import sys
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from netlab.model.addresses import Address, Family
from netlab.netfilter.hooks import HookWalker, Route
from netlab.netfilter.iptables.parse import parse
from netlab.netfilter.iptables.rules import TABLE_NAMES, Ruleset
from netlab.netfilter.iptables.walk import base_chains
from netlab.netfilter.nftables.parse import parse_listing
from netlab.netfilter.nftables.table import TABLE, Table
from netlab.netfilter.nftables.walk import table_base_chains

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
    ) -> HookWalker:
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
        chains.sort(key=lambda chain: -age.get(chain.table, len(age)))
        return HookWalker(chains, kept, route)

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
