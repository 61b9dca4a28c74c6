#!/usr/bin/env python3
"""Keep the README's sessions true: sudo scripts/readme.py [--check]

A ``console`` block in a page is a session: lines that begin with ``$ `` are commands, what
follows is their output. Without --check the commands run and their output is written into the
block; with it, output that differs is shown and the exit code is 1. What differs from run to run
(times, ports, generated names) does not count.

The commands run on a lab called as the script is, so that a lab of the user's is left alone.
"""

import argparse
import difflib
import os
import re
import subprocess
import sys
from pathlib import Path

README = Path(__file__).parents[1] / "README.md"
SCRIPT = Path(sys.argv[0]).name
LAB = SCRIPT.partition(".")[0].replace("_", "")
SESSION = re.compile(r"(?<=^```console\n).*?(?=^```$)", re.DOTALL | re.MULTILINE)
DIFFERS = (
    (re.compile(r"\+\d+(\.\d+)?( µs)?"), "OFFSET"),
    (re.compile(r"\b\d+(\.\d+)? ?(ms|s)\b"), "TIME"),
    (re.compile(r":\d{4,5}\b"), ":PORT"),
    (re.compile(r"-[a-z0-9]{6,10}-[a-z0-9]{5}\b|\bveth[0-9a-f]{11}\b"), "NAME"),
    (re.compile(r"\b0x[0-9a-f]{5,8}\b"), "ID"),
    (re.compile(r"\d+ packets? \(\d+ there, \d+ back\)"), "PACKETS"),
    # Not every kernel gives reasons.
    (re.compile(r"^    │   kernel .*\n", re.MULTILINE), ""),
    (re.compile(r" {2,}"), " "),
)


def main(page: Path = README, about: str = "Keep the README's sessions true.") -> None:
    """Run every session of ``page``, then write or compare."""
    parser = argparse.ArgumentParser(description=about)
    parser.add_argument("--check", action="store_true", help="compare, and change nothing")
    check = parser.parse_args().check
    if os.geteuid():
        sys.exit(f"The sessions need root. Type: sudo scripts/{SCRIPT}")
    before = page.read_text()
    try:
        after = SESSION.sub(lambda session: replay(session[0]), before)
    finally:
        run("netlab down", check=False)
    if not check:
        page.write_text(after)
        return
    if difference := list(
        difflib.unified_diff(stable(before), stable(after), page.name, "now", lineterm="")
    ):
        sys.exit("\n".join([*difference, "", f"Type: sudo scripts/{SCRIPT}"]))


def replay(session: str) -> str:
    """Return the session with the output that its commands have now."""
    commands = [line for line in session.splitlines() if line.startswith("$ ")]
    told = ((line, run(line.removeprefix("$ "))) for line in commands)
    return "".join(f"{line}\n{output}\n" if output else f"{line}\n" for line, output in told)


def run(command: str, *, check: bool = True) -> str:
    """Return what a command prints to a terminal, without the blanks at its end."""
    done = subprocess.run(
        ["bash", "-o", "pipefail", "-c", re.sub(r"\bsudo ", "", command)],
        check=False,
        env=os.environ | {"NETLAB_LAB": LAB, "COLUMNS": "100"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    if check and done.returncode:
        sys.exit(f"{command} ended with {done.returncode}:\n{done.stdout}")
    text = re.sub(rf"\b{LAB}\b", "default", done.stdout.replace(f" --lab {LAB}", ""))
    return "\n".join(line.rstrip() for line in text.strip("\n").splitlines())


def stable(text: str) -> list[str]:
    """Return the lines of ``text`` without what differs from run to run."""
    for pattern, word in DIFFERS:
        text = pattern.sub(word, text)
    return text.splitlines()


if __name__ == "__main__":
    main()
