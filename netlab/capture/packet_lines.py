"""One line a packet of a capture under way.

On a terminal a line that is too long for it has its names shortened, and goes on below its words if
that does not help: the columns before stay free for the eye to run down.
"""

import re
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from textwrap import wrap
from typing import Final

from netlab.capture.frame_comments import Naming
from netlab.model.packets import Direction
from netlab.sources.neighbour_messages import neighbour_talk
from netlab.sources.observations import Observation
from netlab.sources.packet_identity import identify, pair_of
from netlab.sources.packet_key import kind_of

_PROTOCOLS: Final = {2: "igmp", 58: "icmpv6", 132: "sctp"}
_FRAGMENT_OFFSET: Final = 0x1FFF
POINT_COLUMN: Final = 22
_WORDS_COLUMN: Final = len("22:13:20.000001    #12 ") + POINT_COLUMN + 1
_LONG_NAME: Final = re.compile(r"[a-z0-9][a-z0-9./-]{20,}")
_SHORT_NAME: Final = 15
_NAME_END: Final = 5
"""Letters at its end that tell a Deployment's pods apart."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveFrame:
    """A frame as its line tells of it."""

    time_ns: int
    host: str
    ifname: str
    direction: Direction
    number: int
    """Of its packet; 0 for none."""
    what: str
    """``client:52250 > node2:30080 tcp SYN``"""
    was: str = ""
    """The ends at the observation before, when NAT rewrote them since."""


def live_line(frame: LiveFrame) -> str:
    """Return time (UTC), number of the packet, place, and what the frame is."""
    stamp = datetime.fromtimestamp(frame.time_ns // 1_000_000_000, UTC).strftime("%H:%M:%S")
    micros = frame.time_ns % 1_000_000_000 // 1000
    way = f"▸ {frame.ifname}" if frame.direction is Direction.IN else f"{frame.ifname} ▸"
    number = f"#{frame.number}" if frame.number else ""
    point = f"{_name(frame.host, POINT_COLUMN - 1 - len(way))} {way}"
    was = f"  ✎ was {frame.was}" if frame.was else ""
    return f"{stamp}.{micros:06} {number:>6} {point:<{POINT_COLUMN}} {frame.what}{was}"


def fitting_line(frame: LiveFrame, width: int | None) -> str:
    """Return the line, in several lines where it is wider than a terminal of ``width`` columns.

    Args:
        frame: What it tells of.
        width: Columns; None where nobody counts them.
    """
    line = live_line(frame)
    if width is None or len(line) <= width:
        return line
    short = replace(frame, what=_with_short_names(frame.what), was=_with_short_names(frame.was))
    line = live_line(short)
    if len(line) <= width:
        return line
    head = live_line(replace(frame, what="", was=""))
    longest = max(map(len, f"{short.what} {short.was}".split()))
    indent = " " * max(0, min(_WORDS_COLUMN, width - longest))
    if len(head) + longest > width:
        lines = [head.rstrip(), *_wrapped(short.what, indent, indent, width)]
    else:
        lines = _wrapped(short.what, head, indent, width)
    if short.was:
        lines += _wrapped(f"✎ was {short.was}", indent, indent, width)
    return "\n".join(lines)


def _wrapped(words: str, first: str, indent: str, width: int) -> list[str]:
    return wrap(
        words,
        width,
        initial_indent=first,
        subsequent_indent=indent,
        break_long_words=False,
        break_on_hyphens=False,
    )


def _with_short_names(words: str) -> str:
    return _LONG_NAME.sub(lambda match: _name(match[0], _SHORT_NAME), words)


def _name(host: str, room: int) -> str:
    """Return a name that keeps the columns, as far as it can be told from others."""
    shortest = 2 * _NAME_END
    if len(host) <= max(room, shortest):
        return host
    return f"{host[: max(room, shortest) - _NAME_END - 1]}…{host[-_NAME_END:]}"


def packet_words(seen: Observation, naming: Naming) -> str:
    """Return ends, protocol, kind and length of content of a packet."""
    key = seen.key
    kind = kind_of(key)
    protocol = key.protocol if kind.lower() != key.protocol else ""
    words = [naming.ends(seen.pair), protocol, kind]
    if key.length and key.protocol not in {"icmp", "icmpv6"}:
        words.append(f"{key.length} bytes")
    return " ".join(word for word in words if word)


def other_words(data: bytes, length: int, naming: Naming) -> str:
    """Return what is known of a frame that belongs to no connection of TCP, UDP or ICMP."""
    if (talk := neighbour_talk(data)) is not None:
        ends = (talk.sender, talk.receiver, talk.subject)
        sender, receiver, subject = (naming.address(str(end)) for end in ends)
        if talk.is_answer:
            return f"{sender} > {receiver} {talk.protocol}, {subject} is at {talk.mac}"
        return f"{sender} {talk.protocol}, who has {subject}?"
    identity = identify(data)
    if identity is None:
        return f"EtherType 0x{data[12:14].hex()}, {length} bytes"
    is_ipv4 = data[14] >> 4 == 4
    later = is_ipv4 and int.from_bytes(data[20:22], "big") & _FRAGMENT_OFFSET
    number = data[23] if is_ipv4 else data[20]
    what = "later fragment" if later else _PROTOCOLS.get(number, f"IP protocol {number}")
    return f"{naming.ends(pair_of(identity[1]))} {what}, {length} bytes"
