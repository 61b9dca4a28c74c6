"""A matrix of calls as tables for a terminal, or as JSON."""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from netlab.model.topology import Address
from netlab.path.matrix import MatrixRow, ServiceMatrix
from netlab.path.outcomes import Outcome

Column = list[str]
"""Two lines of heading, then a cell for each caller."""

GAP = "   "


def render_matrix(
    matrices: Sequence[ServiceMatrix], names: Mapping[Address, str], width: int | None
) -> str:
    """Return a table for each Service port: callers down, targets across.

    A cell is the address the pod saw, or how the call ended. Names stand beside the addresses
    where they fit, else in a legend below; tables too wide are continued below themselves.

    Args:
        matrices: What ``netlab.lab.matrix`` returned.
        names: Names of addresses.
        width: Columns to keep to; None sets no limit.
    """
    return "\n".join(line for matrix in matrices for line in _service(matrix, names, width))


def render_matrix_json(
    lab: str, matrices: Sequence[ServiceMatrix], names: Mapping[Address, str]
) -> str:
    """Return the document ``netlab.matrix/1``."""
    document = {
        "schema": "netlab.matrix/1",
        "lab": lab,
        "services": [_service_json(matrix, names) for matrix in matrices],
    }
    return json.dumps(document, indent=2)


def _service(
    matrix: ServiceMatrix, names: Mapping[Address, str], width: int | None
) -> Iterator[str]:
    policy = f", externalTrafficPolicy: {matrix.policy}" if matrix.policy else ""
    yield f"Service {matrix.service}{policy}"
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
    yield ["CALLER", "", *(_caller(row) for row in matrix.rows)]
    for index, target in enumerate(matrix.targets):
        cells = [_cell(row.outcomes[index], names) for row in matrix.rows]
        yield [target.name, str(target.address), *cells]


def _caller(row: MatrixRow) -> str:
    return f"{row.caller} on {row.node}" if row.node else row.caller


def _cell(outcome: Outcome, names: Mapping[Address, str]) -> str:
    seen = outcome.client_address
    if seen is None:
        return str(outcome.result)
    return f"{seen} ({names[seen]})" if seen in names else str(seen)


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
    seen = {o.client_address for row in matrix.rows for o in row.outcomes if o.client_address}
    known = sorted((address for address in seen if address in names), key=lambda a: a.packed)
    width = max((len(str(address)) for address in known), default=0)
    for address in known:
        yield f"{address!s:<{width}}  {names[address]}"


def _service_json(matrix: ServiceMatrix, names: Mapping[Address, str]) -> dict[str, Any]:
    return {
        "service": matrix.service,
        "external_traffic_policy": matrix.policy or None,
        "targets": [
            {"name": target.name, "address": str(target.address)} for target in matrix.targets
        ],
        "rows": [
            {
                "caller": row.caller,
                "kind": row.kind,
                "node": row.node or None,
                "results": [_outcome_json(outcome, names) for outcome in row.outcomes],
            }
            for row in matrix.rows
        ],
    }


def _outcome_json(outcome: Outcome, names: Mapping[Address, str]) -> dict[str, str | None]:
    seen = outcome.client_address
    return {
        "target": str(outcome.target),
        "result": str(outcome.result),
        "client_address": str(seen) if seen else None,
        "client_name": names.get(seen) if seen else None,
    }
