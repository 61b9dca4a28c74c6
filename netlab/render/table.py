"""Tables as kubectl prints them: capital headings, columns three blanks apart, no lines."""

from collections.abc import Iterable, Sequence


def table(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table, a line a row; an empty cell shows as ``<none>``.

    >>> print(table(["name", "age"], [["web-1", "3s"], ["long-name", ""]]))
    NAME        AGE
    web-1       3s
    long-name   <none>
    """
    lines = [[heading.upper() for heading in headings]]
    lines += [[cell or "<none>" for cell in row] for row in rows]
    widths = [max(len(line[column]) for line in lines) for column in range(len(headings))]
    return "\n".join(
        "   ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in lines
    )
