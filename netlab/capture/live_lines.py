"""The frames of a capture as lines of text, as they come."""

from collections.abc import Callable, Mapping, Sequence
from typing import Final

from netlab.capture.annotation import Annotation
from netlab.capture.capture_point import HeardInterface, Seen
from netlab.capture.packet_lines import LiveFrame, fitting_line, other_words, packet_words
from netlab.capture.pcapng import PROMISCUOUS, Statistics
from netlab.linux.frames import Frame
from netlab.model.names import NetnsName
from netlab.sources.observations import observations
from netlab.sources.packet_identity import pair_of

_ETHERNET_BYTES: Final = 14


class LiveLines:
    """One line a frame.

    Args:
        write: Takes lines, each with its end.
        annotation: Names, and words for rewrites.
        width: Columns of the terminal; None where the lines go elsewhere.
    """

    def __init__(
        self, write: Callable[[str], object], annotation: Annotation, width: int | None = None
    ) -> None:
        self._write = write
        self._annotation = annotation
        self._width = width

    def meet(self, interface: HeardInterface) -> None:
        """Say nothing: the lines name interfaces."""

    def learn(self, names: Mapping[str, str]) -> None:
        """Say nothing: the annotation has the names."""

    def take(self, seen: Sequence[Seen]) -> None:
        """Write the lines."""
        if seen:
            self._write("".join(f"{self._line(one)}\n" for one in seen))

    def close(self, counters: Sequence[Statistics]) -> None:
        """Say nothing: the summary does."""

    def _line(self, seen: Seen) -> str:
        (time_ns, vantage, length, content), (number, _, change) = seen
        frame = _frame_of(seen)
        naming = self._annotation.naming
        packets = observations([frame]) if len(content) >= _ETHERNET_BYTES else ()
        what = packet_words(packets[0], naming) if packets else other_words(content, length, naming)
        return fitting_line(
            LiveFrame(
                time_ns=time_ns,
                host=frame.host,
                ifname=frame.ifname,
                direction=vantage.direction,
                number=number,
                what=what,
                was=naming.ends(pair_of(change.before)) if change else "",
            ),
            self._width,
        )


def _frame_of(seen: Seen) -> Frame:
    """Return a frame as a value with names."""
    (time_ns, vantage, length, content), _ = seen
    interface = vantage.interface
    return Frame(
        netns=NetnsName(interface.netns),
        host=interface.host,
        ifname=interface.seen.ifname,
        direction=vantage.direction,
        time_ns=time_ns,
        data=content,
        length=length,
        for_another=vantage.flags >> 2 == PROMISCUOUS >> 2,
    )
