"""Where the rules a kernel holds are not those it was meant to hold."""

from collections.abc import Iterator
from dataclasses import dataclass
from difflib import SequenceMatcher
from enum import StrEnum
from typing import Final

from netlab.model.addresses import Family
from netlab.netfilter.iptables.canonical import normalise
from netlab.netfilter.iptables.rules import Chain, Ruleset, Table
from netlab.netfilter.verdicts import Hook

_BUILT_IN: Final = frozenset(Hook)
"""Chains that every table has of its own, with a policy for what no rule decides."""


class Side(StrEnum):
    """Who has what the other has not."""

    WANTED = "wanted"
    KERNEL = "kernel"


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """A rule, a policy, or the declaration of a chain, that only one side has at this place."""

    table: str
    chain: str
    only: Side
    text: str
    kind: str = "chain"
    """What ``chain`` names: in nftables also a ``set`` or a ``map``."""
    family: Family = Family.IPV4


def differences(want: Ruleset, have: Ruleset) -> list[Difference]:
    """Return what only one of two rulesets has, by table and chain, in the order of the rules.

    Rulesets that act alike have none. A rule in another place of its chain is there twice: where
    it was wanted, and where it is.
    """
    wanted, held = normalise(want), normalise(have)
    names = sorted({table.name for table in (*wanted.tables, *held.tables)})
    return [
        difference
        for name in names
        for difference in _of_table(
            wanted.table(name) or Table(name, ()), held.table(name) or Table(name, ())
        )
    ]


def _of_table(want: Table, have: Table) -> Iterator[Difference]:
    wanted = {chain.name: _lines(chain) for chain in want.chains}
    held = {chain.name: _lines(chain) for chain in have.chains}
    for name in sorted(wanted.keys() | held.keys()):
        absent = _lines(Chain(name, (), "ACCEPT")) if name in _BUILT_IN else []
        left, right = wanted.get(name, absent), held.get(name, absent)
        matcher = SequenceMatcher(None, left, right, autojunk=False)
        for _, from_, to, start, end in matcher.get_opcodes():
            if left[from_:to] == right[start:end]:
                continue
            for only, lines in ((Side.WANTED, left[from_:to]), (Side.KERNEL, right[start:end])):
                for line in lines:
                    yield Difference(table=want.name, chain=name, only=only, text=line)


def _lines(chain: Chain) -> list[str]:
    """Return a chain as the commands that make it; who names no policy wants ACCEPT."""
    if chain.name in _BUILT_IN:
        declaration = f"-P {chain.name} {chain.policy or 'ACCEPT'}"
    else:
        declaration = f":{chain.name} -"
    return [declaration, *map(str, chain.rules)]
