"""A packet through kube-proxy's table: every way it can go, with its chance, without a kernel.

Theory of operation
-------------------
``netlab.netfilter.hooks`` sends the packet to the table's base chains, hook by hook. Wherever
the kernel would draw lots the walk goes every way and keeps its chance.

Source: Linux, ``net/netfilter/nf_tables_core.c`` (nft_do_chain) for jump, goto and a chain's end.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from functools import partial
from ipaddress import ip_address

from netlab.model.addresses import Address
from netlab.netfilter.hooks import BaseChain, Branch, HookWalker
from netlab.netfilter.iptables.evaluate import is_local
from netlab.netfilter.nftables.statements import (
    Action,
    CameBy,
    ChangeMark,
    Choose,
    Condition,
    Decide,
    DnatTo,
    HasAddress,
    HasProtocol,
    IsLocal,
    IsNew,
    IsUnmarked,
    LookUp,
    Masquerade,
    Remember,
    read_rule,
)
from netlab.netfilter.nftables.table import TABLE, Chain, Rule, Table
from netlab.netfilter.verdicts import DNAT, SNAT, Hit, Hook, Outcome, Packet, Verdict

_REFUSALS = {"drop": Verdict.DROP, "reject": Verdict.REJECT}


@dataclass(frozen=True, slots=True)
class TableRule:
    """A rule and the chain it is in."""

    chain: str
    words: str
    comment: str = field(default="", compare=False)
    """Its own, or that of the map's entry that the packet met."""
    leads_to: str = field(default="", compare=False)
    """The chain that the packet goes on to; empty when it does not."""

    @property
    def is_dnat(self) -> bool:
        """Whether it rewrites the destination."""
        return isinstance(read_rule(self.words)[1], DnatTo)

    def __str__(self) -> str:
        return f"{self.chain} {self.words}"


@dataclass(frozen=True, slots=True)
class _Done:
    """What a rule has made of a packet."""

    branch: Branch
    verdict: str = ""
    """``accept``, ``drop``, ``reject``, ``return``, ``jump CHAIN`` or ``goto CHAIN``; or none."""
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


def table_base_chains(table: Table, local: Iterable[Address]) -> tuple[BaseChain, ...]:
    """Return the base chains of a table on a node with the addresses ``local``."""
    chains = _Chains(table, local)
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
    def __init__(self, table: Table, local: Iterable[Address]) -> None:
        self._local = frozenset(local)
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
            conditions, action = read_rule(rule.words)
            if not all(self._meets(branch.packet, condition) for condition in conditions):
                continue
            found = list(self._act(branch, action))
            if found:
                for done in found:
                    hit = Hit(TABLE, _told(chain.name, rule, done), number + 1)
                    after = replace(done.branch, hits=(*done.branch.hits, hit))
                    yield from self._follow(chain, number + 1, after, done.verdict)
                return
        yield branch, ""

    def _follow(self, chain: Chain, rest: int, branch: Branch, verdict: str) -> Iterator[_Step]:
        """Yield what a rule's verdict leads to; ``rest`` is the number of the next rule."""
        match verdict.split():
            case []:
                yield from self._rules(chain, rest, branch)
            case ["return"]:
                yield branch, ""
            case ["goto", name]:
                yield from self._rules(self._chains[name], 0, branch)
            case ["jump", name]:
                for back, final in self._rules(self._chains[name], 0, branch):
                    if final:
                        yield back, final
                    else:
                        yield from self._rules(chain, rest, back)
            case _:
                yield branch, verdict

    def _meets(self, packet: Packet, condition: Condition) -> bool:
        match condition:
            case HasAddress():
                return self._has_address(packet, condition)
            case HasProtocol(protocol=protocol, port=port):
                return _word(packet) == protocol and port in {None, packet.destination_port}
            case CameBy(ifname=ifname, is_inverted=is_inverted):
                return fnmatchcase(packet.in_interface, ifname) != is_inverted
            case IsLocal(is_source=is_source):
                return is_local(packet.source if is_source else packet.destination, self._local)
            case IsUnmarked(mask):
                return not packet.mark & mask
            case IsNew():
                return "NEW" in packet.states

    def _has_address(self, packet: Packet, asked: HasAddress) -> bool:
        address = packet.source if asked.is_source else packet.destination
        if asked.set_name:
            return (str(address) in self._members[asked.set_name]) != asked.is_inverted
        return any(address in network for network in asked.networks) != asked.is_inverted

    def _act(self, branch: Branch, action: Action) -> Iterator[_Done]:
        """Yield what an action makes of a packet; nothing when a map does not know it."""
        match action:
            case Decide(words):
                yield _Done(branch, words)
            case LookUp():
                entry = self._members[action.map_name].get(_key(branch.packet, action))
                if entry is not None:
                    yield _Done(branch, entry.verdict, entry.comment)
            case Choose(verdicts):
                chosen = replace(branch, chance=branch.chance / len(verdicts))
                yield from (_Done(chosen, verdict) for verdict in verdicts)
            case ChangeMark() | Remember() | DnatTo() | Masquerade():
                yield _changed(branch, action)


def _told(chain: str, rule: Rule, done: _Done) -> TableRule:
    onward = done.verdict.partition(" ")[2]
    return TableRule(chain, rule.words, comment=rule.comment or done.comment, leads_to=onward)


def _changed(branch: Branch, action: ChangeMark | Remember | DnatTo | Masquerade) -> _Done:
    packet = branch.packet
    match action:
        case ChangeMark(is_xor=is_xor, mask=mask):
            mark = packet.mark ^ mask if is_xor else packet.mark | mask
            return _Done(replace(branch, packet=replace(packet, mark=mark)))
        case Remember():
            return _Done(branch)
        case DnatTo(endpoint):
            host, _, port = endpoint.rpartition(":")
            sent = replace(
                packet,
                destination=ip_address(host.strip("[]")),
                destination_port=int(port),
                states=packet.states | {DNAT},
            )
            return _Done(replace(branch, packet=sent, verdict=Verdict.ENDPOINTS), "accept")
        case Masquerade():
            sent = replace(packet, states=packet.states | {SNAT})
            return _Done(replace(branch, packet=sent, is_masqueraded=True), "accept")


def _key(packet: Packet, asked: LookUp) -> str:
    by_port = f"{_word(packet)} . {packet.destination_port}"
    return f"{packet.destination} . {by_port}" if asked.has_address else by_port


def _word(packet: Packet) -> str:
    return packet.protocol.lower()
