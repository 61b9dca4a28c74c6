"""A packet through kube-proxy's table: every way it can go, with its chance, without a kernel.

Theory of operation
-------------------
A packet meets the base chains of each hook in the order of their priorities: prerouting, then input
or forward; or output, when the node itself made it; then postrouting. One that the node sends to
itself comes in again and meets input too, without another DNAT. Wherever the kernel would draw lots
the walk goes every way and keeps its chance.

Source: Linux, ``net/netfilter/nf_tables_core.c`` (nft_do_chain) for jump, goto and a chain's end;
kube-proxy, ``pkg/proxy/nftables/README.md`` for the hooks.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from fractions import Fraction
from ipaddress import ip_address

from netlab.model.topology import Address
from netlab.netfilter.questions import is_local
from netlab.netfilter.verdicts import Packet, Verdict
from netlab.proxy.nftables.statements import (
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
from netlab.proxy.nftables.table import TABLE, Chain, Table

_REFUSALS = {"drop": Verdict.DROP, "reject": Verdict.REJECT}


@dataclass(frozen=True, slots=True)
class TableRule:
    """A rule and the chain it is in."""

    chain: str
    words: str

    def __str__(self) -> str:
        return f"{self.chain} {self.words}"


@dataclass(frozen=True, slots=True)
class Hit:
    """A rule that matched."""

    table: str
    rule: TableRule

    def __str__(self) -> str:
        return f"{self.table}: {self.rule}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """One way a packet can go; the fields mean what they do for iptables."""

    verdict: Verdict
    chance: Fraction
    destination: Address
    destination_port: int
    is_masqueraded: bool
    source: Address
    hits: tuple[Hit, ...]

    @property
    def endpoint(self) -> str | None:
        """The rewritten destination as ``address:port``; None when no endpoint gets the packet."""
        if self.verdict is not Verdict.ENDPOINTS:
            return None
        host = self.destination
        return f"{host if host.version == 4 else f'[{host}]'}:{self.destination_port}"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Branch:
    packet: Packet
    chance: Fraction = Fraction(1)
    hits: tuple[Hit, ...] = ()
    is_translated: bool = False
    is_masqueraded: bool = False


_Step = tuple[_Branch, str]
"""A packet and the verdict on it: ``drop``, ``reject`` or ``accept``, or empty while it has none.
Of a single rule also ``return``, ``jump CHAIN`` and ``goto CHAIN``."""


class Walker:
    """Walks packets through one table on one node; no client stays with an endpoint yet.

    Args:
        table: Compiled, or parsed from its text.
        local: The node's addresses; loopback counts without being named.
    """

    def __init__(self, table: Table, local: Iterable[Address]) -> None:
        self._local = frozenset(local)
        self._chains = {chain.name: chain for chain in table.chains}
        self._members = {
            named.name: {one.key: one.verdict for one in named.elements} for named in table.sets
        }
        hooked = [(chain.hook, chain) for chain in table.chains if chain.hook is not None]
        hooked.sort(key=lambda pair: pair[0].priority)
        self._base = [chain for _, chain in hooked]

    def walk(self, packet: Packet) -> tuple[Outcome, ...]:
        """Return every way ``packet`` can go.

        Raises:
            SpecError: A rule on its way is none of kube-proxy's.
        """
        first = "output" if packet.is_made_here else "prerouting"
        return tuple(
            _outcome(end, verdict)
            for begun, refusal in self._through([first], _Branch(packet=packet))
            for end, verdict in ([(begun, refusal)] if refusal else self._routed(begun))
        )

    def _routed(self, branch: _Branch) -> Iterator[_Step]:
        """Yield what happens after the routing decision."""
        hooks = ["postrouting"] if branch.packet.is_made_here else ["forward", "postrouting"]
        if is_local(branch.packet.destination, self._local):
            # Its own packet leaves and comes in by ``lo``; what nat had to do, it has done.
            hooks = ["postrouting", "input"] if branch.packet.is_made_here else ["input"]
        return self._through(hooks, branch)

    def _through(self, hooks: Sequence[str], branch: _Branch) -> Iterator[_Step]:
        chains = [
            chain
            for hook in hooks
            for chain in self._base
            if chain.hook is not None and chain.hook.name == hook and _is_asked(chain, branch)
        ]
        return self._bases(chains, branch)

    def _bases(self, chains: Sequence[Chain], branch: _Branch) -> Iterator[_Step]:
        if not chains:
            yield branch, ""
            return
        for after, verdict in self._rules(chains[0], 0, branch):
            if verdict in _REFUSALS:
                yield after, verdict
            else:
                yield from self._bases(chains[1:], after)

    def _rules(self, chain: Chain, start: int, branch: _Branch) -> Iterator[_Step]:
        """Yield what the rules of a chain make of a packet, from rule number ``start`` on."""
        for number in range(start, len(chain.rules)):
            words = chain.rules[number].words
            conditions, action = read_rule(words)
            if not all(self._meets(branch.packet, condition) for condition in conditions):
                continue
            steps = list(self._act(branch, action))
            if steps:
                for after, verdict in steps:
                    rule_hit = Hit(TABLE, TableRule(chain.name, words))
                    hit = replace(after, hits=(*after.hits, rule_hit))
                    yield from self._follow(chain, number + 1, hit, verdict)
                return
        yield branch, ""

    def _follow(self, chain: Chain, rest: int, branch: _Branch, verdict: str) -> Iterator[_Step]:
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

    def _act(self, branch: _Branch, action: Action) -> Iterator[_Step]:
        """Yield what an action makes of a packet; nothing when a map does not know it."""
        match action:
            case Decide(words):
                yield branch, words
            case LookUp():
                verdict = self._members[action.map_name].get(_key(branch.packet, action))
                if verdict is not None:
                    yield branch, verdict
            case Choose(verdicts):
                chosen = replace(branch, chance=branch.chance / len(verdicts))
                yield from ((chosen, verdict) for verdict in verdicts)
            case ChangeMark() | Remember() | DnatTo() | Masquerade():
                yield _changed(branch, action)


def _changed(branch: _Branch, action: ChangeMark | Remember | DnatTo | Masquerade) -> _Step:
    packet = branch.packet
    match action:
        case ChangeMark(is_xor=is_xor, mask=mask):
            mark = packet.mark ^ mask if is_xor else packet.mark | mask
            return replace(branch, packet=replace(packet, mark=mark)), ""
        case Remember():
            return branch, ""
        case DnatTo(endpoint):
            host, _, port = endpoint.rpartition(":")
            there = ip_address(host.strip("[]"))
            sent = replace(packet, destination=there, destination_port=int(port))
            return replace(branch, packet=sent, is_translated=True), "accept"
        case Masquerade():
            return replace(branch, is_masqueraded=True), "accept"


def _is_asked(chain: Chain, branch: _Branch) -> bool:
    """Tell whether a base chain meets the packet: nat is asked for new connections only."""
    return chain.hook is not None and (chain.hook.type != "nat" or "NEW" in branch.packet.states)


def _outcome(branch: _Branch, verdict: str) -> Outcome:
    passed = Verdict.ENDPOINTS if branch.is_translated else Verdict.NONE
    return Outcome(
        verdict=_REFUSALS.get(verdict, passed),
        chance=branch.chance,
        destination=branch.packet.destination,
        destination_port=branch.packet.destination_port,
        is_masqueraded=branch.is_masqueraded,
        source=branch.packet.source,
        hits=branch.hits,
    )


def _key(packet: Packet, asked: LookUp) -> str:
    by_port = f"{_word(packet)} . {packet.destination_port}"
    return f"{packet.destination} . {by_port}" if asked.has_address else by_port


def _word(packet: Packet) -> str:
    return packet.protocol.lower()
