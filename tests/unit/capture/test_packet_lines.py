"""Lines of a capture under way."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netlab.capture.frame_comments import Naming
from netlab.capture.packet_lines import (
    LiveFrame,
    fitting_line,
    live_line,
    other_words,
    packet_words,
)
from netlab.model.packets import Direction
from netlab.sources.packet_key import PacketKey
from tests.unit.trace_samples import NAMES, SOCKET, SYN, seen

SIX = {"fd00:10:240::4": "node2", "2001:db8::79": "client"}
NAMING = Naming({**NAMES, **SIX})
MACS = b"\2\0\0\0\0\1\2\0\0\0\0\2"
ARP = bytes.fromhex("0806 0001080006040001 02e1589c70db 0af00004 000000000000 c633644f")

NDP = bytes.fromhex(
    "86dd 60000000 0020 3a ff fd000010024000000000000000000004 20010db8000000000000000000000079"
    "87000000 00000000 20010db8000000000000000000000079 0101 02e1589c70db"
)


def frame(**more: object) -> LiveFrame:
    known = {"time_ns": 1_700_000_000_000_001_999, "host": "node2", "ifname": "eth0"}
    known |= {"direction": Direction.IN, "number": 12, "what": "client:1 > node2:2 tcp SYN"}
    return LiveFrame(**{**known, **more})


def test_a_long_name_keeps_the_columns():
    line = live_line(frame(host="source-ip-app-746d9df86c-pjsf7"))
    assert " source-ip…pjsf7 ▸ eth0 " in line
    assert line.index("client") == live_line(frame()).index("client")


PODS = "source-ip-app-746d9df86c-pjsf7:8080 > other-app-5c4d5f6b7d-x2x4z:80"
AT_80 = """\
22:13:20.000001    #12 source-ip…pjsf7 ▸ eth0 source-ip…pjsf7:8080 >
                                              other-app…x2x4z:80 tcp SYN
                                              ✎ was source-ip…pjsf7:8080 >
                                              10.0.0.7:80"""


@pytest.mark.parametrize(
    ("more", "width", "said"),
    [
        pytest.param(
            {"what": "client:52250 > node2:30080 tcp SYN"},
            80,
            "22:13:20.000001    #12 node2 ▸ eth0           client:52250 > node2:30080 tcp SYN",
            id="short names fit",
        ),
        pytest.param(
            {"what": "source-ip-app-746d9df86c-pjsf7:8080 > node2:1 tcp"},
            82,
            "22:13:20.000001    #12 node2 ▸ eth0           source-ip…pjsf7:8080 > node2:1 tcp",
            id="a name is shortened",
        ),
        pytest.param(
            {
                "host": "source-ip-app-746d9df86c-pjsf7",
                "what": f"{PODS} tcp SYN",
                "was": "source-ip-app-746d9df86c-pjsf7:8080 > 10.0.0.7:80",
            },
            80,
            AT_80,
            id="two long names go on below",
        ),
        pytest.param(
            {"what": f"{PODS} tcp SYN"},
            200,
            f"22:13:20.000001    #12 node2 ▸ eth0           {PODS} tcp SYN",
            id="a wide terminal has whole names",
        ),
        pytest.param(
            {"what": f"{PODS} tcp SYN"},
            None,
            f"22:13:20.000001    #12 node2 ▸ eth0           {PODS} tcp SYN",
            id="what no terminal shows is one line",
        ),
        pytest.param(
            {"what": "[2001:db8:1234:5678:9abc:def0:1234:5678]:80 > node2:1 tcp SYN"},
            80,
            "22:13:20.000001    #12 node2 ▸ eth0\n"
            f"{'':37}[2001:db8:1234:5678:9abc:def0:1234:5678]:80\n"
            f"{'':37}> node2:1 tcp SYN",
            id="an address stays whole",
        ),
    ],
)
def test_a_line_fits_the_terminal(more: dict[str, object], width: int | None, said: str):
    assert fitting_line(frame(**more), width) == said


@given(st.integers(80, 200), st.text("abc-7/.", max_size=63), st.text("abc-7", max_size=63))
def test_no_line_is_wider_than_the_terminal(width: int, host: str, other: str):
    words = f"{other}:65535 > {host}:80 tcp data 1460 bytes"
    line = fitting_line(frame(host=host, what=words, was=words), width)
    assert all(len(part) <= width for part in line.splitlines())


def test_a_line_tells_when_which_where_and_what():
    assert live_line(frame()) == (
        "22:13:20.000001    #12 node2 ▸ eth0           client:1 > node2:2 tcp SYN"
    )


def test_a_rewritten_packet_tells_what_it_was():
    line = live_line(frame(direction=Direction.OUT, was="client:1 > node2:30080"))
    assert "node2 eth0 ▸" in line
    assert line.endswith("  ✎ was client:1 > node2:30080")


def test_a_frame_without_a_packet_has_no_number():
    assert live_line(frame(number=0)).startswith("22:13:20.000001        node2 ▸ eth0")


@pytest.mark.parametrize(
    ("key", "said"),
    [
        pytest.param(SYN, "client:40000 > node2:30080 tcp SYN", id="TCP"),
        pytest.param(
            PacketKey("tcp", 1, 80, (1, 1, 0x18, 0)),
            "client:40000 > node2:30080 tcp data 80 bytes",
            id="TCP with content",
        ),
        pytest.param(
            PacketKey("udp", 1, 40, (0,)), "client:40000 > node2:30080 UDP 40 bytes", id="UDP"
        ),
        pytest.param(
            PacketKey("icmp", 1, 40, (8, 0, 1)),
            "client:40000 > node2:30080 icmp echo request",
            id="ICMP",
        ),
    ],
)
def test_a_packet_in_words(key: PacketKey, said: str):
    assert packet_words(seen(key, 0, "client eth0 out", SOCKET), NAMING) == said


@pytest.mark.parametrize(
    ("content", "said"),
    [
        pytest.param(MACS + ARP, "node2 arp, who has client?", id="a question by ARP"),
        pytest.param(
            MACS + ARP[:9] + b"\2" + ARP[10:],
            "node2 > client arp, node2 is at 02:e1:58:9c:70:db",
            id="an answer by ARP",
        ),
        pytest.param(MACS + NDP, "node2 ndp, who has client?", id="a question by NDP"),
        pytest.param(
            MACS + NDP.replace(b"\x87", b"\x88", 1),
            "node2 > client ndp, client is at 02:e1:58:9c:70:db",
            id="an answer by NDP",
        ),
        pytest.param(
            MACS + b"\x88\xcc" + bytes(40), "EtherType 0x88cc, 99 bytes", id="another type"
        ),
        pytest.param(
            MACS + bytes.fromhex("0800 46c0002000004000012f0000 0af00004 e0000016") + bytes(12),
            "node2 > 224.0.0.22 IP protocol 47, 99 bytes",
            id="another protocol",
        ),
        pytest.param(
            MACS + bytes.fromhex("0800 4500003000010010 40110000 0af00004 c633644f") + bytes(28),
            "node2 > client later fragment, 99 bytes",
            id="a fragment without ports",
        ),
        pytest.param(b"", "EtherType 0x, 99 bytes", id="nothing"),
    ],
)
def test_other_frames_in_words(content: bytes, said: str):
    assert other_words(content, 99, NAMING) == said
