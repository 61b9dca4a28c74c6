"""Messages of ctnetlink, byte for byte."""

from ipaddress import ip_address

import pytest

from netlab.linux.netlink_messages import Message, attribute, be32, nested
from netlab.sources.conntrack_entries import Change
from netlab.sources.conntrack_message import (
    IPCTNL_MSG_CT_DELETE,
    IPCTNL_MSG_CT_NEW,
    change_of,
    parse_tracked,
)

FAMILY = bytes(4)


def ends(kind: int, source: str, destination: str, *transport: bytes) -> bytes:
    first = 1 if ip_address(source).version == 4 else 3
    return nested(
        kind,
        nested(
            1,
            attribute(first, ip_address(source).packed),
            attribute(first + 1, ip_address(destination).packed),
        ),
        nested(2, *transport),
    )


def ports(protocol: int, source: int, destination: int) -> tuple[bytes, ...]:
    return (
        attribute(1, bytes([protocol])),
        attribute(2, source.to_bytes(2, "big")),
        attribute(3, destination.to_bytes(2, "big")),
    )


ORIGINAL = ends(1, "198.51.100.79", "10.240.0.4", *ports(6, 40000, 30080))
REPLY = ends(2, "10.244.1.2", "10.240.0.4", *ports(6, 8080, 5555))


def message(*parts: bytes, kind: int = IPCTNL_MSG_CT_NEW, flags: int = 0) -> Message:
    return Message(kind, flags, FAMILY + b"".join(parts))


def test_an_entry_has_its_tuples_state_timeout_mark_and_flags():
    state = nested(4, nested(1, attribute(1, b"\x03")))
    entry = parse_tracked(
        message(
            ORIGINAL, REPLY, be32(3, 0b1_1000_1110), state, be32(7, 86399), be32(8, 5), be32(12, 9)
        )
    )

    assert entry is not None
    assert str(entry.original.destination) == "10.240.0.4:30080"
    assert str(entry.reply.source) == "10.244.1.2:8080"
    assert (entry.protocol, entry.state, entry.timeout_s) == ("tcp", "ESTABLISHED", 86399)
    assert (entry.mark, entry.identity, entry.flags) == (5, 9, ("ASSURED",))


@pytest.mark.parametrize(
    ("status", "flags"),
    [
        pytest.param(0b1000, ("UNREPLIED",), id="no answer yet"),
        pytest.param(0b1010, (), id="answered"),
        pytest.param(0b1110, ("ASSURED",), id="both ways and worth keeping"),
        pytest.param(0b10_0000_1110, ("ASSURED", "DYING"), id="going"),
    ],
)
def test_flags_are_those_that_conntrack_prints(status: int, flags: tuple[str, ...]):
    entry = parse_tracked(message(ORIGINAL, REPLY, be32(3, status)))
    assert entry is not None
    assert entry.flags == flags


def test_an_entry_of_icmp_has_no_ports_but_an_id():
    six = (
        attribute(1, b"\x3a"), attribute(7, b"\x00\x2a"), attribute(8, b"\x80"), attribute(9, b"\0")
    )  # fmt: skip
    back = (
        attribute(1, b"\x3a"), attribute(7, b"\x00\x2a"), attribute(8, b"\x81"), attribute(9, b"\0")
    )  # fmt: skip
    entry = parse_tracked(
        message(ends(1, "fd00::1", "fd00::2", *six), ends(2, "fd00::2", "fd00::1", *back))
    )

    assert entry is not None
    assert (entry.protocol, entry.icmp) == ("icmpv6", (128, 0, 42))
    assert str(entry.original.source) == "[fd00::1]:0"
    assert entry.translations() == ()


def test_a_protocol_without_a_name_is_its_number():
    other = attribute(1, b"\xfd")
    entry = parse_tracked(
        message(ends(1, "10.0.0.1", "10.0.0.2", other), ends(2, "10.0.0.2", "10.0.0.1", other))
    )
    assert entry is not None
    assert entry.protocol == "253"


def test_a_message_without_both_tuples_is_no_entry():
    assert parse_tracked(message(ORIGINAL)) is None
    assert parse_tracked(message()) is None


@pytest.mark.parametrize(
    ("kind", "flags", "change"),
    [
        pytest.param(IPCTNL_MSG_CT_NEW, 0x600, Change.NEW, id="new"),
        pytest.param(IPCTNL_MSG_CT_NEW, 0, Change.UPDATE, id="update"),
        pytest.param(IPCTNL_MSG_CT_DELETE, 0, Change.DESTROY, id="destroy"),
        pytest.param(3, 0, None, id="the end of a dump"),
    ],
)
def test_what_happened_is_in_the_type_and_its_flags(kind: int, flags: int, change: Change | None):
    assert change_of(message(kind=kind, flags=flags)) is change
