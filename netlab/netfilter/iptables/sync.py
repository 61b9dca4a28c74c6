"""The least text that brings a kernel from one ruleset to another.

Theory of operation
-------------------
One text for ``iptables-restore --noflush``. The chains that ``want`` declares are its owner's: one
that differs is declared, which empties it, and filled again. A built-in chain is shared with
others: an owner's rules there are jumps, put at the top or the end in the order of ``want``, and
every other rule stays where it is. Chains made for one object, a Service for one, carry a prefix
and a hash; those that ``want`` no longer has are emptied and deleted. Each table is replaced in one
step by the kernel, so no packet ever meets half a ruleset.

Who knows what changed says so with ``TableChange`` and spares the comparison of everything.

Source: kube-proxy, ``pkg/proxy/iptables/proxier.go`` (syncProxyRules); iptables-restore(8).
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from netlab.model.addresses import Family
from netlab.netfilter.iptables.canonical import normalise_rule
from netlab.netfilter.iptables.rules import Chain, Rule, Ruleset, Table
from netlab.netfilter.iptables.targets import Goto, Jump, OtherTarget
from netlab.netfilter.ruleset_owner import RulesetOwner


@dataclass(frozen=True, slots=True, kw_only=True)
class TableChange:
    """What becomes of one table; every chain that is not named stays as it is."""

    table: str
    written: tuple[Chain, ...] = ()
    """Made, or emptied and filled again."""
    deleted: tuple[str, ...] = ()
    jumps: tuple[str, ...] = ()
    """Commands for built-in chains."""


def change_text(changes: Iterable[TableChange]) -> str:
    """Return the text that carries out ``changes``; empty when there are none."""
    return "".join(map(_table_text, changes))


def sync_text(want: Ruleset, have: Ruleset, owner: RulesetOwner) -> str:
    """Return the text that turns ``have`` into ``want``; empty when nothing differs.

    Rules in chains that are not the owner's, and the policies of built-in chains, stay as they are.
    A stale chain that another's rule still jumps to is emptied but kept: the kernel would refuse to
    delete it, and everything else with it.
    """
    names = sorted({table.name for table in (*want.tables, *have.tables)})
    return change_text(
        _change(
            want.table(name) or Table(name, ()),
            have.table(name) or Table(name, ()),
            want.family,
            owner,
        )
        for name in names
    )


def _table_text(change: TableChange) -> str:
    # For each rule, iptables-restore of the nf_tables kind walks its list of all chains, which it
    # keeps sorted. Declared in that order they lie in a row in memory: with 30,000 chains the whole
    # restore is five times as fast.
    declared = sorted([*(chain.name for chain in change.written), *change.deleted])
    lines = [f":{name} - [0:0]" for name in declared]
    lines += change.jumps
    lines += [str(rule) for chain in change.written for rule in chain.rules]
    lines += [f"-X {name}" for name in change.deleted]
    return "\n".join([f"*{change.table}", *lines, "COMMIT", ""]) if lines else ""


def _change(want: Table, have: Table, family: Family, owner: RulesetOwner) -> TableChange:
    """Return what one table lacks: ``want`` as it is written, where the normal forms differ."""
    wanted = {chain.name for chain in want.chains}
    present = {chain.name: chain for chain in have.chains}
    own = [chain for chain in want.chains if chain.policy is None]
    changed = [chain for chain in own if not _is_same(present.get(chain.name), chain, family)]
    stale = [
        chain
        for chain in have.chains
        if chain.name not in wanted and chain.name.startswith(owner.object_chains)
    ]
    kept = _targets_of_others(have, {chain.name for chain in (*own, *stale)})
    emptied = [Chain(chain.name, ()) for chain in stale if chain.name in kept and chain.rules]
    return TableChange(
        table=want.name,
        written=(*changed, *emptied),
        deleted=tuple(chain.name for chain in stale if chain.name not in kept),
        jumps=tuple(
            line
            for chain in want.chains
            if chain.policy is not None
            for line in _sync_jumps(chain, present.get(chain.name), family, appends=owner.appends)
        ),
    )


def _is_same(have: Chain | None, want: Chain, family: Family) -> bool:
    # Most chains are the very values of the last sync; only others are worth normalising.
    if have is None or have == want:
        return have is not None
    return _normal_rules(have, family) == _normal_rules(want, family)


def _sync_jumps(want: Chain, have: Chain | None, family: Family, *, appends: bool) -> Iterator[str]:
    """Yield what puts ``want``'s rules at the top, or the end, of a built-in chain, in order.

    Nothing when they are there in that order already, wherever others' rules lie between them.
    """
    rules = have.rules if have is not None else ()
    wanted = _normal_rules(want, family)
    ours = frozenset(wanted)
    present = [rule for rule in rules if normalise_rule(rule, family) in ours]
    if tuple(normalise_rule(rule, family) for rule in present) == wanted:
        return
    # By what they say and not by their numbers: others' rules may lie between them by now.
    yield from (f"-D {want.name}{rule.specification}" for rule in present)
    if appends:
        yield from (f"-A {want.name}{rule.specification}" for rule in want.rules)
    else:
        yield from (f"-I {want.name}{rule.specification}" for rule in reversed(want.rules))


def _normal_rules(chain: Chain, family: Family) -> tuple[Rule, ...]:
    return tuple(normalise_rule(rule, family) for rule in chain.rules)


def _targets_of_others(table: Table, own: set[str]) -> set[str]:
    """Return the chains that rules outside ``own`` lead to."""
    return {
        target
        for chain in table.chains
        if chain.name not in own
        for rule in chain.rules
        if (target := _leads_to(rule))
    }


def _leads_to(rule: Rule) -> str:
    match rule.target:
        case Jump(chain) | Goto(chain):
            return chain
        case OtherTarget(words):
            return words[1] if len(words) > 1 else ""
        case _:
            return ""
