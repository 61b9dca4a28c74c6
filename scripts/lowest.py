#!/usr/bin/env python3
"""Run the unit tests with the lowest version of each library that pyproject.toml allows.

    scripts/lowest.py [PYTEST ARGUMENTS]

The libraries go into an environment of their own, .venv-lowest in the checkout, which is made once
for each text of pyproject.toml. What scripts/check runs has the newest versions; both say which.
"""

import hashlib
import re
import subprocess
import sys
import tomllib
import venv
from collections.abc import Iterator
from pathlib import Path
from typing import Final

CHECKOUT: Final = Path(__file__).parents[1]
ENVIRONMENT: Final = CHECKOUT / ".venv-lowest"
DIRECTORIES: Final = ("tests/unit", "tests/property", "tests/golden")


def lowest(requirements: list[str]) -> Iterator[str]:
    """Yield each requirement, pinned to its lowest version.

    >>> list(lowest(["aiohttp>=3.9", "types-PyYAML"]))
    ['aiohttp==3.9']
    """
    for one in requirements:
        if found := re.fullmatch(r"([\w.-]+)>=([\d.]+)(?:[,<].*)?", one):
            yield f"{found[1]}=={found[2]}"


def install(project: dict[str, object], mark: str) -> None:
    """Make the environment anew."""
    print(f"making {ENVIRONMENT.name}, once", flush=True)
    venv.create(ENVIRONMENT, clear=True, with_pip=True)
    pins = ENVIRONMENT / "lowest.txt"
    pins.write_text("".join(f"{pin}\n" for pin in lowest(list(project["dependencies"]))))
    command = ["-m", "pip", "install", "--quiet", "--constraint", str(pins)]
    extras = ["--editable", f"{CHECKOUT}[dev]"]
    subprocess.run([ENVIRONMENT / "bin/python", *command, *extras], check=True)
    (ENVIRONMENT / "installed").write_text(mark)


def main() -> int:
    """Run the tests, and say what they ran with."""
    text = (CHECKOUT / "pyproject.toml").read_bytes()
    project = tomllib.loads(text.decode())["project"]
    mark = hashlib.sha256(text).hexdigest()
    made = ENVIRONMENT / "installed"
    if not made.exists() or made.read_text() != mark:
        install(project, mark)
    pins = ", ".join(lowest(project["dependencies"])).replace("==", " ")
    print(f"with the lowest versions: {pins}", flush=True)
    # Without a directory pytest would run all tests, those of real namespaces too.
    asked = sys.argv[1:]
    paths = [] if any(Path(one.partition("::")[0]).exists() for one in asked) else DIRECTORIES
    command = [ENVIRONMENT / "bin/python", "-m", "pytest", "-q", *asked, *paths]
    return subprocess.run(command, cwd=CHECKOUT, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
