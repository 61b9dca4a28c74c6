"""Tables as kubectl prints them: capital headings, columns three blanks apart, no lines."""

from collections.abc import Iterable, Sequence
from itertools import zip_longest


def table(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    r"""Return a table, a line a row; an empty cell shows as ``<none>``.

    A cell of several lines goes on below, beside nothing.

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
    for row in rows:
        cells = [(cell or "<none>").split("\n") for cell in row]
        lines += [list(line) for line in zip_longest(*cells, fillvalue="")]
    widths = [max(len(line[column]) for line in lines) for column in range(len(headings))]
    return columns(lines, widths)


def columns(lines: Iterable[Sequence[str]], widths: Sequence[int]) -> str:
    """Return lines of cells as text, with columns of these widths, three blanks apart."""
    return "\n".join(
        "   ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in lines
    )
