"""A packet through the base chains of a node, of iptables and of nftables alike.

Theory of operation
-------------------
::

                 ┌─ local ──▶ INPUT
    PREROUTING ──┤
                 └─ other ──▶ FORWARD ──▶ POSTROUTING
    OUTPUT ─────────────────────────────▶ POSTROUTING (── local ──▶ PREROUTING ──▶ INPUT)

Each table hooks chains of its own in here; a packet meets those of one hook in the order of their
priorities, whatever table they are in. The routing decision follows the destination that nat left.
A packet that a process sends to an address of its own node comes in again by ``lo``; conntrack
knows it, so nat is not asked twice.

Nat is asked for new connections only: the packets after the first are translated as that one was.
Once a chain of nat has chosen a destination, or a source, no other one is asked for it.

Source: Linux, ``net/netfilter/core.c`` (nf_hook_entries_grow), ``net/netfilter/nf_nat_core.c``
(nf_nat_inet_fn).
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Final

from netlab.model.addresses import Address
from netlab.netfilter.iptables.evaluate import is_local
from netlab.netfilter.verdicts import (
    DNAT,
    SNAT,
    Endpoints,
    Hit,
    Hook,
    Outcome,
    Packet,
    Verdict,
)

_CHOICES: Final = {
    Hook.PREROUTING: DNAT,
    Hook.OUTPUT: DNAT,
    Hook.INPUT: SNAT,
    Hook.POSTROUTING: SNAT,
}
"""What chains of nat choose, by hook; the state that a packet is in once one has chosen."""

Route = Callable[[Packet], str | None]
"""Gives the interface that a packet leaves by, empty for one that ends here; None: no way."""


@dataclass(frozen=True, slots=True)
class Branch:
    """One way that a packet can go, so far."""

    packet: Packet
    chance: Fraction = Fraction(1)
    hits: tuple[Hit, ...] = ()
    verdict: Verdict = Verdict.NONE
    is_masqueraded: bool = False
    alike: Endpoints = ()
    """Where it stands for many that only their endpoint tells apart: all of those."""

    @property
    def is_over(self) -> bool:
        """Whether the packet is no more."""
        return self.verdict in {Verdict.DROP, Verdict.REJECT}


@dataclass(frozen=True, slots=True, kw_only=True)
class BaseChain:
    """A chain that the kernel itself sends packets to."""

    table: str
    hook: Hook
    priority: int
    """The lower, the earlier."""
    is_nat: bool
    walk: Callable[[Branch], Iterable[Branch]]
    """Gives every way on from here, in the order of the rules."""


class HookWalker:
    """Walks packets through the base chains of one node.

    Args:
        chains: Of equal priority in the order in which packets meet them.
        local: The node's addresses; loopback counts without being named.
        route: The node's routes. Without it every destination has one, by an interface unknown.
    """

    def __init__(
        self, chains: Iterable[BaseChain], local: Iterable[Address], route: Route | None = None
    ) -> None:
        self._local = frozenset(local)
        self._ask = route
        ordered = sorted(chains, key=lambda chain: chain.priority)
        self._chains = {hook: tuple(c for c in ordered if c.hook is hook) for hook in Hook}

    def walk(self, packet: Packet) -> tuple[Outcome, ...]:
        """Return every way ``packet`` can go, in the order of the rules.

        Raises:
            SpecError: The effect of a rule on its way is not known, or its chains lead in a circle.
        """
        first = Hook.OUTPUT if packet.is_made_here else Hook.PREROUTING
        return tuple(
            _outcome(end)
            for begun in _through(self._chains[first], Branch(packet))
            for end in self._routed(begun)
        )

    def _routed(self, begun: Branch) -> Iterator[Branch]:
        leaving = begun.packet.out_interface
        if self._ask is not None and not begun.is_over:
            leaving = self._ask(begun.packet)
            if leaving is None:
                yield begun
                return
        packet = replace(begun.packet, out_interface=leaving)
        yield from _through(self._after(packet), _arrived(replace(begun, packet=packet)))

    def _after(self, packet: Packet) -> tuple[BaseChain, ...]:
        """Return the chains behind the routing decision."""
        ends_here = is_local(packet.destination, self._local)
        chains = self._chains
        match packet.is_made_here, ends_here:
            case True, True:
                again = tuple(chain for chain in chains[Hook.PREROUTING] if not chain.is_nat)
                return (*chains[Hook.POSTROUTING], *again, *chains[Hook.INPUT])
            case True, False:
                return chains[Hook.POSTROUTING]
            case False, True:
                return chains[Hook.INPUT]
            case _:
                return (*chains[Hook.FORWARD], *chains[Hook.POSTROUTING])


def _through(chains: Sequence[BaseChain], branch: Branch) -> Iterator[Branch]:
    if not chains or branch.is_over:
        yield branch
        return
    for passed in chains[0].walk(branch) if _is_asked(chains[0], branch.packet) else [branch]:
        yield from _through(chains[1:], passed)


def _is_asked(chain: BaseChain, packet: Packet) -> bool:
    if not chain.is_nat:
        return True
    return "NEW" in packet.states and _CHOICES.get(chain.hook) not in packet.states


def _arrived(branch: Branch) -> Branch:
    """Return ``branch`` as it meets INPUT, if it does: what the node sends itself is by ``lo``."""
    if not branch.packet.is_made_here:
        return branch
    return replace(branch, packet=replace(branch.packet, in_interface="lo"))


def _outcome(branch: Branch) -> Outcome:
    packet = branch.packet
    return Outcome(
        verdict=branch.verdict,
        chance=branch.chance,
        destination=packet.destination,
        destination_port=packet.destination_port,
        is_masqueraded=branch.is_masqueraded,
        source=packet.source,
        hits=branch.hits,
        alike=branch.alike,
    )
