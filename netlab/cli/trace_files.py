"""Traces that were written to files."""

import json
from pathlib import Path
from typing import Any

from netlab.errors import SpecError
from netlab.render.trace.document import SCHEMA


def read_trace(name: str) -> dict[str, Any]:
    """Return the trace that a file holds.

    Raises:
        SpecError: There is no such file, or it holds something else.
    """
    try:
        found = json.loads(Path(name).read_text(encoding="utf-8"))
    except OSError as error:
        raise SpecError(f"{name}: {error.strerror}") from error
    except ValueError as error:
        raise SpecError(f"{name} is no JSON: {error}") from error
    if not isinstance(found, dict) or found.get("schema") != SCHEMA:
        raise SpecError(
            f"{name} is no trace of this version ({SCHEMA})",
            hint="write one: sudo netlab trace client http://node1:30080 -o json > a.json",
        )
    return found
