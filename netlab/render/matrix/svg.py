"""A matrix of calls as a heat map, in SVG.

::

    Service                      Cluster                 Local
               ClusterIP   node1   node2   node3   node1   node2   node3
    client     [       ]   [   ]   [   ]   [   ]   [   ]   [   ]   [   ]
    node1      [       ]   [   ]   ...

Columns that find no room in one line of ``COLUMNS`` go on in a line below, with the callers again.
"""

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Final

from netlab.render.markup import Markup, element
from netlab.render.matrix.cell_styles import (
    LOOKS,
    counted,
    detail_of,
    sentence_of,
    summary_of,
    words_of,
)
from netlab.render.matrix.table import caller_of
from netlab.render.svg_colours import picture_style
from netlab.render.svg_elements import document, group, line, rect, text
from netlab.render.text_widths import shortened, text_width
from netlab.trace.matrix import Cell, MatrixRow, ServiceMatrix, Target

COLUMNS: Final = 12
_CELL_W, _CELL_H, _GAP = 148.0, 44.0, 6.0
_MARGIN: Final = 28.0
_BETWEEN: Final = 16.0
"""Between the columns of one policy and those of the next."""
_LABEL_MOST: Final = 230.0
_HEAD_H: Final = 52.0

_Index = int
"""Of a target in its matrix."""


def render_matrix_svg(lab: str, matrices: Sequence[ServiceMatrix]) -> str:
    """Return the picture, light or dark as its viewer likes.

    Args:
        lab: Name.
        matrices: What ``netlab.lab.matrix`` returned.
    """
    return str(_Picture(lab, matrices).draw()) + "\n"


class _Picture:
    def __init__(self, lab: str, matrices: Sequence[ServiceMatrix]) -> None:
        self._lab = lab
        self._matrices = matrices
        callers = [caller_of(row) for matrix in matrices for row in matrix.rows]
        widest = max((text_width(caller, 13) for caller in callers), default=0.0)
        self._label = min(widest, _LABEL_MOST) + 14
        self._y = _MARGIN
        self._width = 640.0
        self._shapes: list[Markup] = []

    def draw(self) -> Markup:
        """Return the whole picture."""
        self._title()
        for matrix in self._matrices:
            self._service(matrix)
        if not self._matrices:
            self._put(text(_MARGIN, self._y + 14, "No Service to call.", class_="fill-muted"))
            self._y += 30
        self._legend()
        height = self._y + _MARGIN - 10
        width = self._width + _MARGIN
        paper = rect(0, 0, width, height, class_="fill-paper")
        return document(
            f"Who calls what in lab {self._lab}",
            self._description(),
            width,
            height,
            [paper, *self._shapes],
            style=picture_style(),
            name="matrix",
        )

    def _put(self, *shapes: Markup) -> None:
        self._shapes += shapes

    def _title(self) -> None:
        words = "Who reaches what, and whose address the pod saw"
        self._put(
            text(_MARGIN, self._y + 16, words, class_="fill-ink", font_size=19, font_weight=700),
            text(_MARGIN, self._y + 36, f"lab {self._lab}", class_="fill-muted", font_size=12.5),
        )
        self._y += 60

    def _service(self, matrix: ServiceMatrix) -> None:
        name = f"Service {matrix.service}"
        at = _MARGIN + text_width(name, 15, bold=True) + 12
        summary = summary_of(matrix)
        self._put(
            text(_MARGIN, self._y + 12, name, class_="fill-ink", font_size=15, font_weight=700),
            text(at, self._y + 12, summary, class_="fill-muted", font_size=12.5),
        )
        self._reach(at + text_width(summary, 12.5))
        self._y += 26
        for columns in _folded(matrix):
            self._line(matrix, columns)
        self._y += 14

    def _line(self, matrix: ServiceMatrix, columns: Sequence[_Index]) -> None:
        column_x = self._column_x(matrix, columns)
        if not any(matrix.targets[at].policy for at in columns):
            self._y -= 20
        self._policies(matrix, column_x)
        for at, x in column_x.items():
            self._heading(matrix.targets[at], x)
        self._y += _HEAD_H
        for row in matrix.rows:
            caller = shortened(caller_of(row), self._label - 10, 13)
            middle = self._y + _CELL_H / 2 + 4.5
            self._put(text(_MARGIN, middle, caller, class_="fill-ink", font_size=13))
            for at, x in column_x.items():
                self._put(self._cell(matrix, row, at, x))
            self._y += _CELL_H + _GAP
        self._y += 12

    def _column_x(self, matrix: ServiceMatrix, columns: Sequence[_Index]) -> dict[_Index, float]:
        """Return the left edge of each column."""
        x = _MARGIN + self._label
        column_x: dict[_Index, float] = {}
        for before, at in zip([columns[0], *columns], columns, strict=False):
            if matrix.targets[before].policy != matrix.targets[at].policy:
                x += _BETWEEN
            column_x[at] = x
            x += _CELL_W + _GAP
        self._reach(x)
        return column_x

    def _policies(self, matrix: ServiceMatrix, column_x: dict[_Index, float]) -> None:
        """Put each policy over its columns, with a line that spans them."""
        for policy, group_ in groupby(column_x, key=lambda at: matrix.targets[at].policy):
            columns = list(group_)
            if policy:
                start, end = column_x[columns[0]], column_x[columns[-1]] + _CELL_W
                words = shortened(f"policy {policy}", end - start, 12, bold=True)
                middle = (start + end) / 2
                self._put(
                    text(middle, self._y + 10, words, class_="fill-ink", font_size=12,
                         font_weight=600, text_anchor="middle"),
                    line((start, self._y + 16), (end, self._y + 16), class_="stroke-edge"),
                )  # fmt: skip

    def _heading(self, target: Target, x: float) -> None:
        middle = x + _CELL_W / 2
        name = shortened(target.name, _CELL_W, 12.5, bold=True)
        address = shortened(str(target.address), _CELL_W, 10.5, mono=True)
        self._put(
            text(middle, self._y + 31, name, class_="fill-ink", font_size=12.5,
                 font_weight=600, text_anchor="middle"),
            text(middle, self._y + 45, address, class_="mono fill-muted", font_size=10.5,
                 text_anchor="middle"),
        )  # fmt: skip

    def _cell(self, matrix: ServiceMatrix, row: MatrixRow, at: _Index, x: float) -> Markup:
        cell, target = row.cells[at], matrix.targets[at]
        style = LOOKS[cell.fate]
        detail = shortened(detail_of(cell), _CELL_W - 30, 10.5, mono=True)
        words = shortened(words_of(cell), _CELL_W - 30, 12, bold=True)
        first = self._y + (19 if detail else 26.5)
        ink = f"fill-{style.ink}"
        shapes = [
            element("title", None, sentence_of(cell, row, target, matrix)),
            _swatch(cell, x, self._y, _CELL_W, _CELL_H),
            text(x + 14, self._y + 27, style.sign, class_=ink, font_size=15, font_weight=700,
                 text_anchor="middle"),
            text(x + 27, first, words, class_=ink, font_size=12, font_weight=600),
        ]  # fmt: skip
        if detail:
            shapes.append(
                text(x + 27, self._y + 34, detail, class_="mono fill-ink", font_size=10.5)
            )
        return group(shapes)

    def _legend(self) -> None:
        self._put(
            line((_MARGIN, self._y), (self._width, self._y), class_="stroke-faint"),
        )
        self._y += 20
        for fate, number in counted(self._matrices):
            style = LOOKS[fate]
            words = f"{fate}: {style.meaning} ({number})"
            self._put(
                rect(_MARGIN, self._y - 11, 18, 15, rx=3, stroke_width=1,
                     stroke_dasharray="3 2" if style.is_dashed else None,
                     class_=f"fill-{style.paper} stroke-{style.ink}"),
                text(_MARGIN + 9, self._y + 1, style.sign, class_=f"fill-{style.ink}",
                     font_size=11, font_weight=700, text_anchor="middle"),
                text(_MARGIN + 27, self._y + 1, words, class_="fill-ink", font_size=12),
            )  # fmt: skip
            self._reach(_MARGIN + 27 + text_width(words, 12))
            self._y += 20
        evidence = (
            "Signs: what each caller's socket and the pod said. Rules (point at a cell): predicted"
            " by a walk through the rules that each kernel holds."
        )
        self._put(text(_MARGIN, self._y + 4, evidence, class_="fill-muted", font_size=11))
        self._reach(_MARGIN + text_width(evidence, 11))
        self._y += 16

    def _reach(self, x: float) -> None:
        self._width = max(self._width, x)

    def _description(self) -> str:
        calls = ", ".join(f"{number} {fate}" for fate, number in counted(self._matrices))
        services = ", ".join(matrix.service for matrix in self._matrices)
        return f"A heat map of calls to {services or 'no Service'}: {calls or 'none'}."


def _swatch(cell: Cell, x: float, y: float, width: float, height: float) -> Markup:
    style = LOOKS[cell.fate]
    return rect(
        x, y, width, height, rx=6, stroke_width=1.2,
        stroke_dasharray="4 3" if style.is_dashed else None,
        class_=f"fill-{style.paper} stroke-{style.ink}",
    )  # fmt: skip


def _folded(matrix: ServiceMatrix) -> Iterator[list[_Index]]:
    """Yield the columns of each line: policies stay together where they find room."""
    columns: list[_Index] = []
    indices = range(len(matrix.targets))
    for _, group_ in groupby(indices, key=lambda at: matrix.targets[at].policy):
        ours = list(group_)
        if columns and len(columns) + len(ours) > COLUMNS:
            yield columns
            columns = []
        while len(ours) > COLUMNS:
            yield ours[:COLUMNS]
            ours = ours[COLUMNS:]
        columns += ours
    yield columns
