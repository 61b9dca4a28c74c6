"""A trace's frames as files."""

from dataclasses import replace
from pathlib import Path

from netlab.cli.trace_pcapng import pcapng_of, write_trace
from netlab.linux.frames import Frame
from netlab.model.names import NetnsName
from netlab.trace.paths import Hop
from tests.unit.pcapng_reader import read_file
from tests.unit.trace_samples import delivered


def frame(hop: Hop) -> Frame:
    return Frame(
        netns=NetnsName(f"netlab-nowhere-{hop.host}"),
        host=hop.host,
        ifname=hop.ifname,
        direction=hop.direction,
        time_ns=hop.time_ns,
        data=bytes(60),
        length=1474,
        for_another=False,
    )


TRACE = delivered()
FRAMES = [frame(h) for packet in TRACE.packets for visit in packet.visits for h in visit.hops]
STRANGER = replace(FRAMES[0], time_ns=5)


def test_the_file_has_the_connections_frames_in_the_order_of_time(tmp_path: Path):
    path = tmp_path / "t.pcapng"
    written = write_trace(TRACE, [STRANGER, *reversed(FRAMES)], str(path), "")

    read = read_file(path)
    assert (written.frames, written.files) == (8, (str(path),))
    assert [one.packet_id for one in read.packets] == [1] * 4 + [2] * 4
    assert [one.interface for one in read.packets[:4]] == [
        "client:eth0", "node2:eth0", "node2:eth0", "web:eth0",
    ]  # fmt: skip
    assert any("✎ DNAT node2:30080 ⇒ web:8080" in text for text in read.packets[2].comments)
    assert read.section.texts("comment")[1].startswith("delivered")
    assert {one.length for one in read.packets} == {1474}
    assert sum(one.number("received") for one in read.statistics) == 8


def test_the_same_is_there_without_a_file_that_stays(tmp_path: Path):
    path = tmp_path / "t.pcapng"
    write_trace(TRACE, FRAMES, str(path), "")
    assert pcapng_of(TRACE, FRAMES) == path.read_bytes()


def test_a_directory_gets_a_file_for_each_interface(tmp_path: Path):
    written = write_trace(TRACE, FRAMES, "", str(tmp_path))
    assert sorted(Path(name).name for name in written.files) == [
        "client_eth0.pcapng", "node2_eth0.pcapng", "web_eth0.pcapng",
    ]  # fmt: skip
    assert len(read_file(tmp_path / "node2_eth0.pcapng").packets) == 4


def test_a_trace_with_losses_counts_nothing(tmp_path: Path):
    path = tmp_path / "t.pcapng"
    write_trace(replace(TRACE, is_complete=False), FRAMES, str(path), "")
    assert read_file(path).statistics == []


def test_a_trace_without_packets_is_a_file_all_the_same(tmp_path: Path):
    path = tmp_path / "t.pcapng"
    write_trace(replace(TRACE, packets=()), [STRANGER], str(path), "")
    assert read_file(path).packets == []
