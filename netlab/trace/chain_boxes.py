"""A walk through chains as boxes in boxes: a jump holds what was met in the chain it led to."""

from collections.abc import Sequence
from dataclasses import dataclass

from netlab.trace.packet import RuleHit

_JUMPS = {"JUMP", "GOTO"}


@dataclass(frozen=True, slots=True, kw_only=True)
class ChainBox:
    """One chain, as far as the packet met rules in it."""

    table: str
    chain: str
    entries: tuple["Entry", ...]
    """In the packet's order; empty when no rule of the chain matched."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A rule that matched."""

    hit: RuleHit
    inner: ChainBox | None
    """The chain it led to; None for a rule that leads nowhere."""


def boxes(hits: Sequence[RuleHit]) -> tuple[ChainBox, ...]:
    """Return the built-in chains that a packet walked, with what they led to inside.

    Args:
        hits: Of one table, in order.
    """
    found: list[ChainBox] = []
    rest = list(hits)
    while rest:
        box, rest = _box(rest[0].table, rest[0].chain, rest)
        found.append(box)
    return tuple(found)


def _box(table: str, chain: str, hits: list[RuleHit]) -> tuple[ChainBox, list[RuleHit]]:
    """Return a chain's box, and the hits that come after the packet has left the chain."""
    entries: list[Entry] = []
    while hits and hits[0].chain == chain:
        hit, hits = hits[0], hits[1:]
        inner: ChainBox | None = None
        if hit.verdict in _JUMPS and hit.target:
            inner, hits = _box(table, hit.target, hits)
        entries.append(Entry(hit=hit, inner=inner))
    return ChainBox(table=table, chain=chain, entries=tuple(entries)), hits
