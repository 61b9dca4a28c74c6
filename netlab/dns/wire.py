"""Questions and answers as bytes.

Source: RFC 1035; RFC 6891 (EDNS); RFC 2181, section 9 (truncation).
"""

import struct
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

import dnslib

from netlab.dns.records import Answer, Rcode, Record, Soa, Srv, Type

HEADER_BYTES: Final = 12
UDP_BYTES: Final = 512
"""What a client takes that does not say more."""
TCP_BYTES: Final = 65_535
_IN: Final = 1
_EDNS_BYTES: Final = 1232
"""What the server says that it takes: no fragments on any common link."""


class Query(NamedTuple):
    """A question of a client's."""

    id: int
    name: str
    """In lower case, without the last dot."""
    label: dnslib.DNSLabel
    """As the client spells it."""
    qtype: int
    qclass: int
    opcode: int
    wants_recursion: bool
    udp_bytes: int
    """The longest answer that it takes over UDP."""
    has_edns: bool


def read_query(data: bytes) -> Query | None:
    """Return the question of a message; None when it is no question, and nothing is to be said.

    Raises:
        ValueError: It is broken, or its name is not ASCII.
    """
    if len(data) < HEADER_BYTES:
        return None
    if data[2] & 0x80:
        return None
    try:
        message = dnslib.DNSRecord.parse(data)
    except (dnslib.DNSError, struct.error, IndexError, UnicodeError) as error:
        raise ValueError(str(error)) from error
    if len(message.questions) != 1:
        raise ValueError(f"{len(message.questions)} questions")
    question, edns = message.q, [one for one in message.ar if one.rtype == dnslib.QTYPE.OPT]
    return Query(
        id=message.header.id,
        name=_name(question.qname),
        label=question.qname,
        qtype=question.qtype,
        qclass=question.qclass,
        opcode=message.header.opcode,
        wants_recursion=bool(message.header.rd),
        udp_bytes=max(UDP_BYTES, edns[0].edns_len) if edns else UDP_BYTES,
        has_edns=bool(edns),
    )


def query_key(data: bytes) -> bytes:
    """Return what tells a question from others that are answered with other bytes.

    That is all of it but its number and the options, such as cookies, that the answer leaves out.
    """
    if data[10:12] != b"\0\1":
        return data[2:]
    end = data.find(b"\0\0\x29", HEADER_BYTES)
    return data[2:] if end < 0 else data[2 : end + 9]


def write_answer(query: Query, answer: Answer, limit: int) -> bytes:
    """Return an answer's bytes; what does not fit is left out.

    Args:
        query: What is answered.
        answer: What to say.
        limit: Bytes at most. Additional records are left out without a word; where an answer's own
            are, the message says so (TC), and the client asks again over TCP.
    """
    message = _message(query, answer.rcode)
    # Some clients insist on the spelling that they asked with.
    spelt = {query.name: query.label}
    message.rr = _sections(answer.answers, spelt)
    message.auth = _sections(answer.authority, {})
    own = list(message.ar)
    message.ar = own + _sections(answer.additional, {})
    packed = bytes(message.pack())
    if len(packed) <= limit:
        return packed
    message.ar = own
    packed = bytes(message.pack())
    if len(packed) <= limit:
        return packed
    records = list(message.rr)
    message.header.tc = 1

    def length(count: int) -> int:
        message.rr = records[:count]
        return len(message.pack())

    fits = bisect_right(range(len(records)), limit, key=length) - 1
    message.rr = records[: max(fits, 0)]
    return bytes(message.pack())


def error_answer(data: bytes, rcode: Rcode) -> bytes:
    """Return a message that says no more than that a question could not be answered."""
    flags = 0x8000 | (struct.unpack_from("!H", data, 2)[0] & 0x7900) | rcode
    return data[:2] + struct.pack("!HHHHH", flags, 0, 0, 0, 0)


def write_query(number: int, name: str, qtype: int) -> bytes:
    """Return the question that the server asks another."""
    message = dnslib.DNSRecord(
        dnslib.DNSHeader(id=number, rd=1), q=dnslib.DNSQuestion(name or ".", qtype, _IN)
    )
    message.add_ar(dnslib.EDNS0(udp_len=_EDNS_BYTES))
    return bytes(message.pack())


def read_answer(data: bytes) -> tuple[Answer, bool]:
    """Return what another server says, and whether it had to leave something out.

    Records of types that are not known here are left out.

    Raises:
        ValueError: It is broken.
    """
    try:
        message = dnslib.DNSRecord.parse(data)
        sections = [[_record(one) for one in part] for part in (message.rr, message.auth)]
    except (dnslib.DNSError, struct.error, IndexError, UnicodeError) as error:
        raise ValueError(str(error)) from error
    answers, authority = (tuple(one for one in part if one is not None) for part in sections)
    known = message.header.rcode in set(Rcode)
    rcode = Rcode(message.header.rcode) if known else Rcode.SERVFAIL
    return Answer(rcode=rcode, answers=answers, authority=authority), bool(message.header.tc)


def _message(query: Query, rcode: Rcode) -> dnslib.DNSRecord:
    header = dnslib.DNSHeader(
        id=query.id,
        qr=1,
        aa=1,
        rd=int(query.wants_recursion),
        ra=1,
        opcode=query.opcode,
        rcode=rcode,
    )
    question = dnslib.DNSQuestion(query.label, query.qtype, query.qclass)
    message = dnslib.DNSRecord(header, q=question)
    if query.has_edns:
        message.add_ar(dnslib.EDNS0(udp_len=_EDNS_BYTES))
    return message


def _sections(records: Sequence[Record], spelt: Mapping[str, dnslib.DNSLabel]) -> list[dnslib.RR]:
    return [
        dnslib.RR(
            spelt.get(record.name, record.name or "."),
            record.type,
            rdata=_data(record),
            ttl=record.ttl,
        )
        for record in records
    ]


def _data(record: Record) -> dnslib.RD:
    data = record.data
    if isinstance(data, Srv):
        return dnslib.SRV(data.priority, data.weight, data.port, data.target)
    if isinstance(data, Soa):
        return dnslib.SOA(data.primary, data.mailbox, tuple(data[2:]))
    return _DATA[record.type](data)


_DATA: Final = {
    Type.A: dnslib.A,
    Type.AAAA: dnslib.AAAA,
    Type.CNAME: dnslib.CNAME,
    Type.NS: dnslib.NS,
    Type.PTR: dnslib.PTR,
    Type.TXT: dnslib.TXT,
}


def _record(found: dnslib.RR) -> Record | None:
    if found.rtype not in set(Type) or found.rclass != _IN:
        return None
    name, kind, data = _name(found.rname), Type(found.rtype), found.rdata
    match kind:
        case Type.SRV:
            target = _name(data.target)
            return Record(name, kind, found.ttl, Srv(data.priority, data.weight, data.port, target))
        case Type.SOA:
            primary, mailbox = _name(data.mname), _name(data.rname)
            return Record(name, kind, found.ttl, Soa(primary, mailbox, *data.times))
        case Type.TXT:
            text = b"".join(data.data).decode(errors="replace")
            return Record(name, kind, found.ttl, text)
        case _:
            return Record(name, kind, found.ttl, str(data).rstrip("."))


def _name(label: dnslib.DNSLabel) -> str:
    return b".".join(one.replace(b".", b"\\.") for one in label.label).decode("ascii").lower()
