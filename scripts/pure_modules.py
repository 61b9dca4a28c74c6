#!/usr/bin/env python3
"""Print the files of the modules that perform no input or output, one a line.

Which they are is said by the contract "pure-core" in pyproject.toml, which lint-imports holds: all
modules of its `source_modules`, but for those that `ignore_imports` lets do something.
"""

import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Final

CHECKOUT: Final = Path(__file__).parents[1]


def pure_modules() -> Iterator[Path]:
    """Yield the files, below the checkout and in order."""
    settings = tomllib.loads((CHECKOUT / "pyproject.toml").read_text())
    contracts = settings["tool"]["importlinter"]["contracts"]
    contract = next(one for one in contracts if one["id"] == "pure-core")
    impure = {one.partition(" -> ")[0] for one in contract["ignore_imports"]}
    for module in contract["source_modules"]:
        found = CHECKOUT.joinpath(*module.split("."))
        for path in sorted(found.rglob("*.py")) or [found.with_suffix(".py")]:
            if _name(path) not in impure:
                yield path.relative_to(CHECKOUT)


def coverage_settings() -> str:
    """Return the settings with which coverage measures them."""
    files = "".join(f"\n    {path}" for path in pure_modules())
    return f"[run]\nbranch = true\ninclude ={files}\n"


def _name(path: Path) -> str:
    return ".".join(path.relative_to(CHECKOUT).with_suffix("").parts)


if __name__ == "__main__":
    print(*pure_modules(), sep="\n")
