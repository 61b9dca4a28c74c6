"""The smallest change from what the kernel holds to what it should, as text for ``nft -f``.

A chain that goes is emptied now and deleted by the next change: kernels before 6.2 count a map's
reference to a chain for a moment longer than the map's element lives, and refuse to delete it.

Source: kube-proxy, ``pkg/proxy/nftables/proxier.go`` (syncProxyRules, staleChains).
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from netlab.model.addresses import Family
from netlab.proxy.nftables.render import add_chain, add_rule, add_set, element, render
from netlab.proxy.nftables.table import TABLE, Chain, NamedSet, Table, ip


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A transaction, and what the kernel holds once it went through."""

    text: str
    """Empty when there is nothing to do."""
    holds: Table
    """What was wanted, and chains that are empty and wait to be deleted."""


def full_sync(want: Table, have: Table | None = None) -> Change:
    """Return the change to ``want``, all of which is written anew.

    Args:
        want: What should be there.
        have: What was found, of which only the names count; None when there is no table.
    """
    if have is None or _is_in_the_way(want, have):
        return Change(text=removal_text(want.family) + render(want), holds=want)
    known = {chain.name for chain in want.chains}
    emptied = [Chain(name=chain.name) for chain in have.chains if chain.name not in known]
    sets = {named.name for named in want.sets}
    lines = [f"flush chain {want.path} {chain.name}" for chain in emptied]
    lines += [
        f"delete {one.kind} {want.path} {one.name}" for one in have.sets if one.name not in sets
    ]
    text = render(want) + "".join(f"{line}\n" for line in lines)
    return Change(text=text, holds=replace(want, chains=(*want.chains, *emptied)))


def _is_in_the_way(want: Table, have: Table) -> bool:
    """Tell whether a set is there under a name that is wanted for one of another kind.

    The table then goes and comes again, in one transaction: clients lose their affinity.
    """
    kinds = {named.name: (named.is_map, named.type) for named in want.sets}
    return any(
        kinds.get(one.name, found) != found
        for one in have.sets
        for found in [(one.is_map, one.type)]
    )


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
                yield element("delete", self._want, named, replace(one, verdict="", comment=""))
        for key, one in after.items():
            if before.get(key) != one:
                yield element("add", self._want, named, one)
