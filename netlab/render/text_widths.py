"""How wide text will be, without a font at hand.

The widths of printable ASCII are Helvetica's, in thousandths of the size. A reader's fonts are a
little wider or narrower; ``ROOM`` allows for the widest of those that the pictures name.
"""

from typing import Final
from unicodedata import combining, east_asian_width

ROOM: Final = 1.12
MONO_ADVANCE: Final = 0.637
"""Of a size; without sub-pixel placing, 11 px letters are 7 px wide."""
_BOLD: Final = 1.15
_OTHER: Final = 600
_WIDTHS: Final = {
    222: "ijl",
    278: " !,./:;I[\\]ft",
    333: "-()`r",
    191: "'",
    355: '"',
    260: "|",
    334: "{}",
    389: "*",
    469: "^",
    500: "Jcksvxyz",
    556: "#$0123456789?L_abdeghnopqu",
    584: "+<=>~",
    611: "FTZ",
    667: "&ABEKPSVXY",
    722: "CDHNRUw",
    778: "GOQ",
    833: "Mm",
    889: "%",
    944: "W",
    1015: "@",
}
_SANS: Final = {letter: width for width, letters in _WIDTHS.items() for letter in letters}
ELLIPSIS: Final = "…"


def text_width(text: str, size: float, *, mono: bool = False, bold: bool = False) -> float:
    """Return the width of a line in px, rather too much than too little.

    Args:
        text: One line.
        size: Of the font, px.
        mono: Whether all letters are of one width.
        bold: Whether it is semibold or bold.
    """
    if mono:
        return size * MONO_ADVANCE * sum(_cells(letter) for letter in text)
    thousandths = sum(_sans(letter) for letter in text)
    return size * thousandths / 1000 * ROOM * (_BOLD if bold else 1)


def shortened(
    text: str, room: float, size: float, *, mono: bool = False, bold: bool = False
) -> str:
    """Return ``text``, or its beginning and its end with ``…`` between where it has no room.

    >>> shortened("source-ip-app-746d9df86c-7rv95", 90, 12, mono=True)
    'sourc…7rv95'
    """
    if text_width(text, size, mono=mono, bold=bold) <= room:
        return text
    for kept in range(len(text) - 1, 1, -1):
        tail = kept // 2
        # What was shortened before keeps one mark.
        head, end = text[: kept - tail].rstrip(ELLIPSIS), text[len(text) - tail :].lstrip(ELLIPSIS)
        short = f"{head}{ELLIPSIS}{end}"
        if text_width(short, size, mono=mono, bold=bold) <= room:
            return short
    return ELLIPSIS


def _sans(letter: str) -> float:
    known = _SANS.get(letter)
    return known if known is not None else _OTHER * _cells(letter)


def _cells(letter: str) -> float:
    if combining(letter):
        return 0
    return 1.67 if east_asian_width(letter) in "WF" else 1


def wrapped(text: str, room: float, size: float, *, bold: bool = False) -> list[str]:
    """Return ``text`` in lines, broken at blanks; a word with no room has a line of its own.

    >>> wrapped("one two three", 60, 12)
    ['one two', 'three']
    """
    lines: list[str] = []
    for word in text.split():
        longer = f"{lines[-1]} {word}" if lines else word
        if lines and text_width(longer, size, bold=bold) <= room:
            lines[-1] = longer
        else:
            lines.append(word)
    return lines
