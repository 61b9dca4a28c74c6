"""A packet through a node's rules: every way it can go, with its chance.

Theory of operation
-------------------
::

                 ┌─ local ──▶ INPUT
    PREROUTING ──┤
                 └─ other ──▶ FORWARD ──▶ POSTROUTING
    OUTPUT ─────────────────────────────▶ POSTROUTING (── local ──▶ INPUT)

The routing decision follows the destination that nat left. A packet that a process sends to an
address of its own node comes in again by ``lo``; conntrack knows it, so nat is not asked twice. Nat
is asked for new connections only: the packets after the first are translated as that one was.

A rule with a die splits the walk in two. Each branch holds what the packet has become, the rules it
hit and the chance of it all.

Source: Linux, ``net/ipv4/netfilter/ip_tables.c`` (ipt_do_table), ``net/netfilter/nf_nat_core.c``
(nf_nat_inet_fn).
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from math import prod
from typing import Final

from netlab.errors import SpecError
from netlab.model.topology import Address
from netlab.netfilter.matches import Statistic
from netlab.netfilter.normal import normalise
from netlab.netfilter.questions import answers, chance_of, is_local
from netlab.netfilter.rules import Rule, Ruleset
from netlab.netfilter.targets import (
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
from netlab.netfilter.verdicts import Hit, Hook, Outcome, Packet, Verdict

_TABLES: Final = {
    Hook.PREROUTING: ("raw", "mangle", "nat"),
    Hook.INPUT: ("mangle", "filter"),
    Hook.FORWARD: ("mangle", "filter"),
    Hook.OUTPUT: ("raw", "mangle", "nat", "filter"),
    Hook.POSTROUTING: ("mangle", "nat"),
}
"""In the order of their priorities (linux/netfilter_ipv4.h)."""

Route = Callable[[Packet], str | None]
"""Gives the interface that a packet leaves by, empty for one that ends here; None: no way."""

_Step = tuple[Hook, str]


@dataclass(frozen=True, slots=True)
class _Frame:
    """A place in a chain."""

    path: tuple[str, ...]
    """The chain, after all those that led to it."""
    index: int = 0


_Frames = tuple[_Frame, ...]
"""Where the walk is, and below it where it comes back to."""


@dataclass(frozen=True, slots=True)
class _Branch:
    packet: Packet
    chance: Fraction = Fraction(1)
    hits: tuple[Hit, ...] = ()
    verdict: Verdict = Verdict.NONE
    is_masqueraded: bool = False

    @property
    def is_over(self) -> bool:
        return self.verdict in {Verdict.DROP, Verdict.REJECT}


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
        self._local = frozenset(local)
        self._ask = route
        self._rules: dict[tuple[str, str], tuple[Rule, ...]] = {}
        self._policies: dict[tuple[str, str], str | None] = {}
        for table in normalise(ruleset).tables:
            for chain in table.chains:
                self._rules[table.name, chain.name] = chain.rules
                self._policies[table.name, chain.name] = chain.policy

    def walk(self, packet: Packet) -> tuple[Outcome, ...]:
        """Return every way ``packet`` can go, in the order of the rules.

        Raises:
            SpecError: A rule on its way has a match or a target whose effect is not known, or its
                chains lead in a circle.
        """
        first = Hook.OUTPUT if packet.is_made_here else Hook.PREROUTING
        return tuple(
            _outcome(end)
            for begun in self._through(_steps(first), _Branch(packet))
            for end in self._routed(begun)
        )

    def _routed(self, begun: _Branch) -> Iterator[_Branch]:
        leaving = begun.packet.out_interface
        if self._ask is not None and not begun.is_over:
            leaving = self._ask(begun.packet)
            if leaving is None:
                yield begun
                return
        packet = replace(begun.packet, out_interface=leaving)
        yield from self._through(self._after(packet), _arrived(replace(begun, packet=packet)))

    def _after(self, packet: Packet) -> tuple[_Step, ...]:
        """Return where the rules go on behind the routing decision."""
        ends_here = is_local(packet.destination, self._local)
        match packet.is_made_here, ends_here:
            case True, True:
                return _steps(Hook.POSTROUTING, Hook.INPUT)
            case True, False:
                return _steps(Hook.POSTROUTING)
            case False, True:
                return _steps(Hook.INPUT)
            case _:
                return _steps(Hook.FORWARD, Hook.POSTROUTING)

    def _through(self, steps: tuple[_Step, ...], branch: _Branch) -> Iterator[_Branch]:
        if not steps or branch.is_over:
            yield branch
            return
        (hook, table), *rest = steps
        asks = table != "nat" or "NEW" in branch.packet.states
        for passed in self._table(table, hook, branch) if asks else [branch]:
            yield from self._through(tuple(rest), passed)

    def _table(self, table: str, hook: Hook, branch: _Branch) -> Iterator[_Branch]:
        """Yield what becomes of ``branch`` in the built-in chain of one table.

        Of a die's two branches the one that hits is followed first.
        """
        pending: list[tuple[_Branch, _Frames]] = [(branch, (_Frame((hook,)),))]
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
                chance = _chance(rule)
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

    def _by_policy(self, table: str, hook: Hook, branch: _Branch) -> _Branch:
        if self._policies.get((table, hook)) == "DROP":
            return replace(branch, verdict=Verdict.DROP)
        return branch


def _follow(
    branch: _Branch, table: str, rule: Rule, onward: _Frames
) -> tuple[_Branch, _Frames | None]:
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


def _decided(branch: _Branch, table: str, target: Target) -> _Branch:
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
                states=branch.packet.states | {"DNAT"},
            )
            return replace(branch, packet=packet, verdict=Verdict.ENDPOINTS)
        case Snat(address):
            packet = replace(branch.packet, source=address, states=branch.packet.states | {"SNAT"})
            return replace(branch, packet=packet)
        case Masquerade():
            packet = replace(branch.packet, states=branch.packet.states | {"SNAT"})
            return replace(branch, packet=packet, is_masqueraded=True)
        case _:
            raise SpecError(f"nobody knows where a packet goes after {target}")


def _steps(*hooks: Hook) -> tuple[_Step, ...]:
    return tuple((hook, table) for hook in hooks for table in _TABLES[hook])


def _arrived(branch: _Branch) -> _Branch:
    """Return ``branch`` as it meets INPUT, if it does: what the node sends itself is by ``lo``."""
    if not branch.packet.is_made_here:
        return branch
    return replace(branch, packet=replace(branch.packet, in_interface="lo"))


def _entered(frame: _Frame, chain: str) -> _Frame:
    if chain in frame.path:
        raise SpecError(f"chains lead in a circle: {' -> '.join((*frame.path, chain))}")
    return _Frame((*frame.path, chain))


def _chance(rule: Rule) -> Fraction:
    dice = (match.probability for match in rule.matches if isinstance(match, Statistic))
    return prod(map(chance_of, dice), start=Fraction(1))


def _hit(branch: _Branch, hit: Hit, chance: Fraction) -> _Branch:
    return replace(branch, chance=branch.chance * chance, hits=(*branch.hits, hit))


def _outcome(branch: _Branch) -> Outcome:
    packet = branch.packet
    return Outcome(
        verdict=branch.verdict,
        chance=branch.chance,
        destination=packet.destination,
        destination_port=packet.destination_port,
        is_masqueraded=branch.is_masqueraded,
        source=packet.source,
        hits=branch.hits,
    )
