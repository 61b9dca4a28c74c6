"""What a cell of a matrix styles like in a picture and on a page: sign, words and colour.

The sign and the words say all; the colour only adds to them.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from netlab.render.matrix.table import caller_of, target_of
from netlab.trace.matrix import Cell, Fate, MatrixRow, ServiceMatrix, Target
from netlab.trace.predicted_path import End


@dataclass(frozen=True, slots=True, kw_only=True)
class CellStyle:
    """How one fate is shown; colours are names of ``netlab.render.svg_colours``."""

    sign: str
    ink: str
    paper: str
    meaning: str
    is_dashed: bool = False


LOOKS: Final[Mapping[Fate, CellStyle]] = {
    Fate.KEPT: CellStyle(
        sign="✓",
        ink="good",
        paper="good-paper",
        meaning="the pod saw the address that the caller sent from",
    ),
    Fate.HIDDEN: CellStyle(
        sign="⇄",
        ink="rewrite",
        paper="rewrite-paper",
        meaning="the pod saw an address of the named host instead",
    ),
    Fate.ANSWERED: CellStyle(
        sign="●", ink="request", paper="node", meaning="the pod does not tell which address it saw"
    ),
    Fate.DROPPED: CellStyle(
        sign="✕", ink="bad", paper="bad-paper", meaning="no answer, and a rule drops such packets"
    ),
    Fate.ASTRAY: CellStyle(
        sign="↷",
        ink="bad",
        paper="paper",
        meaning="no answer: the reply bypasses the only host that can undo the DNAT",
        is_dashed=True,
    ),
    Fate.NO_ANSWER: CellStyle(
        sign="…",
        ink="bad",
        paper="paper",
        meaning="no answer in time; netlab trace shows why",
        is_dashed=True,
    ),
    Fate.REFUSED: CellStyle(
        sign="⊘", ink="reply", paper="host", meaning="refused at once", is_dashed=True
    ),
    Fate.UNREACHABLE: CellStyle(
        sign="∅", ink="muted", paper="faint", meaning="the caller has no way there"
    ),
    Fate.CLOSED: CellStyle(
        sign="○", ink="muted", paper="host", meaning="connected, and closed without an answer"
    ),
}


def words_of(cell: Cell) -> str:
    """Return what a cell says first."""
    if cell.fate is Fate.HIDDEN:
        return f"hidden by {cell.hidden_by or 'a stranger'}"
    return str(cell.fate)


def detail_of(cell: Cell) -> str:
    """Return what stands below: the address that the pod saw, or who ended the call."""
    seen = cell.outcome.client_address
    if seen is not None:
        return str(seen)
    decision = cell.decision
    if cell.fate is Fate.ASTRAY and decision is not None:
        return f"past {decision.host}"
    if decision is None or cell.fate not in {Fate.DROPPED, Fate.REFUSED, Fate.UNREACHABLE}:
        return ""
    if decision.end is End.DELIVERED:
        return "by the pod"
    return f"{'by' if decision.chains else 'at'} {decision.host}"


def sentence_of(cell: Cell, row: MatrixRow, target: Target, matrix: ServiceMatrix) -> str:
    """Return all that is known of a call, in a sentence or two."""
    called = f"{caller_of(row)} → {target_of(target, matrix)} {target.address}"
    seen = cell.outcome.client_address
    saw = f", the pod saw {seen}" if seen is not None else ""
    decision = cell.decision
    why = f". Rules' walk: {decision.host}: {decision.words()}" if decision is not None else ""
    return f"{called}: {words_of(cell)}{saw}{why}"


def cells_of(matrix: ServiceMatrix) -> Iterator[Cell]:
    """Yield every cell."""
    for row in matrix.rows:
        yield from row.cells


def counted(matrices: Sequence[ServiceMatrix]) -> list[tuple[Fate, int]]:
    """Return how often each fate occurs, in the order of ``LOOKS``, without those that do not."""
    numbers = Counter(cell.fate for matrix in matrices for cell in cells_of(matrix))
    return [(fate, numbers[fate]) for fate in LOOKS if numbers[fate]]


def summary_of(matrix: ServiceMatrix) -> str:
    """Return what is called, in one line."""
    first, *others = matrix.targets
    parts = [f"{matrix.protocol} {first.address}"]
    node_ports = [one for one in others if one.is_node_port]
    parts += [f"NodePort {node_ports[0].address.port}"] if node_ports else []
    if matrix.policy:
        is_tried = len(matrix.policies()) > 1
        parts.append(f"externalTrafficPolicy {matrix.policy}{', both tried' if is_tried else ''}")
    return " · ".join(parts)
