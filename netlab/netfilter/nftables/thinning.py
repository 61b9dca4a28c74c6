"""Large balancing chains made small, as ``netlab.netfilter.iptables.thinning`` does for iptables.

A rule that chooses among many chains, each of which rewrites the destination, is put down to its
first choice; what that stands for is returned beside.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from ipaddress import ip_address

from netlab.errors import SpecError
from netlab.netfilter.iptables.targets import Dnat
from netlab.netfilter.nftables.statements import Action, Choose, DnatTo, read_rule
from netlab.netfilter.nftables.table import Chain, Rule, Table


@dataclass(frozen=True, slots=True)
class ThinnedTable:
    """A table with small chains, and what was taken out of it."""

    table: Table
    endpoints: dict[str, tuple[tuple[Dnat, Fraction], ...]]
    """For each chain that was thinned: every rewriting it leads to, with its chance, in order."""


def thin_table(table: Table, most: int) -> ThinnedTable:
    """Return a table in which no chain chooses among more than ``most`` endpoints.

    A chain with rules that are none of kube-proxy's stays as it is.
    """
    chains = {chain.name: chain for chain in table.chains}
    endpoints = {}
    for chain in table.chains:
        choice = _last_action(chain)
        if not isinstance(choice, Choose) or len(choice.verdicts) <= most:
            continue
        found = _endpoints(choice, chains)
        if found is not None:
            endpoints[chain.name] = found
            first = Rule(words=f"numgen random mod 1 vmap {{ 0 : {choice.verdicts[0]} }}")
            chains[chain.name] = replace(chain, rules=(*chain.rules[:-1], first))
    return ThinnedTable(replace(table, chains=tuple(chains.values())), endpoints)


def _endpoints(
    choice: Choose, chains: Mapping[str, Chain]
) -> tuple[tuple[Dnat, Fraction], ...] | None:
    """Return where a choice leads, with chances; None when to anything but endpoints."""
    found = []
    for verdict in choice.verdicts:
        chain = chains.get(verdict.removeprefix("goto "))
        rewriting = _last_action(chain) if chain is not None else None
        if not isinstance(rewriting, DnatTo):
            return None
        host, _, port = rewriting.endpoint.rpartition(":")
        to = Dnat(ip_address(host.strip("[]")), int(port))
        found.append((to, Fraction(1, len(choice.verdicts))))
    return tuple(found)


def _last_action(chain: Chain) -> Action | None:
    """Return what the last rule of a chain does; None when there is none, or nobody knows."""
    if not chain.rules:
        return None
    try:
        return read_rule(chain.rules[-1].words)[1]
    except SpecError:
        return None
