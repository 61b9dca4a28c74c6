"""Where kube-proxy's table in a kernel is not the one it was meant to be."""

from collections.abc import Iterator
from difflib import SequenceMatcher

from netlab.netfilter.iptables.differences import Difference, Side
from netlab.netfilter.nftables.table import TABLE, Chain, Hook, NamedSet, Table


def table_differences(want: Table | None, have: Table | None) -> list[Difference]:
    """Return what only one of two tables has, None being a table that is not there.

    Tables that act alike have none. A rule in another place of its chain is there twice.
    """
    chains = _pairs(want.chains if want else (), have.chains if have else ())
    sets = _pairs(want.sets if want else (), have.sets if have else ())
    return [
        *(one for left, right in chains for one in _of_chain(left, right)),
        *(one for left, right in sets for one in _of_set(left, right)),
    ]


def acts_as(want: Chain | NamedSet, have: Chain | NamedSet) -> bool:
    """Tell whether one chain or set does what another one would, whatever is said of it.

    Members of a set may be in any order.
    """
    if isinstance(want, Chain) and isinstance(have, Chain):
        is_same = (want.hook, want.rules) == (have.hook, have.rules)
        return is_same or list(_chain_lines(want)) == list(_chain_lines(have))
    return set(_set_lines(want)) == set(_set_lines(have))


_One = Chain | NamedSet


def _pairs(
    want: tuple[Chain, ...] | tuple[NamedSet, ...], have: tuple[Chain, ...] | tuple[NamedSet, ...]
) -> Iterator[tuple[_One | None, _One | None]]:
    wanted = {one.name: one for one in want}
    held = {one.name: one for one in have}
    for name in sorted(wanted.keys() | held.keys()):
        yield wanted.get(name), held.get(name)


def _of_chain(want: _One | None, have: _One | None) -> Iterator[Difference]:
    name = (want or have or Chain(name="")).name
    left, right = (list(_chain_lines(one)) for one in (want, have))
    if left == right:
        return
    matcher = SequenceMatcher(None, left, right, autojunk=False)
    for operation, from_, to, start, end in matcher.get_opcodes():
        if operation != "equal":
            for only, lines in ((Side.WANTED, left[from_:to]), (Side.KERNEL, right[start:end])):
                for line in lines:
                    yield Difference(table=TABLE, chain=name, only=only, text=line)


def _of_set(want: _One | None, have: _One | None) -> Iterator[Difference]:
    named = want or have
    kind = named.kind if isinstance(named, NamedSet) else "set"
    left, right = (dict.fromkeys(_set_lines(one)) for one in (want, have))
    for only, lines, others in ((Side.WANTED, left, right), (Side.KERNEL, right, left)):
        for line in lines:
            if line not in others and named is not None:
                yield Difference(table=TABLE, chain=named.name, only=only, text=line, kind=kind)


def _chain_lines(one: _One | None) -> Iterator[str]:
    if not isinstance(one, Chain):
        return
    yield f"chain {one.name}{_hooked(one.hook) if one.hook is not None else ''}"
    yield from (str(rule.canonical()) for rule in one.rules)


def _hooked(hook: Hook) -> str:
    where = f"type {hook.type} hook {hook.name} priority {hook.priority}"
    return f" {{ {where} ; policy {hook.policy} ; }}"


def _set_lines(one: _One | None) -> Iterator[str]:
    if not isinstance(one, NamedSet):
        return
    timeout = f" timeout {one.timeout_s}s ;" if one.timeout_s is not None else ""
    kind = f"{one.type} : verdict" if one.is_map else one.type
    yield f"{one.kind} {one.name} {{ type {kind} ;{timeout} }}"
    yield from map(str, one.elements)
