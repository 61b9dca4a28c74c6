"""Where the frames of a capture go: one file, or a file for each interface."""

import platform
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, Protocol

from netlab import __version__
from netlab.capture import pcapng
from netlab.capture.capture_point import HeardInterface, Seen
from netlab.capture.files import PcapngFile
from netlab.errors import HostError
from netlab.linux.packet_ring import SNAP

WIRESHARK_ADVICE: Final = (
    "A packet is in here once for each interface it passed: frame.packet_id is the same for all of"
    " them. Wireshark takes the later ones for retransmissions, unless told"
    " -o tcp.analyze_sequence_numbers:FALSE; -N n shows names in place of addresses."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Heading:
    """What a file says of the capture as a whole."""

    comments: tuple[str, ...]
    """What was asked for, and how it ended."""
    expression: str = ""
    """The filter."""


class Words(Protocol):
    """Gives frames the comments that stand beside them."""

    def blocks(self, seen: Iterable[Seen]) -> list[bytes]:
        """Return a block for each frame; its interface has the number it has in the capture."""

    def blocks_alone(self, seen: Iterable[Seen]) -> list[bytes]:
        """Return a block for each frame, for a file that holds one interface only."""


class Output(Protocol):
    """Something that takes the frames of a capture."""

    def meet(self, interface: HeardInterface) -> None:
        """Take notice of an interface; its frames come later."""

    def learn(self, names: Mapping[str, str]) -> None:
        """Take notice of what addresses are called."""

    def take(self, seen: Sequence[Seen]) -> None:
        """Take frames, in the order of time."""

    def close(self, counters: Sequence[pcapng.Statistics]) -> None:
        """End; the counters are in the order of the interfaces."""


class OneFile:
    """All frames in one annotated pcapng file.

    Args:
        name: Its path, or ``-`` for standard output.
        heading: What it says of itself.
        words: The comments beside its frames.
    """

    def __init__(self, name: str, heading: Heading, words: Words) -> None:
        self.file = PcapngFile(name)
        self._heading = heading
        self._words = words
        self._waiting = [section(heading)]

    def meet(self, interface: HeardInterface) -> None:
        """Describe an interface, with the next write."""
        self._waiting.append(described(interface, self._heading))

    def learn(self, names: Mapping[str, str]) -> None:
        """Write down names, with the next write."""
        if names:
            self._waiting.append(pcapng.name_resolution(names))

    def take(self, seen: Sequence[Seen]) -> None:
        """Write frames."""
        blocks = [*self._waiting, *self._words.blocks(seen)]
        self._waiting.clear()
        if blocks:
            self.file.write(blocks)
        else:
            self.file.check()

    def close(self, counters: Sequence[pcapng.Statistics]) -> None:
        """Write the counters and close the file."""
        self.file.close([*self._waiting, *map(pcapng.interface_statistics, counters)])


class FileEach:
    """The frames of each interface in a file of its own, ``node2_eth0.pcapng``.

    A file is made with its first frame, and replaces one of its name. Others stay.

    Args:
        directory: Where; made when it is not there.
        heading: What each file says of itself.
        words: The comments beside the frames.

    Raises:
        HostError: There can be no such directory.
    """

    def __init__(self, directory: Path, heading: Heading, words: Words) -> None:
        try:
            directory.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise HostError(f"cannot make {directory}: {error.strerror}") from error
        self._directory = directory
        self._heading = heading
        self._words = words
        self._interfaces: list[HeardInterface] = []
        self._names: dict[str, str] = {}
        self.files: dict[int, PcapngFile] = {}

    def meet(self, interface: HeardInterface) -> None:
        """Remember an interface."""
        self._interfaces.append(interface)

    def learn(self, names: Mapping[str, str]) -> None:
        """Remember names for the files that come."""
        self._names |= names
        for file in self.files.values():
            if names:
                file.write([pcapng.name_resolution(names)])

    def take(self, seen: Sequence[Seen]) -> None:
        """Write each frame to its file."""
        sorted_: dict[int, list[Seen]] = {}
        for one in seen:
            sorted_.setdefault(one[0][1].interface.number, []).append(one)
        for number, frames in sorted_.items():
            file = self.files.get(number) or self._begin(self._interfaces[number])
            file.write(self._words.blocks_alone(frames))

    def close(self, counters: Sequence[pcapng.Statistics]) -> None:
        """Write the counters and close the files."""
        own = {one.interface: replace(one, interface=0) for one in counters}
        for number, file in self.files.items():
            file.close([pcapng.interface_statistics(own[number])] if number in own else [])

    def _begin(self, interface: HeardInterface) -> PcapngFile:
        name = f"{interface.host.replace('/', '.')}_{interface.seen.ifname}.pcapng"
        file = self.files[interface.number] = PcapngFile(str(self._directory / name))
        start = [section(self._heading), described(interface, self._heading)]
        if self._names:
            start.append(pcapng.name_resolution(self._names))
        file.write(start)
        return file


def section(heading: Heading) -> bytes:
    """Return the block that begins a file."""
    return pcapng.section_header(
        hardware=platform.machine(),
        os=f"{platform.system()} {platform.release()}",
        application=f"netlab {__version__}",
        comments=[*heading.comments, WIRESHARK_ADVICE],
    )


def described(interface: HeardInterface, heading: Heading) -> bytes:
    """Return the block that introduces an interface."""
    seen = interface.seen
    return pcapng.interface_description(
        pcapng.Interface(
            name=interface.name,
            description=f"{seen.ifname} of {interface.host} (namespace {interface.netns})",
            addresses=seen.addresses,
            mac=seen.mac,
            filter=heading.expression,
            snap=SNAP,
        )
    )
