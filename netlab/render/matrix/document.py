"""A matrix of calls as JSON, ``netlab.matrix/1``; ``matrix.schema.json`` beside describes it."""

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

from netlab.model.addresses import Address
from netlab.trace.decision import Decision
from netlab.trace.matrix import Cell, Fate, ServiceMatrix, Target

SCHEMA: Final = "netlab.matrix/1"

_Json = dict[str, Any]


def render_matrix_json(
    lab: str, matrices: Sequence[ServiceMatrix], names: Mapping[Address, str]
) -> str:
    """Return the document as text."""
    return json.dumps(matrix_document(lab, matrices, names), indent=2)


def matrix_document(
    lab: str, matrices: Sequence[ServiceMatrix], names: Mapping[Address, str]
) -> _Json:
    """Return the document as Python values."""
    return {
        "schema": SCHEMA,
        "lab": lab,
        "services": [_service(matrix, names) for matrix in matrices],
    }


def _service(matrix: ServiceMatrix, names: Mapping[Address, str]) -> _Json:
    return {
        "service": matrix.service,
        "protocol": matrix.protocol,
        "external_traffic_policy": matrix.policy or None,
        "targets": [_target(target) for target in matrix.targets],
        "rows": [
            {
                "caller": row.caller,
                "kind": row.kind,
                "node": row.node or None,
                "results": [
                    _cell(cell, target, names)
                    for cell, target in zip(row.cells, matrix.targets, strict=True)
                ],
            }
            for row in matrix.rows
        ],
    }


def _target(target: Target) -> _Json:
    return {
        "name": target.name,
        "address": str(target.address),
        "external_traffic_policy": target.policy or None,
    }


def _cell(cell: Cell, target: Target, names: Mapping[Address, str]) -> _Json:
    seen = cell.outcome.client_address
    source = {Fate.KEPT: "kept", Fate.HIDDEN: "hidden"}.get(cell.fate)
    return {
        "target": str(cell.outcome.target),
        "external_traffic_policy": target.policy or None,
        "result": str(cell.outcome.result),
        "client_address": str(seen) if seen else None,
        "client_name": names.get(seen) if seen else None,
        "source": source,
        "hidden_by": cell.hidden_by or None,
        "decision": None if cell.decision is None else _decision(cell.decision),
    }


def _decision(decision: Decision) -> _Json:
    return {
        "evidence": "walk of the rules read back from the kernel",
        "host": decision.host,
        "end": str(decision.end),
        "chains": list(decision.chains),
        "rule": decision.rule or None,
        "comment": decision.comment or None,
        "endpoints": [
            {"address": str(end), "chance": float(chance)} for end, chance in decision.endpoints
        ],
        "snat_at": decision.snat_at or None,
        "stray": float(decision.bypass),
        "words": decision.words(),
    }
