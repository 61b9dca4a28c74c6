"""Capture files, read back by their format."""

import struct
from pathlib import Path

from netlab.capture.pcap import write_pcaps
from netlab.linux.frames import Frame
from netlab.model.names import NetnsName
from netlab.model.packets import Direction

NANOSECOND_PCAP = 0xA1B23C4D
ETHERNET = 1


def frame(ifname: str, time_ns: int, content: bytes, length: int = 0, host: str = "n1") -> Frame:
    return Frame(
        netns=NetnsName("n"),
        host=host,
        ifname=ifname,
        direction=Direction.IN,
        time_ns=time_ns,
        data=content,
        length=length or len(content),
        for_another=False,
    )


def read(file: Path) -> list[tuple[int, int, bytes]]:
    """Return time in nanoseconds, length on the wire and bytes of each record."""
    content = file.read_bytes()
    magic, *_, link = struct.unpack_from("IHHiIII", content)
    assert (magic, link) == (NANOSECOND_PCAP, ETHERNET)
    records, at = [], 24
    while at < len(content):
        sec, nsec, kept, length = struct.unpack_from("4I", content, at)
        records.append((sec * 10**9 + nsec, length, content[at + 16 : at + 16 + kept]))
        at += 16 + kept
    return records


FIRST = bytes(12) + b"\x08\x06" + b"first"
SECOND = bytes(12) + b"\x08\x06" + b"second"
TIME = 1_795_424_927_989_410_963


def test_each_interface_has_its_file_in_the_order_of_time_to_the_nanosecond(tmp_path: Path):
    frames = [frame("eth0", TIME + 1, SECOND), frame("eth0", TIME, FIRST), frame("cni0", 7, FIRST)]
    files = write_pcaps(tmp_path / "new", frames)

    assert [file.name for file in files] == ["n1_cni0.pcap", "n1_eth0.pcap"]
    assert read(files[1]) == [(TIME, len(FIRST), FIRST), (TIME + 1, len(SECOND), SECOND)]


def test_a_cut_frame_keeps_its_true_length(tmp_path: Path):
    [file] = write_pcaps(tmp_path, [frame("eth0", TIME, FIRST, length=1474)])
    assert read(file) == [(TIME, 1474, FIRST)]


def test_files_of_an_earlier_capture_go_and_other_files_stay(tmp_path: Path):
    (tmp_path / "old_eth0.pcap").write_bytes(b"")
    (tmp_path / "notes.txt").write_text("mine")
    write_pcaps(tmp_path, [frame("eth0", TIME, FIRST, host="prod/web-1")])
    assert sorted(file.name for file in tmp_path.iterdir()) == ["notes.txt", "prod.web-1_eth0.pcap"]
