"""Where the rules a kernel holds are not those it was meant to hold."""

from collections.abc import Iterator
from dataclasses import dataclass
from difflib import SequenceMatcher
from enum import StrEnum

from netlab.model.addresses import Family
from netlab.netfilter.iptables.canonical import normalise
from netlab.netfilter.iptables.rules import Chain, Ruleset, Table


class Side(StrEnum):
    """Who has what the other has not."""

    WANTED = "wanted"
    KERNEL = "kernel"


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """A rule, or the declaration of a chain, that only one side has at this place."""

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
        left, right = wanted.get(name, []), held.get(name, [])
        matcher = SequenceMatcher(None, left, right, autojunk=False)
        for _, from_, to, start, end in matcher.get_opcodes():
            if left[from_:to] == right[start:end]:
                continue
            for only, lines in ((Side.WANTED, left[from_:to]), (Side.KERNEL, right[start:end])):
                for line in lines:
                    yield Difference(table=want.name, chain=name, only=only, text=line)


def _lines(chain: Chain) -> list[str]:
    declaration = [] if chain.policy is not None else [f":{chain.name} -"]
    return declaration + [str(rule) for rule in chain.rules]
