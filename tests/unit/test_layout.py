"""The tree keeps the promises that CONTRIBUTING makes about it."""

from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2]
PACKAGE: Final = ROOT / "netlab"
MODULES: Final = sorted(path for path in PACKAGE.rglob("*.py"))
LINES: Final = 500


def _name(path: Path) -> str:
    return str(path.relative_to(PACKAGE))


def test_every_module_can_be_read_in_one_sitting():
    lines = {_name(path): len(path.read_text().splitlines()) for path in MODULES}
    assert {name: count for name, count in lines.items() if count > LINES} == {}


def test_decisions_are_numbered_without_a_gap():
    numbers = [int(path.name[:4]) for path in sorted((ROOT / "docs/decisions").glob("*.md"))]
    assert numbers == list(range(1, len(numbers) + 1))
