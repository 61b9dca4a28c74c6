"""kubectl, helm and a shell that has them, as a learner at a terminal has."""

import contextlib
import os
import pty
import re
import select
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

from tests.scenarios.conftest import Lab

TOOLS: Final = Path(__file__).parents[2] / ".venv/tools"
"""Where scripts/test.sh puts programs that are of use to tests alone."""
ALL: Final = os.environ.get("NETLAB_CI") == "all"
PROMPT: Final = re.compile(r"[#$] (\x1b\[\d*[A-Za-z])*$")
"""Of a shell; busybox asks the terminal where the cursor is."""
PRESS_ENTER: Final = "try pressing enter.\r\n"
"""What kubectl says when it has come after the prompt."""


@dataclass(frozen=True, slots=True, order=True)
class Kubectl:
    """A kubectl of this machine."""

    version: tuple[int, int]
    path: Path

    def __str__(self) -> str:
        return f"kubectl-{self.version[0]}.{self.version[1]}"


def _candidates() -> Iterator[Path]:
    yield Path(sys.executable).with_name("kubectl")
    yield from TOOLS.glob("*/**/kubectl")
    if (found := shutil.which("kubectl")) is not None:
        system = Path(found).resolve()
        yield system
        yield from system.parent.glob("kubectl.1.*")


@cache
def kubectls() -> list[Kubectl]:
    """Return each version that is there, newest first; one alone unless NETLAB_CI is ``all``."""
    found: dict[tuple[int, int], Kubectl] = {}
    for path in _candidates():
        if not os.access(path, os.X_OK) or path.is_dir():
            continue
        said = subprocess.run(
            [path, "version", "--client"], capture_output=True, text=True, check=False
        ).stdout
        if version := re.search(r"v(\d+)\.(\d+)\.", said):
            key = (int(version[1]), int(version[2]))
            found.setdefault(key, Kubectl(key, path))
    newest_first = sorted(found.values(), reverse=True)
    return newest_first if ALL else newest_first[:1]


def helm() -> Path | None:
    """Return the path of helm, if there is one."""
    candidates = [*TOOLS.glob("*/**/helm"), Path(shutil.which("helm") or "/nonexistent")]
    return next((path for path in candidates if path.is_file()), None)


class Shell:
    """A shell in a directory, with one kubectl, at one lab.

    Args:
        lab: Is up.
        kubectl: Comes first in PATH.
        directory: Where commands run.
    """

    def __init__(self, lab: Lab, kubectl: Path, directory: Path) -> None:
        self.lab = lab
        self._directory = directory
        programs = directory / ".programs"
        programs.mkdir(exist_ok=True)
        (programs / "kubectl").symlink_to(kubectl)
        found = lab.run("kubeconfig")
        assert found.returncode == 0, found.stderr
        self.environment = {
            **lab.environment(),
            "KUBECONFIG": found.stdout.strip(),
            "HOME": str(directory),
            "PATH": f"{programs}:{os.environ['PATH']}",
        }

    def run(self, command: str, *, check: bool = True, text: str | None = None) -> str:
        """Run a line of bash; return what it printed.

        It must succeed, unless ``check`` is false: then the answer has standard error, too.
        """
        done = subprocess.run(
            ["bash", "-c", command],
            env=self.environment,
            cwd=self._directory,
            input=text,
            stdin=subprocess.DEVNULL if text is None else None,
            capture_output=True,
            text=True,
            check=False,
            timeout=90,
        )
        if check:
            assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
            return done.stdout
        return done.stdout + done.stderr

    def start(self, command: str) -> subprocess.Popen[str]:
        """Begin a line of bash."""
        return subprocess.Popen(
            ["bash", "-c", command],
            env=self.environment,
            cwd=self._directory,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def node(self, name: str, command: str) -> str:
        """Run a line of sh on a node, the client or any other host of the lab."""
        return self.lab.inside(name, "sh", "-c", command).stdout

    def type(self, command: str, *lines: str, status: int = 0) -> str:
        """Run a command at a terminal, and type a line at each prompt; return what was shown.

        It must end with ``status``.
        """
        pid, terminal = pty.fork()
        if pid == 0:
            os.chdir(self._directory)
            terminal_of = ["bash", "-c", f"stty rows 24 cols 100; {command}"]
            os.execvpe("bash", terminal_of, self.environment)  # noqa: S606
        shown, waiting = "", list(lines)
        deadline = time.monotonic() + 60
        with contextlib.suppress(OSError):
            while time.monotonic() < deadline:
                if select.select([terminal], [], [], 0.2)[0]:
                    shown += os.read(terminal, 65536).decode(errors="replace")
                elif waiting and PROMPT.search(shown):
                    os.write(terminal, f"{waiting.pop(0)}\n".encode())
                elif shown.endswith(PRESS_ENTER):
                    os.write(terminal, b"\n")
        os.close(terminal)
        assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == status, shown
        return shown.replace("\r", "")


def rows(table: str) -> list[dict[str, str]]:
    """Return the rows of a table that kubectl printed, by the headings of its columns."""
    head, *lines = table.splitlines()
    starts = [
        found.start() for found in re.finditer(r"(?<!\S)\S", re.sub(r"(?<=\S) (?=\S)", "_", head))
    ]
    names = [head[a:b].strip() for a, b in zip(starts, [*starts[1:], None], strict=True)]
    return [
        {
            name: line[a:b].strip()
            for name, a, b in zip(names, starts, [*starts[1:], None], strict=True)
        }
        for line in lines
    ]
