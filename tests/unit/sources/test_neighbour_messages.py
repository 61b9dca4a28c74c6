"""Frames of ARP and of neighbour discovery."""

from ipaddress import ip_address

import pytest

from netlab.sources.neighbour_messages import is_link_talk, neighbour_talk
from netlab.sources.packet_key import PacketKey

QUESTION = bytes.fromhex(
    "ffffffffffff 02e1589c70db 0806 0001 0800 06 04 0001 02e1589c70db 0af00004000000000000 0af00003"
)
GROUP, NODE1, NODE2 = map(ip_address, ("ff02::1:ff00:3", "fd00:10:240::3", "fd00:10:240::4"))


def ndp(kind: int, ends: str, options: str = "") -> bytes:
    """Return a frame from node2 that speaks of node1's address."""
    message = bytes([kind]) + bytes(7) + NODE1.packed + bytes.fromhex(options)
    header = bytes.fromhex("60000000") + len(message).to_bytes(2, "big") + bytes([58, 255])
    mac = bytes.fromhex("3333ff000003 02e1589c70db 86dd")
    return mac + header + bytes.fromhex(ends) + message


SOLICITATION = ndp(135, NODE2.packed.hex() + GROUP.packed.hex(), "0101 02e1589c70db")
ADVERTISEMENT = ndp(136, NODE1.packed.hex() + NODE2.packed.hex(), "0201 02aaaaaaaaaa")


def test_a_question_by_arp():
    found = neighbour_talk(QUESTION)
    assert found is not None
    assert (found.protocol, found.is_answer, found.mac) == ("arp", False, "02:e1:58:9c:70:db")
    assert (str(found.sender), str(found.subject)) == ("10.240.0.4", "10.240.0.3")


def test_an_answer_by_arp_speaks_of_its_sender():
    found = neighbour_talk(QUESTION[:21] + b"\2" + QUESTION[22:])
    assert found is not None
    assert found.is_answer
    assert (str(found.subject), str(found.receiver)) == ("10.240.0.4", "10.240.0.3")


def test_a_question_by_neighbour_discovery():
    found = neighbour_talk(SOLICITATION)
    assert found is not None
    assert (found.protocol, found.is_answer, found.mac) == ("ndp", False, "02:e1:58:9c:70:db")
    assert (found.sender, found.subject) == (NODE2, NODE1)


def test_an_answer_by_neighbour_discovery():
    found = neighbour_talk(ADVERTISEMENT)
    assert found is not None
    assert (found.protocol, found.is_answer, found.mac) == ("ndp", True, "02:aa:aa:aa:aa:aa")
    assert (found.receiver, found.subject) == (NODE2, NODE1)


def test_an_answer_without_an_option_has_the_address_of_its_frame():
    found = neighbour_talk(ADVERTISEMENT[:-8])
    assert found is not None
    assert found.mac == "02:e1:58:9c:70:db"


@pytest.mark.parametrize(
    "frame",
    [
        QUESTION[:41],
        QUESTION[:21] + b"\3" + QUESTION[22:],
        b"",
        SOLICITATION[:77],
        ndp(128, NODE2.packed.hex() + NODE1.packed.hex()),
    ],
)
def test_anything_else(frame: bytes):
    assert neighbour_talk(frame) is None


@pytest.mark.parametrize(
    ("protocol", "kind", "is_of_link"),
    [
        ("icmpv6", 135, True),
        ("icmpv6", 143, True),
        ("icmpv6", 128, False),
        ("icmpv6", 1, False),
        ("icmp", 135, False),
    ],
)
def test_talk_of_a_link_is_no_connection(protocol: str, kind: int, *, is_of_link: bool):
    assert is_link_talk(PacketKey(protocol, 0, 0, (kind, 0, 0))) is is_of_link
