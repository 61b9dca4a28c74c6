"""A packet through kube-proxy's table: every way it can go, with its chance, without a kernel.

Theory of operation
-------------------
``netlab.netfilter.hooks`` sends the packet to the table's base chains, hook by hook. Wherever
the kernel would draw lots the walk goes every way and keeps its chance.

Source: Linux, ``net/netfilter/nf_tables_core.c`` (nft_do_chain) for jump, goto and a chain's end.
"""

import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from fractions import Fraction
from functools import partial

from netlab.errors import SpecError
from netlab.model.addresses import Address
from netlab.netfilter.hooks import BaseChain, Branch, HookWalker
from netlab.netfilter.iptables.evaluate import is_local
from netlab.netfilter.nftables.rules import (
    AddressMatch,
    DnatStatement,
    IifNameMatch,
    LocalAddressMatch,
    MapLookup,
    MarkStatement,
    MasqueradeStatement,
    Match,
    NewConnectionMatch,
    OtherRule,
    ProtocolMatch,
    RandomVerdict,
    Rule,
    Statement,
    UnmarkedMatch,
    UpdateSetStatement,
    VerdictStatement,
)
from netlab.netfilter.nftables.table import TABLE, Chain, Table
from netlab.netfilter.verdicts import DNAT, SNAT, Endpoints, Hit, Hook, Outcome, Packet, Verdict

_ACCEPT = VerdictStatement("accept")
_REFUSALS = {"drop": Verdict.DROP, "reject": Verdict.REJECT}


@dataclass(frozen=True, slots=True)
class TableRule:
    """A rule and the chain it is in."""

    chain: str
    rule: Rule
    comment: str = field(default="", compare=False)
    """Its own, or that of the map's entry that the packet met."""
    leads_to: str = field(default="", compare=False)
    """The chain that the packet goes on to; empty when it does not."""

    @property
    def is_dnat(self) -> bool:
        """Whether it rewrites the destination."""
        return isinstance(self.rule.statement, DnatStatement)

    def __str__(self) -> str:
        return f"{self.chain} {self.rule.words}"


@dataclass(frozen=True, slots=True)
class _Done:
    """What a rule has made of a packet."""

    branch: Branch
    verdict: VerdictStatement | None = None
    """None where the next rule is asked."""
    comment: str = ""
    """Of the map's entry that it met."""


_Step = tuple[Branch, str]
"""A packet and the verdict on it: ``drop``, ``reject`` or ``accept``; empty while it has none."""


class Walker:
    """Walks packets through one table on one node; no client stays with an endpoint yet.

    Args:
        table: Compiled, or parsed from its text.
        local: The node's addresses; loopback counts without being named.
    """

    def __init__(self, table: Table, local: Iterable[Address]) -> None:
        kept = frozenset(local)
        self._hooks = HookWalker(table_base_chains(table, kept), kept)

    def walk(self, packet: Packet) -> tuple[Outcome, ...]:
        """Return every way ``packet`` can go.

        Raises:
            SpecError: A rule on its way is none of kube-proxy's.
        """
        return self._hooks.walk(packet)


def table_base_chains(
    table: Table, local: Iterable[Address], most_ways: int = sys.maxsize
) -> tuple[BaseChain, ...]:
    """Return the base chains of a table on a node with the addresses ``local``.

    Args:
        table: Compiled, or parsed from its text.
        local: The node's addresses; loopback counts without being named.
        most_ways: Of a choice among more endpoints the first stands for all (``Outcome.alike``).
    """
    chains = _Chains(table, local, most_ways)
    return tuple(
        BaseChain(
            table=TABLE,
            hook=Hook(chain.hook.name.upper()),
            priority=chain.hook.priority,
            is_nat=chain.hook.type == "nat",
            walk=partial(chains.walk, chain, chain.hook.policy),
        )
        for chain in table.chains
        if chain.hook is not None
    )


class _Chains:
    def __init__(self, table: Table, local: Iterable[Address], most_ways: int) -> None:
        self._local = frozenset(local)
        self._most_ways = most_ways
        self._chains = {chain.name: chain for chain in table.chains}
        self._members = {
            named.name: {one.key: one for one in named.elements} for named in table.sets
        }

    def walk(self, chain: Chain, policy: str, branch: Branch) -> Iterator[Branch]:
        """Yield what becomes of ``branch`` in a base chain."""
        for after, verdict in self._rules(chain, 0, branch):
            refusal = _REFUSALS.get(verdict or policy)
            yield after if refusal is None else replace(after, verdict=refusal)

    def _rules(self, chain: Chain, start: int, branch: Branch) -> Iterator[_Step]:
        """Yield what the rules of a chain make of a packet, from rule number ``start`` on."""
        for number in range(start, len(chain.rules)):
            rule = chain.rules[number]
            if not all(self._answers(branch.packet, match) for match in rule.matches):
                continue
            found = list(self._act(branch, rule.statement))
            if found:
                for done in found:
                    hit = Hit(TABLE, _hit_rule(chain.name, rule, done), number + 1)
                    after = replace(done.branch, hits=(*done.branch.hits, hit))
                    yield from self._follow(chain, number + 1, after, done.verdict)
                return
        yield branch, ""

    def _follow(
        self, chain: Chain, rest: int, branch: Branch, verdict: VerdictStatement | None
    ) -> Iterator[_Step]:
        """Yield what a rule's verdict leads to; ``rest`` is the number of the next rule."""
        match verdict:
            case None:
                yield from self._rules(chain, rest, branch)
            case VerdictStatement("return"):
                yield branch, ""
            case VerdictStatement("goto", name):
                yield from self._rules(self._chains[name], 0, branch)
            case VerdictStatement("jump", name):
                for back, final in self._rules(self._chains[name], 0, branch):
                    if final:
                        yield back, final
                    else:
                        yield from self._rules(chain, rest, back)
            case _:
                yield branch, verdict.verb

    def _answers(self, packet: Packet, match: Match) -> bool:
        match match:
            case AddressMatch():
                return self._has_address(packet, match)
            case ProtocolMatch(protocol, port):
                return _word(packet) == protocol and port in {None, packet.destination_port}
            case IifNameMatch(ifname, is_inverted):
                return fnmatchcase(packet.in_interface, ifname) != is_inverted
            case LocalAddressMatch(is_source):
                return is_local(packet.source if is_source else packet.destination, self._local)
            case UnmarkedMatch(mask):
                return not packet.mark & mask
            case NewConnectionMatch():
                return "NEW" in packet.states

    def _has_address(self, packet: Packet, match: AddressMatch) -> bool:
        address = packet.source if match.is_source else packet.destination
        if match.set_name:
            return (str(address) in self._members[match.set_name]) != match.is_inverted
        return match.holds(address) != match.is_inverted

    def _act(self, branch: Branch, statement: Statement) -> Iterator[_Done]:
        """Yield what a statement makes of a packet; nothing when a map does not know it."""
        match statement:
            case VerdictStatement():
                yield _Done(branch, statement)
            case MapLookup():
                entry = self._members[statement.map_name].get(_key(branch.packet, statement))
                if entry is not None:
                    yield _Done(branch, entry.verdict, entry.comment)
            case RandomVerdict(verdicts):
                yield from self._choose(branch, verdicts)
            case _:
                yield _changed(branch, statement)

    def _choose(self, branch: Branch, verdicts: tuple[VerdictStatement, ...]) -> Iterator[_Done]:
        alike = self._endpoints(verdicts) if len(verdicts) > self._most_ways else ()
        if alike:
            yield _Done(replace(branch, alike=alike), verdicts[0])
            return
        chosen = replace(branch, chance=branch.chance / len(verdicts))
        yield from (_Done(chosen, verdict) for verdict in verdicts)

    def _endpoints(self, verdicts: tuple[VerdictStatement, ...]) -> Endpoints:
        """Return where verdicts lead that all end in a DNAT, each as likely; else nothing."""
        found = []
        for verdict in verdicts:
            chain = self._chains.get(verdict.chain)
            last = chain.rules[-1].statement if chain is not None and chain.rules else None
            if not isinstance(last, DnatStatement):
                return ()
            found.append((last.to, Fraction(1, len(verdicts))))
        return tuple(found)


def _hit_rule(chain: str, rule: Rule, done: _Done) -> TableRule:
    onward = done.verdict.chain if done.verdict is not None else ""
    return TableRule(chain, rule, comment=rule.comment or done.comment, leads_to=onward)


def _changed(
    branch: Branch,
    statement: MarkStatement | UpdateSetStatement | DnatStatement | MasqueradeStatement | OtherRule,
) -> _Done:
    packet = branch.packet
    match statement:
        case MarkStatement(mask, is_xor):
            mark = packet.mark ^ mask if is_xor else packet.mark | mask
            return _Done(replace(branch, packet=replace(packet, mark=mark)))
        case UpdateSetStatement():
            return _Done(branch)
        case DnatStatement(to):
            sent = replace(
                packet,
                destination=to.address,
                destination_port=to.port,
                states=packet.states | {DNAT},
            )
            return _Done(replace(branch, packet=sent, verdict=Verdict.ENDPOINTS), _ACCEPT)
        case MasqueradeStatement():
            sent = replace(packet, states=packet.states | {SNAT})
            return _Done(replace(branch, packet=sent, is_masqueraded=True), _ACCEPT)
        case OtherRule(words):
            raise SpecError(f"no rule of kube-proxy's table: {words}")


def _key(packet: Packet, lookup: MapLookup) -> str:
    by_port = f"{_word(packet)} . {packet.destination_port}"
    return f"{packet.destination} . {by_port}" if lookup.address_family is not None else by_port


def _word(packet: Packet) -> str:
    return packet.protocol.lower()
