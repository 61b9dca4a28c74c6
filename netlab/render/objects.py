"""The server's tables of objects as text, laid out as kubectl does it."""

from collections.abc import Sequence
from typing import Any

from netlab.render.table import columns

Row = dict[str, Any]


class ObjectTable:
    """One table: its columns stay as wide as they have been.

    Args:
        definitions: The columns, as the server defines them.
        is_wide: Whether to show all of them.
        with_namespace: Whether the namespace comes first.
        prefix: Goes before each name: ``pod/``.
    """

    def __init__(
        self,
        definitions: Sequence[Row],
        *,
        is_wide: bool = False,
        with_namespace: bool = False,
        prefix: str = "",
    ) -> None:
        self._shown = [
            index for index, one in enumerate(definitions) if is_wide or not one["priority"]
        ]
        self._names = {index for index, one in enumerate(definitions) if one["format"] == "name"}
        self._head = [definitions[index]["name"].upper() for index in self._shown]
        if with_namespace:
            self._head.insert(0, "NAMESPACE")
        self._with_namespace = with_namespace
        self._prefix = prefix
        self._widths = [0] * len(self._head)

    def text(self, rows: Sequence[Row], *, with_head: bool = True) -> str:
        """Return rows as lines, as a rule below the names of the columns."""
        lines = [*([self._head] if with_head else ()), *map(self._cells, rows)]
        self._widths = [
            max(width, *(len(line[index]) for line in lines))
            for index, width in enumerate(self._widths)
        ]
        return columns(lines, self._widths)

    def _cells(self, row: Row) -> list[str]:
        cells = [
            f"{self._prefix if index in self._names else ''}{row['cells'][index]}"
            for index in self._shown
        ]
        if self._with_namespace:
            cells.insert(0, row["object"]["metadata"].get("namespace", ""))
        return cells
