"""The tree keeps the promises that CONTRIBUTING makes about it."""

import ast
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).parents[2]
PACKAGE: Final = ROOT / "netlab"
MODULES: Final = sorted(path for path in PACKAGE.rglob("*.py"))
LINES: Final = 500

TESTED_THROUGH: Final[dict[str, str]] = {
    "kernel/netns.py": "setns needs root: tests/kernel goes through it in every test",
    "kernel/rundir.py": "names of files, no decision",
}
"""Modules that no test imports, and what tests them all the same."""


def _name(path: Path) -> str:
    return str(path.relative_to(PACKAGE))


def _has_logic(path: Path) -> bool:
    tree = ast.parse(path.read_text())
    return any(isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) for node in ast.walk(tree))


def _has_test(path: Path) -> bool:
    test = path.relative_to(PACKAGE).with_name(f"test_{path.name}")
    return any((ROOT / "tests" / kind / test).exists() for kind in ("unit", "kernel"))


def _imported_by_tests() -> set[str]:
    """Return the dotted names that test modules import: modules, and what is in them."""
    names = set()
    for path in (ROOT / "tests").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom):
                names |= {
                    node.module or "",
                    *(f"{node.module}.{alias.name}" for alias in node.names),
                }
            elif isinstance(node, ast.Import):
                names |= {alias.name for alias in node.names}
    return names


def _module(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def test_every_module_can_be_read_in_one_sitting():
    lines = {_name(path): len(path.read_text().splitlines()) for path in MODULES}
    assert {name: count for name, count in lines.items() if count > LINES} == {}


def test_every_module_with_logic_is_tested():
    # Write tests/unit/<package>/test_<module>.py, or say in TESTED_THROUGH how else it is tested.
    imported = _imported_by_tests()
    untested = {
        _name(path)
        for path in MODULES
        if _has_logic(path) and not _has_test(path) and _module(path) not in imported
    }
    missing = sorted(untested - TESTED_THROUGH.keys())
    assert not missing, "\n".join(missing)


@pytest.mark.parametrize("name", TESTED_THROUGH)
def test_an_excused_module_exists_and_still_needs_its_excuse(name: str):
    assert (PACKAGE / name).exists(), f"{name} is gone; so is the need for an excuse"
    assert not _has_test(PACKAGE / name), f"{name} has a test now; take its excuse away"


def test_decisions_are_numbered_without_a_gap():
    numbers = [int(path.name[:4]) for path in sorted((ROOT / "docs/decisions").glob("*.md"))]
    assert numbers == list(range(1, len(numbers) + 1))
