"""Capture files that stay whole when there is no room for more."""

import os
import resource
from collections.abc import Iterator
from pathlib import Path

import pytest

from netlab.capture import pcapng
from netlab.capture.files import FileFullError, PcapngFile, ReaderGoneError
from netlab.errors import HostError
from tests.unit.pcapng_reader import read_file

HEAD = [
    pcapng.section_header(hardware="", os="", application="netlab"),
    pcapng.interface_description(pcapng.Interface(name="node1:eth0")),
]
COUNTERS = pcapng.interface_statistics(
    pcapng.Statistics(
        interface=0,
        start_ns=1,
        end_ns=2,
        received=3,
        dropped=1,
        comments=("of all interfaces",) * 3,
    )
)
ROOM = 4096


def packet(i: int) -> bytes:
    return pcapng.enhanced_packet(0, i, bytes(100), 100, i, pcapng.packet_options(flags=1))


def write_all(file: PcapngFile, at_once: int) -> None:
    for start in range(1, 101, at_once):
        file.write([packet(i) for i in range(start, start + at_once)])


@pytest.fixture
def room() -> Iterator[None]:
    """Have files end at 4096 bytes, as on a disk that is full."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (ROOM, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.parametrize("at_once", [1, 7, 100], ids=["one", "some", "more than has room"])
@pytest.mark.usefixtures("room")
def test_a_full_disk_leaves_whole_packets_and_the_counters(tmp_path: Path, at_once: int):
    path = tmp_path / "a.pcapng"
    file = PcapngFile(str(path))
    file.write(HEAD)
    with pytest.raises(FileFullError, match="no room is left"):
        write_all(file, at_once)
    file.close([COUNTERS])

    read = read_file(path)
    assert [one.packet_id for one in read.packets] == list(range(1, len(read.packets) + 1))
    assert len(read.packets) >= 20
    assert len(read.statistics) == 1
    assert path.stat().st_size == file.size


@pytest.mark.usefixtures("room")
def test_counters_that_find_no_room_push_a_packet_out(tmp_path: Path):
    path = tmp_path / "a.pcapng"
    file = PcapngFile(str(path))
    file.write(HEAD)
    while file.size + len(packet(1)) <= ROOM:
        file.write([packet(1)])
    before = len(read_file(path).packets)
    assert file.size + len(COUNTERS) > ROOM

    file.close([COUNTERS])

    read = read_file(path)
    assert len(read.packets) == before - 1
    assert len(read.statistics) == 1


def test_a_file_in_order_has_everything(tmp_path: Path):
    path = tmp_path / "a.pcapng"
    path.write_text("an older file, which is longer than the new one" * 100)
    file = PcapngFile(str(path))
    file.write(HEAD)
    file.write([packet(1), packet(2)])
    file.close([COUNTERS])
    read = read_file(path)
    assert [one.packet_id for one in read.packets] == [1, 2]


def test_a_pipe_without_a_reader_is_told_apart():
    reading, writing = os.pipe()
    os.close(reading)
    file = PcapngFile(f"/proc/self/fd/{writing}")
    with pytest.raises(ReaderGoneError):
        file.write(HEAD)
    file.close([COUNTERS])
    os.close(writing)


def test_a_reader_that_goes_is_noticed_without_a_write():
    reading, writing = os.pipe()
    file = PcapngFile(f"/proc/self/fd/{writing}")
    file.check()
    os.close(reading)
    with pytest.raises(ReaderGoneError):
        file.check()
    file.close()
    os.close(writing)


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path):
    with pytest.raises(HostError, match=r"cannot write .*: No such file or directory"):
        PcapngFile(str(tmp_path / "nowhere" / "a.pcapng"))
    with pytest.raises(HostError, match="Is a directory"):
        PcapngFile(str(tmp_path))


def test_a_device_that_is_full_ends_without_a_second_failure():
    file = PcapngFile("/dev/full")
    with pytest.raises(FileFullError, match="/dev/full"):
        file.write(HEAD)
    file.close([COUNTERS])
