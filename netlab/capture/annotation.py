"""Seen frames to packet blocks, with what is known of each beside it."""

from collections.abc import Iterable
from typing import Final

from netlab.capture.capture_point import CapturePoint, HeardInterface, Seen
from netlab.capture.frame_comments import Naming, hop_comment, nat_comment
from netlab.capture.pcapng import enhanced_packet, packet_options
from netlab.sources.packet_identity import Change, pair_of

_REMEMBERED: Final = 10_000
"""Rewrites whose words are kept; a flow's packets all meet the same ones."""


class Annotation:
    """The words beside the frames of one capture.

    Args:
        interfaces: Of the capture, by number; it may grow.
    """

    def __init__(self, interfaces: list[HeardInterface]) -> None:
        self._interfaces = interfaces
        self._options: dict[int, bytes] = {}
        self._rewrites: dict[tuple[int, Change], str] = {}
        self.naming = Naming({})

    def blocks(self, seen: Iterable[Seen]) -> list[bytes]:
        """Return a block for each frame; its interface has the number it has in the capture."""
        return self._blocks(seen, alone=False)

    def blocks_alone(self, seen: Iterable[Seen]) -> list[bytes]:
        """Return a block for each frame, for a file that holds one interface only."""
        return self._blocks(seen, alone=True)

    def _blocks(self, seen: Iterable[Seen], *, alone: bool) -> list[bytes]:
        # A call for each frame is what a capture at all points has time for; so not two.
        known, blocks = self._options, []
        for (time_ns, vantage, length, content), (packet, hop, change) in seen:
            options = known.get(vantage.code << 16 | hop)
            if options is None:
                options = self._new_options(vantage, hop)
            if change is not None:
                options += packet_options(comments=[self._nat(vantage, change)])
            number = 0 if alone else vantage.number
            blocks.append(enhanced_packet(number, time_ns, content, length, packet, options))
        return blocks

    def _new_options(self, vantage: CapturePoint, hop: int) -> bytes:
        comment = hop_comment(vantage.interface.name, vantage.direction, hop)
        options = packet_options(flags=vantage.flags, comments=[comment])
        self._options[vantage.code << 16 | hop] = options
        return options

    def _nat(self, vantage: CapturePoint, change: Change) -> str:
        """Return what was rewritten before a packet came here."""
        key = vantage.interface.number, change
        if key not in self._rewrites:
            if len(self._rewrites) >= _REMEMBERED:
                self._rewrites.clear()
            before, after = pair_of(change.before), pair_of(change.after)
            where = self._between(change.since, vantage.interface)
            self._rewrites[key] = nat_comment(where, before, after, self.naming)
        return self._rewrites[key]

    def _between(self, since: int, here: HeardInterface) -> str:
        """Return where a rewrite was, as closely as the two observations tell."""
        there = self._interfaces[since >> 1]
        if there.netns == here.netns:
            return f"in {here.host}"
        return f"between {there.name} and {here.name}"
