"""Seen frames to files, with names and comments."""

from pathlib import Path

import pytest

from netlab.capture.annotation import Annotation
from netlab.capture.capture_point import CapturePoint, HeardInterface, Seen
from netlab.capture.frame_comments import Naming
from netlab.capture.live_lines import LiveLines
from netlab.capture.outputs import FileEach, Heading, OneFile, Output
from netlab.capture.pcapng import Statistics
from netlab.errors import HostError
from netlab.linux.interfaces import InterfaceSeen
from netlab.sources.packet_identity import PacketNumbers
from tests.unit.pcapng_reader import read_file
from tests.unit.sources.test_packet_identity import CLIENT, NODE, POD, ipv4, tcp

HEADING = Heading(comments=("netlab capture",), expression="tcp")
OUTSIDE = ipv4(CLIENT, NODE, 6, tcp(40000, 30080))
INSIDE = ipv4(NODE, POD, 6, tcp(7777, 8080), ttl=63)
NAMES = {CLIENT: "client", NODE: "node2", POD: "web"}
HOST, OUTGOING = 0, 4


def heard(number: int, host: str, ifname: str = "eth0") -> HeardInterface:
    seen = InterfaceSeen(ifindex=2, ifname=ifname)
    return HeardInterface(number=number, host=host, netns=f"netlab-x-{host}", seen=seen)


INTERFACES = [heard(0, "client"), heard(1, "node2"), heard(2, "prod/web")]
WAYS = [
    (CapturePoint.through(INTERFACES[0], OUTGOING), OUTSIDE),
    (CapturePoint.through(INTERFACES[1], HOST), OUTSIDE),
    (CapturePoint.through(INTERFACES[1], OUTGOING), INSIDE),
]
COUNTERS = [Statistics(interface=i, start_ns=1, end_ns=9, received=i, dropped=0) for i in range(3)]


def observations() -> list[Seen]:
    numbers = PacketNumbers()
    return [
        ((i, way, len(frame), frame), numbers.see(frame, way.place, i))
        for i, (way, frame) in enumerate(WAYS, start=1)
    ]


def annotation() -> Annotation:
    made = Annotation(INTERFACES)
    made.naming = Naming(NAMES)
    return made


def fill(output: Output) -> None:
    for interface in INTERFACES:
        output.meet(interface)
    output.learn(NAMES)
    output.take(observations())
    output.close(COUNTERS)


def test_one_file_has_every_point_and_names_each_hop_and_rewrite(tmp_path: Path):
    fill(OneFile(str(tmp_path / "a.pcapng"), HEADING, annotation()))

    read = read_file(tmp_path / "a.pcapng")
    assert read.section.texts("comment")[0] == "netlab capture"
    assert [one.texts("name")[0] for one in read.interfaces] == [
        "client:eth0", "node2:eth0", "prod/web:eth0",
    ]  # fmt: skip
    assert [one.options["filter"] for one in read.interfaces] == [[b"\0tcp"]] * 3
    assert set(read.names.values()) == {"client", "node2", "web"}
    assert [one.packet_id for one in read.packets] == [1, 1, 1]
    assert [one.comments for one in read.packets] == [
        ["hop 1: out of client:eth0"],
        ["hop 2: into node2:eth0"],
        [
            "hop 3: out of node2:eth0",
            "NAT in node2: destination node2:30080 => web:8080, source client:40000 => node2:7777",
        ],
    ]
    assert [one.flags & 3 for one in read.packets] == [2, 1, 2]
    assert [one.number("received") for one in read.statistics] == [0, 1, 2]


def test_a_rewrite_between_two_hosts_is_placed_no_closer(tmp_path: Path):
    output = OneFile(str(tmp_path / "a.pcapng"), HEADING, annotation())
    numbers, found = PacketNumbers(), []
    for i, (way, frame) in enumerate(
        [WAYS[0], (CapturePoint.through(INTERFACES[2], HOST), INSIDE)]
    ):
        found.append(((i, way, len(frame), frame), numbers.see(frame, way.place, i)))
    for interface in INTERFACES:
        output.meet(interface)
    output.take(found)
    output.close([])

    last = read_file(tmp_path / "a.pcapng").packets[-1]
    assert last.comments[1].startswith("NAT between client:eth0 and prod/web:eth0: destination")


def test_a_file_an_interface_holds_its_own_frames_only(tmp_path: Path):
    fill(FileEach(tmp_path / "new", HEADING, annotation()))

    files = {path.name: read_file(path) for path in (tmp_path / "new").iterdir()}
    assert sorted(files) == ["client_eth0.pcapng", "node2_eth0.pcapng"]
    node2 = files["node2_eth0.pcapng"]
    assert [one.interface for one in node2.packets] == ["node2:eth0"] * 2
    assert [one.number("received") for one in node2.statistics] == [1]
    assert set(node2.names.values()) == {"client", "node2", "web"}


def test_a_directory_that_cannot_be_made_is_named(tmp_path: Path):
    (tmp_path / "file").write_text("")
    with pytest.raises(HostError, match="cannot make"):
        FileEach(tmp_path / "file" / "d", HEADING, annotation())


def test_lines_name_the_ends_and_what_they_were():
    lines: list[str] = []
    fill(LiveLines(lines.append, annotation()))
    first, _, third = "".join(lines).splitlines()
    assert first.endswith("client eth0 ▸          client:40000 > node2:30080 tcp SYN")
    assert third.endswith("node2:7777 > web:8080 tcp SYN  ✎ was client:40000 > node2:30080")
