"""A table to text for ``nft -f``: one command a line, all of them one transaction."""

from collections.abc import Iterator

from netlab.netfilter.nftables.rules import Rule
from netlab.netfilter.nftables.table import TABLE_COMMENT, Chain, Element, NamedSet, Table


def render(table: Table) -> str:
    """Return the commands that bring ``table`` about, whatever was in it before.

    Chains and maps are emptied and filled again. Base chains are made anew, since the kernel does
    not change a chain's hook or priority. Sets whose members come from packets keep them. Chains
    and sets of Services that are gone stay behind, unreferenced: ``sync.stale_text`` names those.
    """
    return "".join(f"{line}\n" for line in _lines(table))


def add_chain(table: Table, chain: Chain) -> str:
    """Return the command that makes a chain."""
    parts = []
    if chain.hook is not None:
        hook = chain.hook
        parts.append(f"type {hook.type} hook {hook.name} priority {hook.priority} ;")
    if chain.comment:
        parts.append(f'comment "{chain.comment}" ;')
    properties = f" {{ {' '.join(parts)} }}" if parts else ""
    return f"add chain {table.path} {chain.name}{properties}"


def add_rule(table: Table, chain: Chain, rule: Rule) -> str:
    """Return the command that appends a rule."""
    return f"add rule {table.path} {chain.name} {rule}"


def add_set(table: Table, named: NamedSet) -> str:
    """Return the command that makes a set or map."""
    parts = [f"type {named.type}{' : verdict' if named.is_map else ''} ;"]
    if named.timeout_s is not None:
        # nft adds ``dynamic`` by itself to a set that rules write to, and then finds the flags of
        # the next ``add`` to differ.
        parts.append(f"flags dynamic,timeout ; timeout {named.timeout_s}s ;")
    if named.comment:
        parts.append(f'comment "{named.comment}" ;')
    return f"add {named.kind} {table.path} {named.name} {{ {' '.join(parts)} }}"


def element(verb: str, table: Table, named: NamedSet, one: Element) -> str:
    """Return the command that adds or deletes a member; ``verb`` is ``add`` or ``delete``."""
    return f"{verb} element {table.path} {named.name} {{ {one} }}"


def _lines(table: Table) -> Iterator[str]:
    yield f'add table {table.path} {{ comment "{TABLE_COMMENT}" ; }}'
    for chain in table.chains:
        if chain.hook is not None:
            # Deleting what is not there would fail the transaction, so it is made first.
            yield f"add chain {table.path} {chain.name}"
            yield f"delete chain {table.path} {chain.name}"
    yield from _empty_sets(table)
    for chain in table.chains:
        yield add_chain(table, chain)
        yield f"flush chain {table.path} {chain.name}"
    # A rule may lead to a chain that comes after its own, and an element to any chain.
    yield from (add_rule(table, chain, rule) for chain in table.chains for rule in chain.rules)
    yield from (element("add", table, named, one) for named in table.sets for one in named.elements)


def _empty_sets(table: Table) -> Iterator[str]:
    for named in table.sets:
        yield add_set(table, named)
        if named.timeout_s is None:
            yield f"flush {named.kind} {table.path} {named.name}"
