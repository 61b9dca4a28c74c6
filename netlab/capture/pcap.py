"""Captures as files that tcpdump, Wireshark and scapy open."""

from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

from netlab.linux.frames import Frame


def write_pcaps(directory: Path, frames: Iterable[Frame]) -> list[Path]:
    """Write one file for each interface, ``<host>_<ifname>.pcap``; return them, sorted.

    Files of an earlier capture in ``directory`` are removed, so that what lies there belongs
    together. A frame that the snap length cut keeps its true length in the file.
    """
    from scapy.layers.l2 import Ether  # noqa: PLC0415  half a second
    from scapy.utils import EDecimal, wrpcap  # noqa: PLC0415

    directory.mkdir(parents=True, exist_ok=True)
    for old in directory.glob("*.pcap"):
        old.unlink()
    points: defaultdict[str, list[Ether]] = defaultdict(list)
    for frame in sorted(frames, key=lambda frame: frame.time_ns):
        packet = Ether(frame.data)
        # A float holds 53 bits; nanoseconds since 1970 need more.
        packet.time = EDecimal(frame.time_ns) / 1_000_000_000
        packet.wirelen = frame.length
        points[f"{frame.host.replace('/', '.')}_{frame.ifname}"].append(packet)
    for point, packets in points.items():
        wrpcap(str(directory / f"{point}.pcap"), packets, nano=True)
    return sorted(directory / f"{point}.pcap" for point in points)
