"""Paths of packets as text for a terminal.

The table has a line for each stay in a host, with the interfaces the packet passed there and the
addresses it carried; ``·`` says that an address is as before. Where NAT rewrote one, a line of its
own says so, at its place between two interfaces.
"""

import textwrap
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from netlab.model.addresses import Address
from netlab.model.packets import AddressPair, AddrPort, Direction
from netlab.trace.paths import Attempt, Connection, Fate, Hop, Path, Rewrite, Way

SAME: Final = "·"
HOST_COLUMN: Final = 12
"""A longer host name pushes the rest of its line to the next one."""

BOLD, RED, YELLOW, PLAIN = "\x1b[1m", "\x1b[31m", "\x1b[33m", "\x1b[0m"

_FATES: Final = {
    Fate.ANSWERED: "the answer came back to the caller",
    Fate.REFUSED: "the answer is a refusal (RST)",
    Fate.REQUEST_LOST: "no TCP answer was seen",
    Fate.REPLY_LOST: "the answer never reached the caller",
    Fate.REPLY_STRANGE: "the answer came from an address that the caller had not called",
}

_KINDS: Final = {"S": "SYN", "SA": "SYN-ACK", "R": "RST", "RA": "RST"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Style:
    """How text is laid out."""

    width: int
    """Columns; tables are meant for 80 and more."""
    names: Mapping[Address, str]
    """Names of addresses; an address without one stands alone."""
    colour: bool = False

    def paint(self, code: str, text: str) -> str:
        """Return ``text`` in a colour, or as it is when no colour is asked for."""
        return f"{code}{text}{PLAIN}" if self.colour else text


@dataclass(frozen=True, slots=True, kw_only=True)
class _Row:
    """A line of the table about one packet at one host."""

    number: str
    host: str
    ifnames: str = ""
    folded: str = ""
    """The same without bridge devices, for a narrow terminal."""
    time: str = ""
    source: AddrPort | str
    destination: AddrPort | str
    heading: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class _Note:
    """A line that stands between rows."""

    text: str
    colour: str


_Line = _Row | _Note
_Layout = tuple[Sequence[_Line], Mapping[Address, str]]
"""Lines, and the names to set beside addresses."""


def render_connection(connection: Connection, style: Style, *, evidence: Sequence[str] = ()) -> str:
    """Return the way of the last attempt's request and of its reply.

    Args:
        connection: What the captures hold; with no attempt, the text says that none was seen.
        style: Width, names and colour.
        evidence: Sentences about a loss; they stand where the packet was seen last.
    """
    if not connection.attempts:
        return "No packet of this connection was seen on any interface.\n"
    last = connection.attempts[-1]
    lines = list(_way(last.request, first=1))
    if last.reply is not None:
        lines += _way(last.reply, first=len(last.request.visits()) + 1)
    lines += _loss(last, evidence)
    text = [*_best_table(lines, style), "", *_wrapped(_summary(connection), style, "")]
    return "\n".join(text) + "\n"


def _best_table(lines: Sequence[_Line], style: Style) -> list[str]:
    """Return the table with the most in it that costs neither width nor further lines."""
    folded = [_folded(line) for line in lines]
    layouts: tuple[_Layout, ...] = ((lines, style.names), (lines, {}), (folded, {}))
    # Colour adds bytes but no columns.
    plain = replace(style, colour=False)
    drafts = [_table(*layout, plain) for layout in layouts]
    lowest = min(map(len, drafts))
    best = next(
        (
            layout
            for layout, draft in zip(layouts, drafts, strict=True)
            if len(draft) == lowest and max(map(len, draft)) <= style.width
        ),
        layouts[-1],
    )
    legend = [] if best[1] else ["", *_legend(lines, style)]
    return [*_table(*best, style), *legend]


def _folded(line: _Line) -> _Line:
    return replace(line, ifnames=line.folded) if isinstance(line, _Row) else line


def _way(path: Path, *, first: int) -> Iterator[_Line]:
    """Yield a heading, then the stays of one packet with the rewrites at their places."""
    yield _Row(
        number="",
        host=f"{path.way.upper()} {_KINDS.get(path.flags, path.flags)}",
        source="source",
        destination="destination",
        heading=True,
    )
    before: AddressPair | None = None
    if path.sent_as != path.hops[0].pair:
        yield _row(str(first), path.hops[0].host, path.sent_as, None)
        before = path.sent_as
    index = 0
    for number, visit in enumerate(path.visits(), start=first):
        label = "" if index == 0 and before else str(number)
        for part in _parts(visit):
            yield from _rewrites(path.rewrites_before(index))
            yield _hops(label, part, path.hops[0].time_ns, before)
            label, before = "", part[0].pair
            index += len(part)
    yield from _rewrites(path.rewrites_before(index))
    if path.taken_as != path.last().pair:
        yield _row("", path.last().host, path.taken_as, None)


def _parts(visit: Sequence[Hop]) -> Iterator[list[Hop]]:
    """Yield the hops of one stay, cut where an address changed."""
    part: list[Hop] = []
    for hop in visit:
        if part and hop.pair != part[0].pair:
            yield part
            part = []
        part.append(hop)
    yield part


def _hops(number: str, part: Sequence[Hop], start_ns: int, before: AddressPair | None) -> _Row:
    microseconds = (part[0].time_ns - start_ns) / 1000
    return replace(
        _row(number, part[0].host, part[0].pair, before),
        ifnames=_ifnames(part),
        folded=_ifnames(list(_without_bridges(part))),
        time=f"+{microseconds:.1f}" if microseconds else "+0 µs",
    )


def _row(number: str, host: str, pair: AddressPair, before: AddressPair | None) -> _Row:
    """Return a row without interfaces: the addresses as a socket of ``host`` knows them."""
    return _Row(
        number=number,
        host=host if number else "",
        ifnames="socket",
        folded="socket",
        source=SAME if before and before.source == pair.source else pair.source,
        destination=SAME if before and before.destination == pair.destination else pair.destination,
    )


def _without_bridges(part: Sequence[Hop]) -> Iterator[Hop]:
    """Leave out the bridge beside its port: the second hop in, or the first of two out."""
    for index, hop in enumerate(part):
        came_in = index > 0 and part[index - 1].direction is hop.direction is Direction.IN
        goes_out = part[index : index + 2]
        if not came_in and [one.direction for one in goes_out] != [Direction.OUT] * 2:
            yield hop


def _ifnames(part: Sequence[Hop]) -> str:
    through = " ▸ ".join(hop.ifname for hop in part)
    if part[-1].direction is Direction.IN:
        return f"▸ {through}"
    return f"{through} ▸" if part[0].direction is Direction.OUT else through


def _rewrites(rewrites: Iterable[Rewrite]) -> Iterator[_Note]:
    for rewrite in rewrites:
        yield _Note(text=f"{rewrite.kind} {rewrite.before} => {rewrite.after}", colour=YELLOW)


def _loss(attempt: Attempt, evidence: Sequence[str]) -> Iterator[_Note]:
    lost = {Fate.REQUEST_LOST: attempt.request, Fate.REPLY_LOST: attempt.reply}.get(attempt.fate)
    if lost is None:
        return
    last = lost.last()
    verb = "entering" if last.direction is Direction.IN else "leaving"
    yield _Note(text=f"✖ seen {verb} {last.host} by {last.ifname}, and nowhere after", colour=RED)
    if last.for_another:
        yield _Note(text="the frame was addressed to the MAC address of another host", colour="")
    for sentence in evidence:
        yield _Note(text=sentence, colour="")


def _table(lines: Sequence[_Line], names: Mapping[Address, str], style: Style) -> list[str]:
    rows = [line for line in lines if isinstance(line, _Row)]
    source = max(len(_cell(row.source, names)) for row in rows)
    destination = max(len(_cell(row.destination, names)) for row in rows)
    time = max(len(row.time) for row in rows)
    hosts = (len(row.host) for row in rows if not row.heading)
    host = max((length for length in hosts if length <= HOST_COLUMN), default=0)
    room = style.width - (2 + time + 2 + source + 2 + destination)
    left = max(min(room, max(len(_left(row, host)) for row in rows if not row.heading)), 0)
    text: list[str] = []
    for line in lines:
        if isinstance(line, _Note):
            text += [style.paint(line.colour, one) for one in _wrapped(line.text, style, " " * 6)]
            continue
        right = (
            f"  {line.time:>{time}}  {_cell(line.source, names):<{source}}"
            f"  {_cell(line.destination, names)}"
        )
        if line.heading:
            blank = [""] if text else []
            text += [*blank, style.paint(BOLD, f"{line.host:<{left}}{right}")]
        else:
            text += _joined(_left(line, host), right, left)
    return text


def _joined(left: str, right: str, width: int) -> list[str]:
    """Return the halves of a row on one line, or on two when the left one is too long."""
    if len(left) > width:
        return [left.rstrip(), " " * width + right]
    return [f"{left:<{width}}{right}"]


def _left(row: _Row, host: int) -> str:
    return f"{row.number:>2} {row.host:<{host}} {row.ifnames}"


def _cell(content: AddrPort | str, names: Mapping[Address, str]) -> str:
    if isinstance(content, str) or content.address not in names:
        return str(content)
    return f"{content} ({names[content.address]})"


def _wrapped(text: str, style: Style, indent: str) -> list[str]:
    return textwrap.wrap(
        text,
        max(style.width, 40),
        initial_indent=indent,
        subsequent_indent=indent + ("  " if indent else ""),
        break_long_words=False,
        break_on_hyphens=False,
    )


def _legend(lines: Iterable[_Line], style: Style) -> list[str]:
    cells = [
        cell.address
        for line in lines
        if isinstance(line, _Row)
        for cell in (line.source, line.destination)
        if isinstance(cell, AddrPort)
    ]
    known = [address for address in dict.fromkeys(cells) if address in style.names]
    width = max((len(str(address)) for address in known), default=0)
    return [f"{address!s:<{width}}  {style.names[address]}" for address in known]


def _summary(connection: Connection) -> str:
    there = sum(path.way is Way.REQUEST for path in connection.paths)
    back = len(connection.paths) - there
    fate = _FATES[connection.attempts[-1].fate]
    same = ", by the same hosts" if connection.symmetric() else ""
    sentences = [f"{there + back} packets seen ({there} there, {back} back); {fate}{same}."]
    if len(connection.attempts) > 1:
        tries = f"The caller tried {len(connection.attempts)} times; this is the last try."
        sentences.append(tries)
    return " ".join(sentences)
