"""Drawings in box characters: lines that meet become the right corner, tee or cross.

Each place of a canvas holds a letter, or the directions in which lines leave it; which character
that is, is found when all is drawn.
"""

from typing import Final

_UP, _RIGHT, _DOWN, _LEFT = 1, 2, 4, 8
_LINES: Final = " ╵╶└╷│┌├╴┘─┴┐┤┬┼"
"""By the sum of the directions."""


class Canvas:
    """Grows to the right and downwards as needed; rows and columns count from 0."""

    def __init__(self) -> None:
        self._directions: dict[tuple[int, int], int] = {}
        self._letters: dict[tuple[int, int], str] = {}

    def text(self, row: int, column: int, words: str) -> None:
        """Write a line of text; a blank leaves what is there."""
        for at, letter in enumerate(words, column):
            if letter != " ":
                self._letters[row, at] = letter

    def across(self, row: int, start: int, end: int) -> None:
        """Draw a line from one column to another, both included."""
        first, last = sorted((start, end))
        for column in range(first, last):
            self._add(row, column, _RIGHT)
            self._add(row, column + 1, _LEFT)

    def down(self, column: int, start: int, end: int) -> None:
        """Draw a line from one row to another, both included."""
        first, last = sorted((start, end))
        for row in range(first, last):
            self._add(row, column, _DOWN)
            self._add(row + 1, column, _UP)

    def box(self, row: int, column: int, height: int, width: int) -> None:
        """Draw a frame; height and width include it."""
        bottom, right = row + height - 1, column + width - 1
        for edge in (row, bottom):
            self.across(edge, column, right)
        for side in (column, right):
            self.down(side, row, bottom)

    def lines(self) -> list[str]:
        """Return what was drawn, without blanks at the ends of lines."""
        places = [*self._directions, *self._letters]
        rows: list[list[str]] = [[] for _ in range(max((row for row, _ in places), default=-1) + 1)]
        for row, column in places:
            rows[row] += [" "] * (column + 1 - len(rows[row]))
        for (row, column), directions in self._directions.items():
            rows[row][column] = _LINES[directions]
        for (row, column), letter in self._letters.items():
            rows[row][column] = letter
        return ["".join(row).rstrip() for row in rows]

    def _add(self, row: int, column: int, direction: int) -> None:
        self._directions[row, column] = self._directions.get((row, column), 0) | direction
