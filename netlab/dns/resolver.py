"""What to answer to a message, and whom to ask when that is not known here; no input or output.

Theory of operation
-------------------
A question is looked for in three places. First among the answers that went out as bytes: they hold
until the zone changes, and only the message's number differs from client to client. Then in the
zone. What is not the zone's is asked of another server, unless an answer of that one's is kept; it
is kept for as long as its records live, and their time runs down meanwhile.

A name that stands for another (CNAME) is followed, in the zone and outside. Several addresses of a
name come in another order each time, so that clients which take the first one spread.

Source: RFC 1034, section 4.3.2; RFC 2308, section 5; CoreDNS, plugins cache and loadbalance.
"""

from dataclasses import dataclass, replace
from typing import Final, NamedTuple, Protocol

from netlab.dns import wire
from netlab.dns.records import Answer, Rcode, Record, Soa, Type, Zone
from netlab.dns.wire import Query

KEPT_S: Final = 30
"""No answer of another server's is kept for longer."""
_KEPT_ANSWERS: Final = 9984
_ALIASES: Final = 8
"""Names that stand for others, one after another, at most."""
_ORDERS: Final = 8
_IN: Final = 1


class Question(NamedTuple):
    """What another server is to be asked."""

    name: str
    qtype: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Pending:
    """A client's question that waits for another server's answer."""

    query: Query
    limit: int
    question: Question
    so_far: tuple[Record, ...]
    """What is known of the answer: the names that led to the question."""


@dataclass(slots=True)
class _Orders:
    """An answer's bytes, in each order of its addresses."""

    packets: list[bytes]
    next: int = 0

    def take(self, number: bytes) -> bytes:
        packet = self.packets[self.next]
        self.next = (self.next + 1) % len(self.packets)
        return number + packet[2:]


class _Kept(NamedTuple):
    answer: Answer
    since: float
    until: float


@dataclass(slots=True)
class Counts:
    """Of questions, for metrics."""

    hits: int = 0
    misses: int = 0


class VersionedZone(Zone, Protocol):
    """A zone that tells when it changes."""

    @property
    def version(self) -> int:
        """Another number whenever an answer may be another."""


class Resolver:
    """Answers questions from a zone, and knows what others said of the rest.

    Args:
        zone: Whose ``version`` is another number whenever an answer may be another.
        forwards: Whether there is another server to ask; without one, what is not the zone's is
            refused.
    """

    def __init__(self, zone: VersionedZone, *, forwards: bool) -> None:
        self._zone = zone
        self._forwards = forwards
        self._version = -1
        self._packets: dict[tuple[bytes, bool], _Orders] = {}
        self._kept: dict[Question, _Kept] = {}
        self.counts = Counts()

    def ask(self, data: bytes, now: float, *, is_tcp: bool) -> bytes | Pending | None:
        """Return what to answer to a message.

        Args:
            data: The message.
            now: Seconds, of any clock that runs evenly.
            is_tcp: Whether it came over TCP, where an answer may be long.

        Returns:
            The answer, what to ask another server first, or None: be silent.
        """
        if self._version != self._zone.version:
            self._version = self._zone.version
            self._packets.clear()
        key = wire.query_key(data), is_tcp
        if (orders := self._packets.get(key)) is not None:
            self.counts.hits += 1
            return orders.take(data[:2])
        self.counts.misses += 1
        try:
            query = wire.read_query(data)
        except ValueError:
            return wire.error_answer(data, Rcode.FORMERR)
        return self._answer(key, query, now) if query is not None else None

    def _answer(self, key: tuple[bytes, bool], query: Query, now: float) -> bytes | Pending:
        limit = wire.TCP_BYTES if key[1] else query.udp_bytes
        if query.opcode != 0 or query.qclass != _IN:
            rcode = Rcode.NOTIMP if query.opcode != 0 else Rcode.REFUSED
            return wire.write_answer(query, Answer(rcode=rcode), limit)
        found = self._find(query, limit, now)
        return found if isinstance(found, Pending) else self._pack(key, query, found, limit)

    def complete(self, pending: Pending, answer: Answer | None, now: float) -> bytes:
        """Return what to answer now that the other server has, or has not (None)."""
        if answer is None or answer.rcode not in (Rcode.NOERROR, Rcode.NXDOMAIN):
            failed = Answer(rcode=answer.rcode if answer is not None else Rcode.SERVFAIL)
            return wire.write_answer(pending.query, failed, pending.limit)
        self._keep(pending.question, answer, now)
        whole = replace(answer, answers=pending.so_far + answer.answers)
        return wire.write_answer(pending.query, whole, pending.limit)

    def _find(self, query: Query, limit: int, now: float) -> Answer | Pending:
        """Follow a question through the zone and what is kept."""
        question = Question(query.name, query.qtype)
        so_far: tuple[Record, ...] = ()
        for _ in range(_ALIASES):
            answer = self._zone.answer(*question)
            if answer is None:
                return self._outside(query, limit, question, so_far, now)
            alias = _alias(answer, question)
            if alias is None:
                return replace(answer, answers=so_far + answer.answers)
            so_far, question = so_far + answer.answers, Question(alias, question.qtype)
        return Answer(rcode=Rcode.SERVFAIL)

    def _outside(
        self, query: Query, limit: int, question: Question, so_far: tuple[Record, ...], now: float
    ) -> Answer | Pending:
        if not self._forwards:
            return Answer(rcode=Rcode.REFUSED)
        kept = self._kept.get(question)
        if kept is None or kept.until <= now:
            return Pending(query=query, limit=limit, question=question, so_far=so_far)
        answer = _aged(kept.answer, int(now - kept.since))
        return replace(answer, answers=so_far + answer.answers)

    def _keep(self, question: Question, answer: Answer, now: float) -> None:
        times = [record.ttl for record in answer.answers]
        if not times:
            # A negative answer lives as long as its zone says; without a zone it is not kept.
            soas = [one for one in answer.authority if isinstance(one.data, Soa)]
            times = [min(one.ttl, one.data.minimum) for one in soas if isinstance(one.data, Soa)]
        if not times or min(times) <= 0:
            return
        while len(self._kept) >= _KEPT_ANSWERS:
            del self._kept[next(iter(self._kept))]
        self._kept[question] = _Kept(answer, now, now + min(*times, KEPT_S, KEPT_S))

    def _pack(self, key: tuple[bytes, bool], query: Query, answer: Answer, limit: int) -> bytes:
        orders = _orders(answer)
        packets = [wire.write_answer(query, one, limit) for one in orders]
        is_own = self._zone.answer(query.name, query.qtype) is not None
        if is_own and not any(record.type is Type.CNAME for record in answer.answers):
            if len(self._packets) >= _KEPT_ANSWERS:
                self._packets.clear()
            self._packets[key] = _Orders(packets, 1 % len(packets))
        return packets[0]


def _alias(answer: Answer, question: Question) -> str | None:
    last = answer.answers[-1] if answer.answers else None
    if last is None or last.type is not Type.CNAME or question.qtype == Type.CNAME:
        return None
    return str(last.data)


def _aged(answer: Answer, seconds: int) -> Answer:
    """Return an answer whose records have that much less to live."""
    answers, authority = (
        tuple(record._replace(ttl=max(record.ttl - seconds, 0)) for record in part)
        for part in (answer.answers, answer.authority)
    )
    return replace(answer, answers=answers, authority=authority)


def _orders(answer: Answer) -> list[Answer]:
    """Return an answer with its addresses in each of several orders."""
    addresses = [one for one in answer.answers if one.type in (Type.A, Type.AAAA)]
    if len(addresses) < 2:
        return [answer]
    others = tuple(one for one in answer.answers if one not in addresses)
    return [
        replace(answer, answers=(*others, *addresses[turn:], *addresses[:turn]))
        for turn in range(min(len(addresses), _ORDERS))
    ]
