"""pcapng blocks, read back by an independent reader and by scapy."""

import io
from ipaddress import ip_address, ip_interface

import pytest

from netlab.capture import pcapng
from tests.unit.pcapng_reader import read_capture

TIME = 1_795_424_927_989_410_963
FRAME = bytes(12) + b"\x08\x06" + b"first"
ETH0 = pcapng.Interface(
    name="node2:eth0",
    description="eth0 of node2",
    addresses=(ip_interface("10.240.0.4/24"), ip_interface("fd00::4/64")),
    mac="02:e1:58:9c:70:db",
    filter="tcp port 80",
    snap=2048,
)
LO = pcapng.Interface(name="client:lo")


def section(*comments: str) -> bytes:
    return pcapng.section_header(
        hardware="x86_64", os="Linux 6.1", application="netlab 1", comments=comments
    )


def packet(
    number: int, content: bytes = FRAME, *comments: str, packet_id: int = 0, length: int = 0
) -> bytes:
    options = pcapng.packet_options(
        flags=pcapng.INBOUND | pcapng.BROADCAST, comments=list(comments)
    )
    return pcapng.enhanced_packet(number, TIME, content, length or len(content), packet_id, options)


def test_the_section_says_what_made_it_and_why():
    read = read_capture(section("netlab capture", "a second comment"))
    assert read.section.texts("application") == ["netlab 1"]
    assert read.section.texts("os") == ["Linux 6.1"]
    assert read.section.texts("hardware") == ["x86_64"]
    assert read.section.texts("comment") == ["netlab capture", "a second comment"]


def test_an_interface_has_its_name_addresses_and_filter():
    read = read_capture(section() + pcapng.interface_description(ETH0))
    [eth0] = read.interfaces
    assert eth0.body == b"\x01\x00\x00\x00\x00\x08\x00\x00"
    assert eth0.texts("name") == ["node2:eth0"]
    assert eth0.texts("description") == ["eth0 of node2"]
    assert eth0.options["ipv4"] == [bytes([10, 240, 0, 4, 255, 255, 255, 0])]
    assert eth0.options["ipv6"] == [ip_address("fd00::4").packed + b"\x40"]
    assert eth0.options["mac"] == [bytes.fromhex("02e1589c70db")]
    assert eth0.options["filter"] == [b"\0tcp port 80"]


def test_packets_name_their_interface_and_keep_time_id_and_comments():
    content = b"".join(
        [
            section(),
            pcapng.interface_description(LO),
            pcapng.interface_description(ETH0),
            packet(1, FRAME, "hop 3", "NAT in node2: ✎", packet_id=7),
            packet(0, FRAME[:14], packet_id=1 << 40, length=1474),
        ]
    )
    first, second = read_capture(content).packets
    assert (first.interface, first.time_ns, first.content) == ("node2:eth0", TIME, FRAME)
    assert first.comments == ["hop 3", "NAT in node2: ✎"]
    assert (first.packet_id, first.flags) == (7, 0b1101)
    assert (second.interface, second.length, len(second.content)) == ("client:lo", 1474, 14)
    assert second.packet_id == 1 << 40


@pytest.mark.parametrize("size", range(9))
def test_content_of_every_length_is_padded(size: int):
    content = section() + pcapng.interface_description(LO) + packet(0, b"x" * size, "c" * size)
    [read] = read_capture(content).packets
    assert read.content == b"x" * size
    assert read.comments == (["c" * size] if size else [])
    assert read.packet_id == 0


def test_names_of_addresses_of_both_families():
    names = {"10.240.0.4": "node2", "fd00::4": "node2", "10.0.0.10": "svc/kube-system/kube-dns"}
    read = read_capture(section() + pcapng.name_resolution(names))
    assert read.names == {ip_address(text).packed: name for text, name in names.items()}


def test_counters_of_an_interface():
    statistics = pcapng.Statistics(
        interface=3,
        start_ns=TIME,
        end_ns=TIME + 1,
        received=5,
        dropped=2,
        comments=("of the host",),
    )
    [read] = read_capture(section() + pcapng.interface_statistics(statistics)).statistics
    assert read.body[:4] == b"\x03\0\0\0"
    assert (read.number("received"), read.number("dropped")) == (5, 2)
    assert read.texts("comment") == ["of the host"]
    high, low = TIME >> 32, TIME & 0xFFFF_FFFF
    assert read.options["start"] == [high.to_bytes(4, "little") + low.to_bytes(4, "little")]


def test_a_comment_that_is_too_long_for_the_format_is_cut_at_a_character():
    [comment] = read_capture(section("✎" * 30_000)).section.texts("comment")
    assert comment == "✎" * 21_845


def test_scapy_reads_the_packets_and_where_they_were():
    from scapy.utils import PcapNgReader

    content = b"".join(
        [
            section(),
            pcapng.interface_description(LO),
            pcapng.interface_description(ETH0),
            pcapng.name_resolution({"10.240.0.4": "node2"}),
            packet(1, FRAME, "hop 1", packet_id=9),
        ]
    )
    [read] = list(PcapNgReader(io.BytesIO(content)))
    assert bytes(read) == FRAME
    assert read.sniffed_on == "node2:eth0"
    assert int(read.time) == TIME // 10**9
