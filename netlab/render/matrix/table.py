"""A matrix of calls as tables for a terminal."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from netlab.model.addresses import Address
from netlab.render.printable import printable
from netlab.trace.decision import Decision
from netlab.trace.matrix import Cell, Fate, MatrixRow, ServiceMatrix, Target

Column = list[str]
"""Three lines of heading, then a cell for each caller."""

GAP = "   "
_SILENT = frozenset({Fate.DROPPED, Fate.ASTRAY})
"""What a call that was not answered in time is called by, where the rules tell."""


LEGEND: Final = """\
A cell is the address that the pod saw as its caller's, or how the call ended.
CALLER's own address there: the source was kept; a node's: SNAT replaced it."""


def render_matrix(
    matrices: Sequence[ServiceMatrix], names: Mapping[Address, str], width: int | None
) -> str:
    """Return a table for each Service port: callers down, targets and policies across.

    A cell is the address the pod saw, or how the call ended. Names stand beside the addresses
    where they fit, else in a legend below; tables too wide are continued below themselves.

    Args:
        matrices: What ``netlab.lab.matrix`` returned.
        names: Names of addresses.
        width: Columns to keep to; None sets no limit.
    """
    lines = [line for matrix in matrices for line in _service(matrix, names, width)]
    return "\n".join([*lines, LEGEND] if lines else lines)


def render_decisions(matrices: Sequence[ServiceMatrix]) -> str:
    """Return each Service's deciding rules, and below each the calls that it decides."""
    lines = ["Deciding rules, predicted by a walk through the rules that each kernel holds:"]
    for matrix in matrices:
        lines += ["", title_of(matrix), *_decisions(matrix)]
    return "\n".join(lines)


def title_of(matrix: ServiceMatrix) -> str:
    """Return the heading of a Service port."""
    protocol = "" if matrix.protocol == "TCP" else f" ({matrix.protocol})"
    tried = ", both tried" if len(matrix.policies()) > 1 else ""
    policy = f", externalTrafficPolicy: {matrix.policy}{tried}" if matrix.policy else ""
    return f"Service {matrix.service}{protocol}{policy}"


def caller_of(row: MatrixRow) -> str:
    """Return a caller, and where it runs if it is a pod."""
    return f"{row.caller} on {row.node}" if row.node else row.caller


def target_of(target: Target, matrix: ServiceMatrix) -> str:
    """Return a target in one or two words: its policy where several were tried."""
    if target.policy and len(matrix.policies()) > 1:
        return f"{target.name} ({target.policy})"
    return target.name


def _service(
    matrix: ServiceMatrix, names: Mapping[Address, str], width: int | None
) -> Iterator[str]:
    yield title_of(matrix)
    yield ""
    named = list(_columns(matrix, names))
    if width is None or _width(named) <= width:
        yield from _lines(named)
    else:
        for columns in _chunks(list(_columns(matrix, {})), width):
            yield from _lines(columns)
            yield ""
        yield from _legend(matrix, names)
    yield ""


def _columns(matrix: ServiceMatrix, names: Mapping[Address, str]) -> Iterator[Column]:
    is_tried = len(matrix.policies()) > 1
    policy = [""] if is_tried else []
    yield ["CALLER", "", *policy, *(caller_of(row) for row in matrix.rows)]
    for index, target in enumerate(matrix.targets):
        cells = [_cell(row.cells[index], names) for row in matrix.rows]
        policy = [target.policy or "any policy"] if is_tried else []
        yield [target.name, str(target.address), *policy, *cells]


def _cell(cell: Cell, names: Mapping[Address, str]) -> str:
    seen = cell.outcome.client_address
    if seen is None:
        return str(cell.fate) if cell.fate in _SILENT else str(cell.outcome.result)
    name = names.get(seen, "")
    return f"{seen} {name if name.endswith(')') else f'({name})'}" if name else str(seen)


def _chunks(columns: Sequence[Column], width: int) -> Iterator[list[Column]]:
    """Yield groups of columns that fit, the callers' first in each; one target at the least."""
    callers, *targets = columns
    group = [callers]
    for column in targets:
        if len(group) > 1 and _width([*group, column]) > width:
            yield group
            group = [callers]
        group.append(column)
    yield group


def _width(columns: Sequence[Column]) -> int:
    return sum(max(map(len, column)) for column in columns) + len(GAP) * (len(columns) - 1)


def _lines(columns: Sequence[Column]) -> Iterator[str]:
    widths = [max(map(len, column)) for column in columns]
    for cells in zip(*columns, strict=True):
        padded = (f"{cell:<{width}}" for cell, width in zip(cells, widths, strict=True))
        yield GAP.join(padded).rstrip()


def _legend(matrix: ServiceMatrix, names: Mapping[Address, str]) -> Iterator[str]:
    ends = [cell.outcome.client_address for row in matrix.rows for cell in row.cells]
    known = sorted({one for one in ends if one and one in names}, key=lambda a: a.packed)
    width = max((len(str(address)) for address in known), default=0)
    for address in known:
        yield f"{address!s:<{width}}  {names[address]}"


def _decisions(matrix: ServiceMatrix) -> Iterator[str]:
    decided: dict[tuple[str, str], dict[str, list[str]]] = {}
    for row in matrix.rows:
        for cell, target in zip(row.cells, matrix.targets, strict=True):
            calls = decided.setdefault(_said(cell.decision), {})
            calls.setdefault(target_of(target, matrix), []).append(row.caller)
    width = max((len(host) for host, _ in decided), default=0)
    for (host, words), calls in sorted(decided.items()):
        yield f"  {host:<{width}}  {words}"
        for called, callers in calls.items():
            yield f"  {'':<{width}}    {called} from {', '.join(callers)}"


def _said(decision: Decision | None) -> tuple[str, str]:
    if decision is None:
        return "", "not predicted"
    return decision.host, printable(decision.words())
