"""A packet through a node's iptables rules: every way it can go, with its chance.

Theory of operation
-------------------
Every built-in chain is a base chain, which ``netlab.netfilter.hooks`` sends packets to. A
rule with a die splits the walk in two. Each branch holds what the packet has become, the rules it
hit and the chance of it all.

Source: Linux, ``net/ipv4/netfilter/ip_tables.c`` (ipt_do_table).
"""

import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import partial
from math import prod
from typing import Final

from netlab.errors import SpecError
from netlab.model.addresses import Address
from netlab.model.packets import AddrPort
from netlab.netfilter.hooks import BaseChain, Branch, HookWalker, Route
from netlab.netfilter.iptables.canonical import normalise
from netlab.netfilter.iptables.evaluate import answers, chance_of
from netlab.netfilter.iptables.matches import Comment, Statistic
from netlab.netfilter.iptables.rules import Rule, Ruleset
from netlab.netfilter.iptables.targets import (
    Accept,
    Dnat,
    Drop,
    Goto,
    Jump,
    Masquerade,
    OtherTarget,
    Reject,
    Return,
    SetMark,
    Snat,
    Target,
)
from netlab.netfilter.verdicts import DNAT, SNAT, Endpoints, Hit, Hook, Outcome, Packet, Verdict

_DST_NAT, _SRC_NAT = -100, 100
_PRIORITIES: Final = {
    Hook.PREROUTING: {"raw": -300, "mangle": -150, "nat": _DST_NAT},
    Hook.INPUT: {"mangle": -150, "filter": 0},
    Hook.FORWARD: {"mangle": -150, "filter": 0},
    Hook.OUTPUT: {"raw": -300, "mangle": -150, "nat": _DST_NAT, "filter": 0},
    Hook.POSTROUTING: {"mangle": -150, "nat": _SRC_NAT},
}
"""Of the tables' chains (linux/netfilter_ipv4.h)."""


@dataclass(frozen=True, slots=True)
class _Frame:
    """A place in a chain."""

    path: tuple[str, ...]
    """The chain, after all those that led to it."""
    index: int = 0


_Frames = tuple[_Frame, ...]
"""Where the walk is, and below it where it comes back to."""


class Walker:
    """Walks packets through one ruleset on one node.

    Args:
        ruleset: Compiled, or parsed from what a kernel holds.
        local: The node's addresses; loopback counts without being named.
        route: The node's routes. Without it every destination has one, by an interface unknown.
    """

    def __init__(
        self, ruleset: Ruleset, local: Iterable[Address], route: Route | None = None
    ) -> None:
        kept = frozenset(local)
        self._hooks = HookWalker(base_chains(ruleset, kept), kept, route)

    def walk(self, packet: Packet) -> tuple[Outcome, ...]:
        """Return every way ``packet`` can go, in the order of the rules.

        Raises:
            SpecError: A rule on its way has a match or a target whose effect is not known, or its
                chains lead in a circle.
        """
        return self._hooks.walk(packet)


def base_chains(
    ruleset: Ruleset, local: Iterable[Address], most_ways: int = sys.maxsize
) -> tuple[BaseChain, ...]:
    """Return the built-in chains of a ruleset on a node with the addresses ``local``.

    Args:
        ruleset: Compiled, or parsed from what a kernel holds.
        local: The node's addresses; loopback counts without being named.
        most_ways: Of a choice among more endpoints the first stands for all (``Outcome.alike``).
    """
    rules = _Rules(ruleset, local, most_ways)
    return tuple(
        BaseChain(
            table=table,
            hook=hook,
            priority=priority,
            is_nat=table == "nat",
            walk=partial(rules.walk, table, hook),
        )
        for hook, priorities in _PRIORITIES.items()
        for table, priority in priorities.items()
        if rules.has(table, hook)
    )


class _Rules:
    def __init__(self, ruleset: Ruleset, local: Iterable[Address], most_ways: int) -> None:
        self._local = frozenset(local)
        self._most_ways = most_ways
        self._rules: dict[tuple[str, str], tuple[Rule, ...]] = {}
        self._policies: dict[tuple[str, str], str | None] = {}
        for table in normalise(ruleset).tables:
            for chain in table.chains:
                self._rules[table.name, chain.name] = chain.rules
                self._policies[table.name, chain.name] = chain.policy

    def has(self, table: str, chain: str) -> bool:
        """Tell whether there is such a chain."""
        return (table, chain) in self._rules

    def walk(self, table: str, hook: Hook, branch: Branch) -> Iterator[Branch]:
        """Yield what becomes of ``branch`` in the built-in chain of one table.

        Of a die's two branches the one that hits is followed first.
        """
        pending: list[tuple[Branch, _Frames]] = [(branch, (_Frame((hook,)),))]
        while pending:
            here, frames = pending.pop()
            found = self._next_match(table, frames[-1], here.packet) if frames else None
            if not frames:
                yield self._by_policy(table, hook, here)
            elif found is None:
                pending.append((here, frames[:-1]))
            else:
                rule, index = found
                onward = (*frames[:-1], _Frame(frames[-1].path, index + 1))
                here, chance = self._drawn(table, frames[-1], index, here)
                if chance < 1:
                    missed = replace(here, chance=here.chance * (1 - chance))
                    pending.append((missed, onward))
                if chance:
                    hit = _hit(here, Hit(table, rule, index + 1), chance)
                    after, left = _follow(hit, table, rule, onward)
                    if left is None:
                        yield after
                    else:
                        pending.append((after, left))

    def _next_match(self, table: str, frame: _Frame, packet: Packet) -> tuple[Rule, int] | None:
        """Return the first rule from ``frame`` on that ``packet`` answers to, and its index."""
        rules = self._rules.get((table, frame.path[-1]), ())
        for index in range(frame.index, len(rules)):
            rule = rules[index]
            if all(answers(packet, match, self._local) for match in rule.matches):
                return rule, index
        return None

    def _drawn(
        self, table: str, frame: _Frame, index: int, branch: Branch
    ) -> tuple[Branch, Fraction]:
        """Return the chance that rule ``index`` matches; 1 where it stands for all alike."""
        chance = _chance(self._rules[table, frame.path[-1]][index])
        alike = self._alike(table, frame, index) if chance < 1 else ()
        return (replace(branch, alike=alike), Fraction(1)) if alike else (branch, chance)

    def _alike(self, table: str, frame: _Frame, index: int) -> Endpoints:
        """Return the endpoints of a row of dice from rule ``index`` to the chain's end.

        Nothing where they are few, where a rule asks more than a die, or where one leads to
        anything but a DNAT.
        """
        row = self._rules[table, frame.path[-1]][index:]
        if len(row) <= self._most_ways:
            return ()
        left, found = Fraction(1), []
        for rule in row:
            led_to = self._rules.get((table, rule.leads_to), ())
            last = led_to[-1].target if led_to else None
            is_plain = all(isinstance(match, Comment | Statistic) for match in rule.matches)
            if not isinstance(last, Dnat) or not is_plain or not left:
                return ()
            own = left * _chance(rule)
            left -= own
            found.append((AddrPort(last.address, last.port or 0), own))
        return tuple(found) if not left else ()

    def _by_policy(self, table: str, hook: Hook, branch: Branch) -> Branch:
        if self._policies.get((table, hook)) == "DROP":
            return replace(branch, verdict=Verdict.DROP)
        return branch


def _follow(
    branch: Branch, table: str, rule: Rule, onward: _Frames
) -> tuple[Branch, _Frames | None]:
    """Return what the target of ``rule`` makes of ``branch`` and where that goes on.

    No frame left means the end of the built-in chain; None means that the table has decided.
    """
    match rule.target:
        case None | OtherTarget(("-j", "LOG" | "NFLOG" | "TRACE", *_)):
            return branch, onward
        case Jump(chain):
            return branch, (*onward, _entered(onward[-1], chain))
        case Goto(chain):
            return branch, (*onward[:-1], _entered(onward[-1], chain))
        case Return():
            return branch, onward[:-1]
        case SetMark(value, mask):
            mark = (branch.packet.mark & ~mask) ^ value
            return replace(branch, packet=replace(branch.packet, mark=mark)), onward
        case target:
            return _decided(branch, table, target), None


def _decided(branch: Branch, table: str, target: Target) -> Branch:
    match target:
        case Accept():
            is_verdict = table == "filter" and branch.verdict is Verdict.NONE
            return replace(branch, verdict=Verdict.ACCEPT) if is_verdict else branch
        case Drop():
            return replace(branch, verdict=Verdict.DROP)
        case Reject():
            return replace(branch, verdict=Verdict.REJECT)
        case Dnat(address, port):
            packet = replace(
                branch.packet,
                destination=address,
                destination_port=port or branch.packet.destination_port,
                states=branch.packet.states | {DNAT},
            )
            return replace(branch, packet=packet, verdict=Verdict.ENDPOINTS)
        case Snat(address):
            packet = replace(branch.packet, source=address, states=branch.packet.states | {SNAT})
            return replace(branch, packet=packet)
        case Masquerade():
            packet = replace(branch.packet, states=branch.packet.states | {SNAT})
            return replace(branch, packet=packet, is_masqueraded=True)
        case _:
            raise SpecError(f"nobody knows where a packet goes after {target}")


def _entered(frame: _Frame, chain: str) -> _Frame:
    if chain in frame.path:
        raise SpecError(f"chains lead in a circle: {' -> '.join((*frame.path, chain))}")
    return _Frame((*frame.path, chain))


def _chance(rule: Rule) -> Fraction:
    dice = (match.probability for match in rule.matches if isinstance(match, Statistic))
    return prod(map(chance_of, dice), start=Fraction(1))


def _hit(branch: Branch, hit: Hit, chance: Fraction) -> Branch:
    return replace(branch, chance=branch.chance * chance, hits=(*branch.hits, hit))
