#!/usr/bin/env python3
"""Keep the pages of docs/labs true: sudo scripts/labs.py [--check]

As readme.py does for the README, but the commands of a page are typed into one shell, in a
directory with the files of docs/labs/files: a variable that one command sets is there for the next.
kubectl is the newest that the tests know.
"""

import argparse
import difflib
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

import readme  # noqa: E402 (the page's own runner)

from tests.scenarios.kubectl import kubectls  # noqa: E402

LABS = ROOT / "docs/labs"
END = "netlab-end-of-answer"
DIFFERS = (
    (re.compile(r"^Waiting for .*\n", re.MULTILINE), ""),
    (re.compile(r"-[a-z0-9]{8,10}-[a-z0-9]{5}\b|(?<=my-nginx-)[a-z0-9]{5}\b"), "-NAME"),
    # A node that runs the pod itself masquerades with its gateway address.
    (re.compile(r"(?<=client_address=)10\.244\.[123]\.1$", re.MULTILINE), "NODE"),
    (re.compile(r"\b10\.(0\.\d+|244\.[123])\.\d+\b"), "ADDRESS"),
    (re.compile(r"\bnode[123]\b|\b10\.240\.0\.[345]\b"), "NODE"),
    (re.compile(r"\b3[0-2]\d{3}\b"), "NODEPORT"),
    (re.compile(r"\b(\d+[hms])+\b"), "AGE"),
    (re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|[0-9a-f]{2}(:[0-9a-f]{2}){5}"), "ID"),
    (re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ|, in \d+\.\d+ s"), "TIME"),
    (re.compile(r"(resourceVersion|if\d+|@if\d+)\S*"), "NUMBER"),
    (re.compile(r" +"), " "),
)


class Shell:
    """One bash, into which commands are typed."""

    def __init__(self, directory: Path) -> None:
        programs = directory / "programs"
        programs.mkdir()
        (programs / "kubectl").symlink_to(kubectls()[0].path)
        # What a page says with sudo is run by root here.
        (programs / "sudo").write_text('#!/bin/sh\nexec "$@"\n')
        (programs / "sudo").chmod(0o755)
        for path in (LABS / "files").iterdir():
            shutil.copy(path, directory)
        self._bash = subprocess.Popen(
            ["bash"],
            cwd=directory,
            env=os.environ
            | {"NETLAB_LAB": "labs", "HOME": str(directory), "COLUMNS": "100"}
            | {"PATH": f"{programs}:{Path(sys.executable).parent}:{os.environ['PATH']}"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def type(self, command: str) -> str:
        """Return what a command prints."""
        assert self._bash.stdin is not None
        assert self._bash.stdout is not None
        self._bash.stdin.write(f"{{ {command}\n}} </dev/null; echo {END}\n")
        self._bash.stdin.flush()
        lines = []
        while not (line := self._bash.stdout.readline()).endswith(f"{END}\n"):
            if not line:
                sys.exit(f"{command}\nended the shell")
            lines.append(line.rstrip())
        lines.append(line.removesuffix(f"{END}\n").rstrip())
        text = "\n".join(lines).strip("\n").replace(" --lab labs", "")
        return re.sub(r"(?<=/)labs\b|\blab labs\b", _default, text)

    def close(self) -> None:
        """Remove the lab, and end the shell."""
        self.type("netlab down")
        self._bash.communicate()


def _default(found: re.Match[str]) -> str:
    return found[0].replace("labs", "default")


def replay(page: str) -> str:
    """Return a page with what its commands print now."""
    with tempfile.TemporaryDirectory() as directory:
        shell = Shell(Path(directory))
        try:
            return readme.SESSION.sub(lambda session: _session(shell, session[0]), page)
        finally:
            shell.close()


def _session(shell: Shell, session: str) -> str:
    told = []
    # A command goes on in the lines that begin with "> ".
    for command in re.findall(r"^\$ .*(?:\n> .*)*", session, re.MULTILINE):
        answer = shell.type(re.sub(r"^[$>] ", "", command, flags=re.MULTILINE))
        told.append(f"{command}\n{answer}\n" if answer else f"{command}\n")
    return "".join(told)


def stable(text: str) -> list[str]:
    """Return the lines of a page without what differs from run to run."""
    for pattern, word in DIFFERS:
        text = pattern.sub(word, text)
    return [line.rstrip() for line in text.splitlines()]


def main() -> None:
    """Run the commands of every page, then write or compare."""
    parser = argparse.ArgumentParser(description="Keep the pages of docs/labs true.")
    parser.add_argument("--check", action="store_true", help="compare, and change nothing")
    check = parser.parse_args().check
    if os.geteuid():
        sys.exit("The sessions need root. Type: sudo scripts/labs.py")
    wrong = []
    for page in sorted(LABS.glob("*.md")):
        before = page.read_text()
        after = replay(before)
        if not check:
            page.write_text(after)
        wrong += difflib.unified_diff(
            stable(before), stable(after), page.name, "now", lineterm="", n=1
        )
    if check and wrong:
        sys.exit("\n".join([*wrong, "", "Type: sudo scripts/labs.py"]))


if __name__ == "__main__":
    main()
