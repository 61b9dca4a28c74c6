"""The smallest change from what the kernel holds to what it should, as text for ``nft -f``.

A chain that goes is emptied now and deleted by the next change: kernels before 6.2 count a map's
reference to a chain for a moment longer than the map's element lives, and refuse to delete it.

Source: kube-proxy, ``pkg/proxy/nftables/proxier.go`` (syncProxyRules, staleChains).
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace

from netlab.model.addresses import Family
from netlab.netfilter.nftables.differences import acts_as
from netlab.netfilter.nftables.families import ip
from netlab.netfilter.nftables.render import add_chain, add_rule, add_set, element, render
from netlab.netfilter.nftables.table import TABLE, Chain, NamedSet, Table


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A transaction, and what the kernel holds once it went through."""

    text: str
    """Empty when there is nothing to do."""
    holds: Table
    """What was wanted, and chains that are empty and wait to be deleted."""


def full_sync(want: Table, have: Table | None = None) -> Change:
    """Return the change to ``want`` from a table that was read back, however it is spelled.

    A chain or set that does not act as it is wanted is emptied and filled again, or made anew;
    what does is left alone. Nobody knows who uses a chain that is not wanted, so it waits.

    Args:
        want: What should be there.
        have: What was found; None when there is no table.
    """
    if have is None or _is_in_the_way(want, have):
        return Change(text=removal_text(want.family) + render(want), holds=want)
    waiting = waiting_chains(want, have)
    lines, left = _cleared(want, without(have, waiting))
    change = partial_sync(want, left)
    text = "".join(f"{line}\n" for line in lines) + change.text
    holds = replace(change.holds, chains=(*change.holds.chains, *waiting))
    return Change(text=text, holds=holds)


def waiting_chains(want: Table, have: Table) -> tuple[Chain, ...]:
    """Return the chains of ``have`` that are empty and wait to be deleted."""
    wanted = {chain.name for chain in want.chains}
    return tuple(
        chain
        for chain in have.chains
        if chain.name not in wanted and not chain.rules and chain.hook is None
    )


def without(table: Table, chains: Collection[Chain]) -> Table:
    """Return ``table`` without some of its chains."""
    gone = {chain.name for chain in chains}
    return replace(table, chains=tuple(c for c in table.chains if c.name not in gone))


def _is_in_the_way(want: Table, have: Table) -> bool:
    """Tell whether something is there under a name that is wanted for another kind of thing.

    The table then goes and comes again, in one transaction: clients lose their affinity.
    """
    kinds = {named.name: _kind(named) for named in want.sets}
    bases = {chain.name for chain in want.chains if chain.hook is not None}
    return any(kinds.get(one.name, _kind(one)) != _kind(one) for one in have.sets) or any(
        chain.name in bases and chain.hook is None for chain in have.chains
    )


def _kind(named: NamedSet) -> tuple[bool, str, bool]:
    return named.is_map, named.type, named.timeout_s is None


def _cleared(want: Table, have: Table) -> tuple[list[str], Table]:
    """Return the commands that clear the way for a partial sync, and what they leave.

    What acts as it is wanted is left in the very words of ``want``. Sets that do not are empty, but
    for those whose members come from packets; and chains at a hook where none of the name is wanted
    are gone: no rule can lead to one.
    """
    lines: list[str] = []
    chains, sets = [], []
    wanted = {chain.name: chain for chain in want.chains}
    for chain in have.chains:
        aim = wanted.get(chain.name)
        if chain.hook is not None and (aim is None or aim.hook != chain.hook):
            lines.append(f"delete chain {want.path} {chain.name}")
        else:
            chains.append(aim if aim is not None and acts_as(aim, chain) else chain)
    aims = {named.name: named for named in want.sets}
    for named in have.sets:
        aim_set = aims.get(named.name, named)
        if acts_as(aim_set, named):
            sets.append(aim_set)
        elif named.timeout_s is not None:
            sets.append(named)
        else:
            lines.append(f"flush {named.kind} {want.path} {named.name}")
            sets.append(replace(named, elements=()))
    return lines, replace(have, chains=tuple(chains), sets=tuple(sets))


def partial_sync(want: Table, have: Table) -> Change:
    """Return the change from ``have`` to ``want``: nothing that is the same is written again."""
    old = {chain.name: chain for chain in have.chains}
    new = {chain.name: chain for chain in want.chains}
    stale = [chain for name, chain in old.items() if name not in new]
    emptied = [replace(chain, rules=()) for chain in stale if chain.rules]
    # Most chains are the very values of the last sync; only others are worth a look inside.
    changed = [
        chain
        for name, chain in new.items()
        if (known := old.get(name)) is not chain and known != chain
    ]
    sets = _SetChanges(want, have)
    lines = [
        *sets.additions(),
        *(add_chain(want, chain) for chain in changed if chain.name not in old),
        *(f"flush chain {want.path} {c.name}" for c in (*changed, *emptied) if c.name in old),
        *(add_rule(want, chain, rule) for chain in changed for rule in chain.rules),
        *sets.elements(),
        *(f"delete chain {want.path} {chain.name}" for chain in stale if not chain.rules),
        *sets.deletions(),
    ]
    text = "".join(f"{line}\n" for line in lines)
    return Change(text=text, holds=replace(want, chains=(*want.chains, *emptied)))


def removal_text(family: Family) -> str:
    """Return the text that takes the whole table away, whether it is there or not."""
    path = f"{ip(family)} {TABLE}"
    return f"add table {path}\ndelete table {path}\n"


class _SetChanges:
    """What becomes of the sets and maps between two tables."""

    def __init__(self, want: Table, have: Table) -> None:
        self._want = want
        self._old = {named.name: named for named in have.sets}
        self._new = {named.name: named for named in want.sets}

    def additions(self) -> Iterator[str]:
        for name, named in self._new.items():
            old = self._old.get(name)
            if old is None or old.timeout_s != named.timeout_s:
                yield add_set(self._want, named)

    def elements(self) -> Iterator[str]:
        for name, named in self._new.items():
            old = self._old.get(name)
            if old != named:
                yield from self._members(named, old)

    def deletions(self) -> Iterator[str]:
        for name, named in self._old.items():
            if name not in self._new:
                yield f"delete {named.kind} {self._want.path} {name}"

    def _members(self, named: NamedSet, old: NamedSet | None) -> Iterator[str]:
        before = {one.key: one for one in old.elements} if old is not None else {}
        after = {one.key: one for one in named.elements}
        for key, one in before.items():
            if after.get(key) != one:
                # The key alone names it.
                yield element("delete", self._want, named, replace(one, verdict=None, comment=""))
        for key, one in after.items():
            if before.get(key) != one:
                yield element("add", self._want, named, one)
