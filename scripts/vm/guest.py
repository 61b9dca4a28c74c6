#!/usr/bin/env python3
"""What scripts/vm/check runs inside a guest: lists of steps, each timed and judged.

``NETLAB_VM_LIST`` names the lists, with commas between. Each step becomes a line on the console,
and what a step that went wrong printed follows it. Where QEMU translates every instruction,
importing netlab takes longer than what it then does; so all but the list ``smoke`` import it once
and fork for each command. Needs netlab importable, root, and a machine that is there for this.
"""

import importlib
import json
import os
import shlex
import subprocess
import sys
import time
import traceback
from collections.abc import Sequence
from pathlib import Path

from leftovers import difference, state, wait_for_addresses
from steps import CHECKOUT, LISTS, NothingLeft, Step

FORKS = "smoke" not in os.environ.get("NETLAB_VM_LIST", "")
NEVER = ("did otherwise", "bug in netlab", "Traceback (most recent call last)")
"""What no command of netlab may print here."""


def run(argv: Sequence[str]) -> tuple[int, str]:
    """Run a command to its end; return its exit code and all it printed."""
    if argv[0] == "netlab" and FORKS:
        return forked(argv)
    done = subprocess.run(
        argv,
        check=False,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    return done.returncode, done.stdout.decode(errors="replace")


def forked(argv: Sequence[str]) -> tuple[int, str]:
    """Run a netlab command in a child that has everything imported already."""
    output = Path("/tmp/output")  # noqa: S108 (the guest is ours alone)
    sys.stdout.flush()
    child = os.fork()
    if child == 0:
        code = 70
        try:
            opened = os.open(output, os.O_CREAT | os.O_TRUNC | os.O_RDWR)
            for descriptor in (1, 2):
                os.dup2(opened, descriptor)
            os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
            sys.argv = list(argv)
            importlib.import_module("netlab.cli").main()
            code = 0
        except SystemExit as left:
            code = left.code if isinstance(left.code, int) else int(left.code is not None)
        except BaseException:  # noqa: BLE001 (a child never returns into its parent's work)
            traceback.print_exc()
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(code)
    _, status = os.waitpid(child, 0)
    return os.waitstatus_to_exitcode(status), output.read_text(errors="replace")


def import_everything() -> None:
    """Load what commands load when they are called."""
    for module in sorted(CHECKOUT.glob("netlab/cli/*.py")):
        importlib.import_module(f"netlab.cli.{module.stem}")
    for name in ("netlab.trace.session", "netlab.lab.up", "netlab.lab.down", "scapy.all"):
        try:
            importlib.import_module(name)
        except ModuleNotFoundError:
            print(f"netlab-vm: no module {name} to import beforehand", flush=True)


_ports: dict[str, str] = {}


def with_port(command: str) -> str:
    """Return the command with the NodePort that the lab has chosen."""
    if command.split()[:2] == ["netlab", "up"]:
        _ports.clear()
    if "{nodeport}" in command and not _ports:
        code, text = run(["netlab", "get", "svc", "nodeport", "-o", "json"])
        port = json.loads(text)["spec"]["ports"][0]["nodePort"] if code == 0 else "?"
        _ports["{nodeport}"] = str(port)
    for name, value in _ports.items():
        command = command.replace(name, value)
    return command


def judged(step: Step | NothingLeft, before: dict[str, str]) -> tuple[str, str]:
    """Do a step; return what is wrong with it, if anything, and what it printed."""
    if isinstance(step, NothingLeft):
        return difference(before, state()), ""
    argv = shlex.split(with_port(step.command))
    code, text = run(argv)
    if code != step.rc:
        return f"exit code {code}, not {step.rc}", text
    flat = " ".join(text.split())
    for words in step.says:
        if words not in flat:
            return f"does not say: {words}", text
    if argv[0] == "netlab":
        for words in NEVER:
            if words in flat:
                return f"says: {words}", text
    return "", text


def name_of(step: Step | NothingLeft) -> str:
    """Return how a step is called on the console."""
    return with_port(step.command) if isinstance(step, Step) else "nothing of it is left"


def perform(names: Sequence[str]) -> int:
    """Do the steps of all lists; return how many went wrong."""
    wrong = 0
    # iproute2 makes its directory with the first namespace, and it stays.
    run(["ip", "netns", "add", "first"])
    run(["ip", "netns", "delete", "first"])
    wait_for_addresses(30)
    before = state()
    for name in names:
        print(f"netlab-vm: {name}", flush=True)
        for step in LISTS[name]():
            began = time.monotonic()
            trouble, text = judged(step, before)
            took = time.monotonic() - began
            word = "WRONG" if trouble else "ok"
            print(f"netlab-vm: {word:5} {took:6.1f} s  {name_of(step)}", flush=True)
            wrong += bool(trouble)
            if trouble or (isinstance(step, Step) and step.is_shown):
                for line in (trouble + "\n" + text).strip().splitlines():
                    print(f"netlab-vm:     | {line}", flush=True)
        if name == "provision" and FORKS:
            import_everything()
    return wrong


if __name__ == "__main__":
    os.chdir("/")
    lists = os.environ["NETLAB_VM_LIST"].split(",")
    if FORKS and "provision" not in lists:
        import_everything()
    sys.exit(min(perform(lists), 99))
