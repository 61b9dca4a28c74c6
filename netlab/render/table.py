"""Tables as kubectl prints them: capital headings, columns three blanks apart, no lines."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import zip_longest
from textwrap import wrap
from typing import Final

_NARROWEST: Final = 20
"""Of a column that is cut."""


def table(headings: Sequence[str], rows: Iterable[Sequence[str]], width: int | None = None) -> str:
    r"""Return a table, a line a row; an empty cell shows as ``<none>``.

    A cell of several lines goes on below, beside nothing. Where the table is wider than ``width``,
    its widest column is cut between words.

    >>> print(table(["name", "age"], [["web-1", "3s"], ["long-name", ""]]))
    NAME        AGE
    web-1       3s
    long-name   <none>
    >>> print(table(["name", "address", "age"], [["node1", "10.0.0.1\nfd00::1", "3s"]]))
    NAME    ADDRESS    AGE
    node1   10.0.0.1   3s
            fd00::1
    """
    lines = [[heading.upper() for heading in headings]]
    for row in rows if width is None else _fitted(lines[0], list(rows), width):
        cells = [(cell or "<none>").split("\n") for cell in row]
        lines += [list(line) for line in zip_longest(*cells, fillvalue="")]
    widths = [max(len(line[column]) for line in lines) for column in range(len(headings))]
    return columns(lines, widths)


def _fitted(
    headings: Sequence[str], rows: Sequence[Sequence[str]], width: int
) -> Iterator[Sequence[str]]:
    widths = [max(map(len, column)) for column in zip(headings, *rows, strict=True)]
    widest = widths.index(max(widths))
    excess = sum(widths) + 3 * (len(widths) - 1) - width
    room = max(widths[widest] - excess, _NARROWEST)
    for row in rows:
        cells = list(row)
        if excess > 0:
            cells[widest] = "\n".join(wrap(row[widest], room))
        yield cells


def columns(lines: Iterable[Sequence[str]], widths: Sequence[int]) -> str:
    """Return lines of cells as text, with columns of these widths, three blanks apart."""
    return "\n".join(
        "   ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in lines
    )
