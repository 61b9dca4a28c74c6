"""Netlink's bytes, both ways."""

from netlab.linux.netlink_messages import (
    Message,
    attribute,
    attributes,
    be32,
    messages,
    nested,
    number_of,
    string,
    text_of,
)

HEADER = (20).to_bytes(4, "little") + (0x0A11).to_bytes(2, "little") + bytes(10)


def test_attributes_come_back_as_they_were_given():
    row = string(1, "nat") + be32(2, 7) + nested(3, attribute(1, b"x"), be32(2, 9))

    found = attributes(row)

    assert text_of(found[1]) == "nat"
    assert number_of(found[2]) == 7
    assert {kind: value for kind, value in attributes(found[3]).items() if kind == 1} == {1: b"x"}


def test_what_is_cut_short_ends_the_row():
    assert attributes(string(1, "nat") + b"\x02\x00") == {1: b"nat\0"}
    assert attributes(bytes(8)) == {}


def test_a_datagram_may_hold_several_messages():
    found = list(messages((HEADER + b"abcd") * 2))

    assert found == [Message(0x0A11, 0, b"abcd")] * 2


def test_a_value_that_is_not_there_is_empty():
    assert (text_of(None), number_of(None)) == ("", 0)
