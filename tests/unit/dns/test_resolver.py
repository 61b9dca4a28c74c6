"""Messages in, messages out; dnslib reads them as a client would."""

import dnslib
import pytest
from hypothesis import given
from hypothesis import strategies as st

from netlab.dns.outside_zone import OutsideZone
from netlab.dns.records import Answer, Rcode, Record, Type
from netlab.dns.resolver import Pending, Resolver

MANY = [f"198.51.100.{number}" for number in range(1, 101)]


class FakeZone:
    """Some names of ``zone``; ``alias`` stands for a name of another server's."""

    def __init__(self) -> None:
        self.version = 0
        self.asked = 0
        self.addresses = {"one.zone": ["10.0.0.1"], "many.zone": MANY, "two.zone": MANY[:2]}

    def answer(self, name: str, qtype: int) -> Answer | None:
        del qtype
        self.asked += 1
        if name == "alias.zone":
            return Answer(answers=(Record(name, Type.CNAME, 30, "www.example.com"),))
        if name == "inner.zone":
            return Answer(answers=(Record(name, Type.CNAME, 30, "one.zone"),))
        if name == "loop.zone":
            return Answer(answers=(Record(name, Type.CNAME, 30, "loop.zone"),))
        if not name.endswith("zone"):
            return None
        found = tuple(Record(name, Type.A, 30, one) for one in self.addresses.get(name, ()))
        return Answer(rcode=Rcode.NOERROR if found else Rcode.NXDOMAIN, answers=found)


def question(name: str, qtype: str = "A", **edns: int) -> bytes:
    message = dnslib.DNSRecord.question(name, qtype)
    if edns:
        message.add_ar(dnslib.EDNS0(**edns))
    return bytes(message.pack())


def ask(resolver: Resolver, data: bytes, *, is_tcp: bool = False) -> dnslib.DNSRecord:
    found = resolver.ask(data, 0.0, is_tcp=is_tcp)
    assert isinstance(found, bytes)
    return dnslib.DNSRecord.parse(found)


def addresses(message: dnslib.DNSRecord) -> list[str]:
    return [str(one.rdata) for one in message.rr if one.rtype == dnslib.QTYPE.A]


@pytest.fixture
def zone() -> FakeZone:
    return FakeZone()


@pytest.fixture
def resolver(zone: FakeZone) -> Resolver:
    return Resolver(zone, forwards=True)


def test_an_answer_has_its_questions_number_and_spelling(resolver: Resolver):
    for number in (1, 2):
        data = dnslib.DNSRecord(dnslib.DNSHeader(id=number, rd=1), q=dnslib.DNSQuestion("ONE.zone"))
        answer = ask(resolver, bytes(data.pack()))
        assert answer.header.id == number
        assert (answer.header.qr, answer.header.aa, answer.header.ra) == (1, 1, 1)
        assert answer.q.qname.label == (b"ONE", b"zone")
        assert answer.rr[0].rname.label == (b"ONE", b"zone")
        assert addresses(answer) == ["10.0.0.1"]


def test_the_same_question_is_looked_up_once_until_the_zone_changes(
    resolver: Resolver, zone: FakeZone
):
    for _ in range(3):
        ask(resolver, question("one.zone"))
    asked = zone.asked
    ask(resolver, question("one.zone"))
    assert zone.asked == asked
    zone.addresses["one.zone"], zone.version = ["10.0.0.2"], 1
    assert addresses(ask(resolver, question("one.zone"))) == ["10.0.0.2"]


def test_addresses_come_in_another_order_each_time(resolver: Resolver):
    first = {addresses(ask(resolver, question("two.zone")))[0] for _ in range(4)}
    assert first == set(MANY[:2])


@pytest.mark.parametrize(
    ("edns", "limit"), [({}, 512), ({"udp_len": 1232}, 1232), ({"udp_len": 100}, 512)]
)
def test_an_answer_that_does_not_fit_says_so(resolver: Resolver, edns: dict[str, int], limit: int):
    data = question("many.zone", **edns)
    found = resolver.ask(data, 0.0, is_tcp=False)
    assert isinstance(found, bytes)
    message = dnslib.DNSRecord.parse(found)
    assert limit - 16 < len(found) <= limit
    assert message.header.tc == 1
    assert bool(message.ar) == bool(edns)
    whole = ask(resolver, data, is_tcp=True)
    assert whole.header.tc == 0
    assert sorted(addresses(whole)) == sorted(MANY)
    assert ask(resolver, question("many.zone", udp_len=4096)).header.tc == 0


def test_an_option_that_is_another_each_time_costs_no_look_up(resolver: Resolver, zone: FakeZone):
    def with_cookie(number: int) -> bytes:
        message = dnslib.DNSRecord.question("one.zone")
        cookie = dnslib.EDNSOption(10, bytes([number] * 8))
        message.add_ar(dnslib.EDNS0(udp_len=1232, opts=[cookie]))
        return bytes(message.pack())

    ask(resolver, with_cookie(1))
    asked = zone.asked
    answer = ask(resolver, with_cookie(2))
    assert zone.asked == asked
    assert addresses(answer) == ["10.0.0.1"]


def test_an_alias_is_followed_within_the_zone(resolver: Resolver):
    message = ask(resolver, question("inner.zone"))
    assert [one.rtype for one in message.rr] == [dnslib.QTYPE.CNAME, dnslib.QTYPE.A]


def test_an_alias_that_stands_for_itself_has_no_answer(resolver: Resolver):
    assert ask(resolver, question("loop.zone")).header.rcode == Rcode.SERVFAIL


def test_what_is_not_the_zones_is_asked_once_and_kept_while_it_lives():
    for name, aliases in (("www.example.com", 0), ("alias.zone", 1)):
        fresh = Resolver(FakeZone(), forwards=True)
        pending = fresh.ask(question(name), 100.0, is_tcp=False)
        assert isinstance(pending, Pending)
        assert pending.question == ("www.example.com", Type.A)
        record = Record("www.example.com", Type.A, 20, "203.0.113.1")
        first = fresh.complete(pending, Answer(answers=(record,)), 100.0)
        assert addresses(dnslib.DNSRecord.parse(first)) == ["203.0.113.1"]
        later = fresh.ask(question(name), 112.0, is_tcp=False)
        assert isinstance(later, bytes)
        message = dnslib.DNSRecord.parse(later)
        assert len(message.rr) == 1 + aliases
        assert message.rr[-1].ttl == 8
        assert isinstance(fresh.ask(question(name), 120.0, is_tcp=False), Pending)


def test_a_negative_answer_is_kept_as_long_as_its_zone_says(resolver: Resolver):
    outside = OutsideZone({})
    pending = resolver.ask(question("no.example"), 0.0, is_tcp=False)
    assert isinstance(pending, Pending)
    found = resolver.complete(pending, outside.answer("no.example", Type.A), 0.0)
    assert dnslib.DNSRecord.parse(found).header.rcode == Rcode.NXDOMAIN
    assert isinstance(resolver.ask(question("no.example"), 29.0, is_tcp=False), bytes)
    assert isinstance(resolver.ask(question("no.example"), 30.0, is_tcp=False), Pending)


def test_a_failure_is_not_kept(resolver: Resolver):
    pending = resolver.ask(question("www.example.com"), 0.0, is_tcp=False)
    assert isinstance(pending, Pending)
    found = resolver.complete(pending, None, 0.0)
    assert dnslib.DNSRecord.parse(found).header.rcode == Rcode.SERVFAIL
    assert isinstance(resolver.ask(question("www.example.com"), 0.0, is_tcp=False), Pending)


def test_without_another_server_what_is_not_the_zones_is_refused(zone: FakeZone):
    resolver = Resolver(zone, forwards=False)
    assert ask(resolver, question("www.example.com")).header.rcode == Rcode.REFUSED


def test_an_answer_is_answered_with_silence(resolver: Resolver):
    reply = bytes(dnslib.DNSRecord.question("one.zone").reply().pack())
    assert resolver.ask(reply, 0.0, is_tcp=False) is None


def test_another_opcode_or_class_is_refused(resolver: Resolver):
    update = dnslib.DNSRecord(dnslib.DNSHeader(id=1, opcode=5), q=dnslib.DNSQuestion("one.zone"))
    assert ask(resolver, bytes(update.pack())).header.rcode == Rcode.NOTIMP
    chaos = dnslib.DNSRecord(
        q=dnslib.DNSQuestion("version.bind", dnslib.QTYPE.TXT, dnslib.CLASS.CH)
    )
    assert ask(resolver, bytes(chaos.pack())).header.rcode == Rcode.REFUSED


@given(data=st.binary(max_size=64), is_tcp=st.booleans())
def test_any_bytes_are_answered_with_their_number_or_not_at_all(data: bytes, is_tcp: bool):
    found = Resolver(FakeZone(), forwards=True).ask(data, 0.0, is_tcp=is_tcp)
    if isinstance(found, bytes):
        assert found[:2] == data[:2]
        dnslib.DNSRecord.parse(found)


@given(
    labels=st.lists(
        st.text(st.characters(max_codepoint=127), min_size=1, max_size=20), min_size=1, max_size=5
    ),
    tail=st.binary(max_size=12),
)
def test_any_name_is_answered_as_it_was_spelt(labels: list[str], tail: bytes):
    name = b"".join(bytes([len(one)]) + one.encode() for one in [*labels, "zone"]) + b"\0"
    header = b"\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00"
    data = header + name + b"\x00\x01\x00\x01"
    found = Resolver(FakeZone(), forwards=False).ask(data, 0.0, is_tcp=False)
    assert isinstance(found, bytes)
    assert found[12 : 12 + len(name)] == name
    assert Resolver(FakeZone(), forwards=False).ask(header + name + tail, 0.0, is_tcp=False)
