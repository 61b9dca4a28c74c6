"""ARP frames."""

import pytest

from netlab.path.arp import arp_of

QUESTION = bytes.fromhex(
    "ffffffffffff 02e1589c70db 0806 0001 0800 06 04 0001 02e1589c70db 0af00004000000000000 0af00003"
)


def test_a_question():
    found = arp_of(QUESTION)
    assert found is not None
    assert (str(found.sender), str(found.target)) == ("10.240.0.4", "10.240.0.3")
    assert found.sender_mac == "02:e1:58:9c:70:db"
    assert not found.is_answer


def test_an_answer():
    found = arp_of(QUESTION[:21] + b"\2" + QUESTION[22:])
    assert found is not None
    assert found.is_answer


@pytest.mark.parametrize("frame", [QUESTION[:41], QUESTION[:21] + b"\3" + QUESTION[22:], b""])
def test_anything_else(frame: bytes):
    assert arp_of(frame) is None
