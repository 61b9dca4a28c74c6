"""docs/reliability.md: each run of this folder and of the fuzzer writes a section of it."""

import re
from collections.abc import Iterable, Sequence
from pathlib import Path


def write_section(page: Path, name: str, text: str) -> None:
    """Replace what stands between the marks of a section.

    Args:
        page: Which has them.
        name: Of the section.
        text: Markdown; "written by" and how belongs to it.

    Raises:
        SystemExit: The page has no such section.
    """
    begin, end = f"<!-- {name} -->\n", f"<!-- end of {name} -->\n"
    pattern = re.compile(f"{re.escape(begin)}.*{re.escape(end)}", re.DOTALL)
    before = page.read_text()
    if not pattern.search(before):
        raise SystemExit(f"{page} has no section {name}")
    page.write_text(pattern.sub(lambda _: f"{begin}\n{text.strip()}\n\n{end}", before))


def table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Return a table; its columns after the first hold numbers."""
    lines = [
        f"| {' | '.join(head)} |",
        f"| --- |{' ---: |' * (len(head) - 1)}",
        *(f"| {' | '.join(map(_cell, row))} |" for row in rows),
    ]
    return "\n".join(lines)


def _cell(value: object) -> str:
    return f"{value:,}" if isinstance(value, int) else str(value)
