"""A walk's messages to steps: rules with their text, rewrites seen, routes asked for."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from ipaddress import ip_address
from typing import Final

from netlab.kubeproxy.nftables.static import NAT_CHAINS, REJECT_CHAIN
from netlab.model.packets import AddressPair, AddrPort, Nat
from netlab.netfilter.iptables.rules import TABLE_NAMES
from netlab.netfilter.nftables.table import TABLE
from netlab.sources.conntrack_entries import ConntrackEntry
from netlab.sources.routes import AskRoute, RouteQuestion
from netlab.sources.rule_trace_messages import Report, TraceMessage
from netlab.trace.packet import Point, Rewritten, Routed, RuleHit, Step
from netlab.trace.paths import Way
from netlab.trace.rule_walks import Walk
from netlab.trace.rules_by_handle import MapEntry, RuleBook

_ROUTED_AFTER: Final = {"pre_dnat", "out_dnat"}
"""Points behind which the kernel looks for a route."""
_END_POINTS: Final = {"in_last", "post_wire"}
"""Points behind which no rule is."""
_NAT_TARGETS: Final = {"DNAT", "REDIRECT", "SNAT", "MASQUERADE", "NETMAP"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Knowledge:
    """What explains a walk besides its own messages."""

    books: Mapping[str, RuleBook]
    """Each host's rules; a host without one shows handles only."""
    entries: tuple[ConntrackEntry, ...]
    """Of all hosts; the newest last."""
    ask: AskRoute


def steps_of(walk: Walk, way: Way, knowledge: Knowledge) -> tuple[Step, ...]:
    """Return what happened to a packet in one namespace, in order."""
    return tuple(_Telling(walk, way, knowledge).steps())


def stopped_at(walk: Walk) -> str:
    """Return the last point of a packet that came neither to a socket nor out; else nothing."""
    last = walk.points()[-1]
    return "" if last in _END_POINTS else last


class _Telling:
    """Goes through the messages of one walk."""

    def __init__(self, walk: Walk, way: Way, knowledge: Knowledge) -> None:
        self._walk = walk
        self._way = way
        self._knowledge = knowledge
        self._pair = walk.entry.pair
        self._cause: RuleHit | None = None
        self._book = knowledge.books.get(walk.host, {})
        self._service = ""

    def steps(self) -> Iterator[Step]:
        """Yield every step."""
        for message in self._walk.messages:
            if message.is_point:
                if message.header is not None:
                    yield from self._point(message, message.header.pair)
            elif (hit := self._hit(message)) is not None:
                if hit.target in _NAT_TARGETS or self._may_rewrite(hit):
                    self._cause = hit
                yield hit
        yield from self._routed_again()
        yield from self._entry()

    def _may_rewrite(self, hit: RuleHit) -> bool:
        """Tell whether a rule that nobody could read may be what asks for a rewrite.

        Of somebody else's table of nftables, only the verdict is known: NAT accepts.
        """
        is_foreign = hit.table not in TABLE_NAMES and hit.table != TABLE
        return is_foreign and hit.verdict == "ACCEPT" and not hit.is_policy

    def _routed_again(self) -> Iterator[Step]:
        """Yield what DNAT in OUTPUT asked for, where the packet came to no point after it.

        The kernel routes again within the hook, and drops the packet when it finds no way.
        """
        cause = self._cause
        is_stuck = self._walk.is_local and self._walk.points()[-1] == "out_first"
        if not is_stuck or cause is None or cause.target != "DNAT" or not cause.endpoint:
            return
        address, _, port = cause.endpoint.rpartition(":")
        to = AddrPort(ip_address(address.strip("[]")), int(port))
        yield Rewritten(
            kind=Nat.DNAT, before=self._pair.destination, after=to, seen_at="", by=cause
        )
        self._pair = AddressPair(self._pair.source, to)
        yield self._route(self._walk.messages[0])

    def _hit(self, message: TraceMessage) -> RuleHit | None:
        """Return what a rule did; one that looked the packet up did what it found there."""
        hit = rule_hit(message, self._book)
        if hit is None or message.handle is None:
            return hit
        known = self._book.get((message.table, message.chain, message.handle))
        entry = self._found(known.entries) if known is not None else None
        if entry is not None:
            self._service = entry.service
            hit = replace(hit, text=f"{hit.text} {{ {entry.text} }}", service=entry.service)
        elif hit.chain == REJECT_CHAIN:
            # It is the same for all Services; the packet came there by an entry of one.
            hit = replace(hit, service=self._service)
        return hit

    def _found(self, entries: Mapping[str, MapEntry]) -> MapEntry | None:
        to = self._pair.destination
        by_port = f"{self._walk.entry.key.protocol} . {to.port}"
        return entries.get(f"{to.address} . {by_port}") or entries.get(by_port)

    def _point(self, message: TraceMessage, pair: AddressPair) -> Iterator[Step]:
        yield from self._rewrites(pair, message.chain)
        self._pair = pair
        yield Point(
            name=message.chain,
            ifname_in=message.ifname_in,
            ifname_out=message.ifname_out,
            mark=message.mark,
            tracked=message.tracking.state if message.tracking else "",
        )
        if message.chain in _ROUTED_AFTER:
            yield self._route(message)

    def _rewrites(self, after: AddressPair, point: str) -> Iterator[Rewritten]:
        request = self._way is Way.REQUEST
        kinds = (Nat.DNAT, Nat.SNAT) if request else (Nat.UN_SNAT, Nat.UN_DNAT)
        old, new = self._pair, after
        changes = (
            (kinds[0], old.destination, new.destination),
            (kinds[1], old.source, new.source),
        )
        for kind, before, now in changes:
            if before != now:
                yield Rewritten(
                    kind=kind,
                    before=before,
                    after=now,
                    seen_at=point,
                    by=self._cause,
                    is_repeated=self._is_repeated(kind),
                )
                self._cause = None

    def _is_repeated(self, kind: Nat) -> bool:
        """Tell whether NAT had decided before: only a connection's first packet walks its rules."""
        if kind in {Nat.UN_DNAT, Nat.UN_SNAT}:
            return True
        walked = any(
            message.table == "nat" or message.chain in NAT_CHAINS for message in self._walk.messages
        )
        return not walked and self._walk.host in self._knowledge.books

    def _route(self, message: TraceMessage) -> Routed:
        ends = self._pair
        # What comes in by lo has the route with it that its socket was given.
        local = self._walk.is_local or message.ifname_in == "lo"
        question = RouteQuestion(
            host=self._walk.host,
            destination=ends.destination.address,
            source=ends.source.address if not local or self._is_routed_again() else None,
            ifname_in="" if local else message.ifname_in,
            mark=message.mark,
            protocol=str(self._walk.entry.key.protocol).upper(),
            source_port=ends.source.port,
            destination_port=ends.destination.port,
        )
        answer = self._knowledge.ask(question)
        return Routed(
            destination=str(ends.destination.address),
            route=answer.route,
            via=answer.via,
            ifname=answer.ifname,
            table=answer.table,
            error=answer.error,
            observed=self._ifname_out(),
        )

    def _is_routed_again(self) -> bool:
        """Tell whether DNAT in OUTPUT changed where a packet goes after it had its source."""
        is_new = self._pair.destination != self._walk.entry.pair.destination
        return self._walk.is_local and is_new

    def _ifname_out(self) -> str:
        outs = [m.ifname_out for m in self._walk.messages if m.is_point and m.ifname_out]
        return outs[-1] if outs else ""

    def _entry(self) -> Iterator[ConntrackEntry]:
        """Yield the connection's entry where addresses were rewritten."""
        own_pairs = self._walk.pairs()
        if len(own_pairs) > 1:
            for entry in reversed(self._knowledge.entries):
                known = {entry.original, entry.reply}
                if entry.host == self._walk.host and own_pairs[0] in known:
                    yield entry
                    return


def rule_hit(message: TraceMessage, book: RuleBook) -> RuleHit | None:
    """Return what a message says of a rule or a policy; None for the plain end of a chain."""
    if message.report is Report.POLICY:
        return RuleHit(
            table=message.table, chain=message.chain, verdict=message.verdict, mark=message.mark
        )
    number = message.handle if message.index is None else -message.index
    if number is None or message.report is not Report.RULE:
        return None
    known = book.get((message.table, message.chain, number))
    acts = known.target if known else ""
    verdict = "REJECT" if acts == "REJECT" else message.verdict
    return RuleHit(
        table=message.table,
        chain=message.chain,
        index=known.index if known else message.index,
        handle=message.handle,
        text=known.text if known else "",
        comment=known.comment if known else "",
        verdict=verdict,
        target=message.target or acts,
        mark=message.mark,
        service=known.service if known else "",
        endpoint=known.endpoint if known else "",
    )
