"""Run the steps of `scripts/check`: one queue, as many side by side as there are processors.

A step is a command. Its line is printed when it ends, with its time and the last line that it
printed; of a step that fails, all of it. The tests of pure code and the tools are a step each. Each
file of tests that build namespaces is a step in a mount, pid and ipc namespace of its own with an
empty /run: so labs of two files never meet, and nothing outlives its file.
"""

import argparse
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter, deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from importlib.metadata import requires, version
from pathlib import Path
from typing import Final

import pure_modules

LIMIT_S: Final = 1200 * float(os.environ.get("NETLAB_TIMEOUT_SCALE", "1"))
"""A step that runs for longer is ended, and has failed."""

NOTHING_TO_RUN: Final = 5
"""pytest's exit code where every test of a file was left out."""

OWN_NAMESPACES: Final = (
    *("unshare", "--mount", "--pid", "--fork", "--ipc", "--mount-proc", "--kill-child"),
    *("sh", "-c", 'mount -t tmpfs -o mode=755 run /run && mkdir /run/lock && exec "$@"', "sh"),
)

EVERYTHING: Final = os.environ.get("NETLAB_CI") == "all"

USER_NAMESPACE: Final = ("unshare", "-Urm", "--pid", "--fork", "--mount-proc")
"""Fails where an ordinary user can have no lab."""

AS_USER: Final = frozenset(
    f"tests/{name}.py"
    for name in (
        *("kernel/test_attach", "kernel/test_cni_bridge", "kernel/test_conntrack"),
        *("kernel/test_dns", "kernel/test_flows", "kernel/test_graph", "kernel/test_life"),
        *("kernel/test_load_balancer", "kernel/test_nftables", "kernel/test_pods"),
        *("kernel/test_trace", "kernel/test_two_labs", "scenarios/test_streams"),
        *("scenarios/test_topologies", "scenarios/test_tutorials"),
    )
)
"""Files that an ordinary user runs too, where not all are asked for."""

ROOTS_ALONE: Final = frozenset(
    {
        "tests/kernel/test_host_untouched.py",  # it looks at the machine as root sees it
        "tests/kernel/test_rootless.py",  # it makes the user itself
        "tests/kernel/test_trace_drops.py",  # drop reasons by eBPF are root's
        "tests/kernel/test_trace_leftovers.py",  # its eBPF programs are, too
        "tests/kernel/test_trouble.py",  # it makes the user itself
        "tests/scenarios/test_readme.py",  # its sessions are root's
    }
)
"""Files that say nothing about an ordinary user."""

ALONE: Final = frozenset(
    {
        "tests/kernel/test_traffic.py",
        "tests/kernel/test_interrupted.py",
        "tests/kernel/faults/test_faults.py",
    }
)
"""Files whose tests count what a busy machine loses, or watch a lab in the moment it is up: nothing
else runs beside them."""


AS_TYPED: Final = ("env", "--default-signal=HUP,INT,QUIT,TERM")
"""Tests send such signals. What a script starts in the background, or nohup, inherits that some are
ignored, and so would all that it starts."""

_NO_BYTECODE: Final = "PYTHONDONTWRITEBYTECODE"
"""With it each of some thousand commands compiles netlab anew, as no user's does."""


@dataclass(frozen=True, slots=True)
class Step:
    """A command to run, and the name that its line has."""

    name: str
    command: tuple[str, ...]
    alone: bool = False


@dataclass(slots=True)
class Running:
    """A step that was begun: its process, the file of its output, and when it began."""

    step: Step
    process: subprocess.Popen[bytes]
    output: Path
    began: float = field(default_factory=time.monotonic)


def tool_steps() -> list[Step]:
    """Return the steps that need no test: lint, format, types, layers, shell scripts."""
    shell = [str(p) for p in Path("scripts").rglob("*") if p.is_file() and _is_shell(p)]
    checked = ("shellcheck", "--external-sources", ".ci/run", *sorted(shell))
    if shutil.which("shellcheck") is None:
        checked = ("echo", "not looked at: shellcheck is not installed")
    return [
        Step("types", ("mypy",)),
        Step("lint", ("ruff", "check", ".")),
        Step("format", ("ruff", "format", "--check", ".")),
        Step("layers", ("lint-imports",)),
        Step("shell", checked),
    ]


def _is_shell(path: Path) -> bool:
    first = path.read_bytes().partition(b"\n")[0]
    return path.suffix == ".sh" or (first.startswith(b"#!") and b"bash" in first)


def unit_steps(coverage: Path | None) -> list[Step]:
    """Return the steps of tests that touch no namespace.

    Args:
        coverage: A directory for what each of them finds that it ran of the pure modules, which
            takes half of their time; None for a short run.
    """
    heavy = ("unit/lab", "unit/render", "property", "fuzz")
    rest = [f"--ignore=tests/{name}" for name in heavy]
    directories = ("tests/unit", "tests/property", "tests/golden")

    def measured(name: str, *arguments: str) -> Step:
        if coverage is None:
            return Step(name, ("pytest", "-q", "--hypothesis-profile=short", *arguments))
        data = coverage / f".coverage.{name.replace('/', '.')}"
        settings = f"--cov-config={_settings(coverage)}"
        command = ("pytest", "-q", "--cov", settings, "--cov-report=", *arguments)
        return Step(name, ("env", f"COVERAGE_FILE={data}", *command))

    return [
        measured("unit", *directories, *rest),
        *(measured(name, f"tests/{name}") for name in heavy),
        Step("doctests", ("pytest", "-q", "--doctest-modules", "netlab")),
    ]


def coverage_step(coverage: Path) -> Step:
    """Return the step that adds up what tests ran of the pure modules, and wants enough of it."""
    report = f"coverage combine -q {coverage} && coverage report --skip-empty --fail-under=95"
    # It takes the files that are called as its own and a suffix.
    data = f"COVERAGE_FILE={coverage}/.coverage"
    settings = f"COVERAGE_RCFILE={_settings(coverage)}"
    return Step("coverage", ("env", data, settings, "sh", "-c", report))


def _settings(coverage: Path) -> Path:
    """Return the file that says what is measured; write it if it is not there."""
    path = coverage / "settings.ini"
    if not path.exists():
        path.write_text(pure_modules.coverage_settings())
    return path


def kernel_steps(selection: tuple[str, ...]) -> list[Step]:
    """Return a step for each file of tests on real namespaces, the longest text first."""
    files = [
        path
        for directory in ("kernel", "scenarios", "browser")
        for path in Path("tests", directory).rglob("test_*.py")
    ]
    files.sort(key=lambda path: -path.stat().st_size)
    return [
        Step(
            f"{path.parent.relative_to('tests')}/{path.stem.removeprefix('test_')}",
            (*OWN_NAMESPACES, "pytest", "-q", *selection, str(path)),
            alone=str(path) in ALONE,
        )
        for path in files
    ]


def rootless_steps() -> list[Step]:
    """Return a step for each file of tests that an ordinary user runs too; with NETLAB_CI=all, all.

    The user is made by scripts/ordinary_user.py. Tests of the command line run as the user has it;
    those that enter namespaces themselves run in the user's own.
    """
    user = (sys.executable, "scripts/ordinary_user.py", "--private", "--")
    probe = subprocess.run([*user, *USER_NAMESPACE, "true"], capture_output=True, check=False)
    if probe.returncode:
        why = "not run: this machine does not let an ordinary user have user namespaces"
        return [Step("labs without root", ("echo", why))]
    directories = (Path("tests/kernel"), Path("tests/scenarios"))
    steps = []
    for path in sorted(path for one in directories for path in one.glob("test_*.py")):
        if str(path) in ROOTS_ALONE or not (EVERYTHING or str(path) in AS_USER):
            continue
        inside = ("NETLAB_TEST_INSIDE=1",) if path.parent.name == "kernel" else ()
        environment = ("env", *inside, "HYPOTHESIS_STORAGE_DIRECTORY=/tmp/hypothesis")
        pytest = ("pytest", "-q", "-p", "no:cacheprovider", "-m", "not long", str(path))
        name = f"{path.parent.name}/{path.stem.removeprefix('test_')}, a user"
        steps.append(Step(name, (*user, *environment, *pytest)))
    return steps


def run(steps: list[Step], logs: Path) -> Counter[str]:
    """Run all steps, and return how many tests passed, failed and were skipped."""
    waiting = deque(sorted(steps, key=lambda step: step.alone))
    running: list[Running] = []
    counts: Counter[str] = Counter()
    try:
        while waiting or running:
            while waiting and _has_room(waiting[0], running):
                running.append(_begin(waiting.popleft(), logs))
            for ended in list(_ended(running)):
                running.remove(ended)
                done = len(steps) - len(waiting) - len(running)
                counts += _report(ended, f"{done:3}/{len(steps)}")
            time.sleep(0.05)
    finally:
        for each in running:
            os.killpg(each.process.pid, signal.SIGKILL)
            each.process.wait()
    return counts


def _has_room(step: Step, running: list[Running]) -> bool:
    if step.alone or any(each.step.alone for each in running):
        return not running
    return len(running) < (os.cpu_count() or 1)


def _begin(step: Step, logs: Path) -> Running:
    output = logs / step.name.replace("/", ".")
    with output.open("wb") as file:
        process = subprocess.Popen(
            (*AS_TYPED, *step.command),
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            env={name: text for name, text in os.environ.items() if name != _NO_BYTECODE},
        )
    return Running(step, process, output)


def _ended(running: list[Running]) -> Iterator[Running]:
    for each in running:
        if each.process.poll() is not None:
            yield each
        elif time.monotonic() - each.began > LIMIT_S:
            os.killpg(each.process.pid, signal.SIGKILL)
            each.process.wait()
            with each.output.open("a") as file:
                file.write(f"\nstill running after {LIMIT_S:g} s, and ended\n")
            yield each


def _report(ended: Running, number: str) -> Counter[str]:
    """Print the line of a step that ended, and return what it counted."""
    text = ended.output.read_text(errors="replace")
    last = text.rstrip().rpartition("\n")[2]
    seconds = f"{time.monotonic() - ended.began:6.1f} s"
    counts = Counter(
        {word: int(n) for n, word in re.findall(r"(\d+) (passed|failed|skipped|error)", last)}
    )
    left_out = ended.process.returncode == NOTHING_TO_RUN and "deselected" in last
    if ended.process.returncode == 0 or left_out:
        print(f"{number} {ended.step.name:32} ok     {seconds}   {last}", flush=True)
        for line in re.findall(r"^SKIPPED .*$", text, re.MULTILINE):
            print(f"        {line}", flush=True)
        return counts
    print(f"{number} {ended.step.name:32} FAILED {seconds}", flush=True)
    print("".join(f"    {line}\n" for line in text.splitlines()), flush=True)
    counts["failed steps"] += 1
    return counts


def versions() -> str:
    """Return the versions of the libraries that netlab needs, as they are installed here."""
    names = [re.split(r"[^A-Za-z0-9_.-]", line)[0] for line in requires("netlab-k8s") or ()]
    needed = [
        name
        for name, line in zip(names, requires("netlab-k8s") or (), strict=True)
        if "extra ==" not in line
    ]
    return ", ".join(f"{name} {version(name)}" for name in needed)


def main() -> int:
    """Run the steps that the command line asks for."""
    parser = argparse.ArgumentParser(prog="scripts/check")
    parser.add_argument("--kernel", action="store_true")
    parser.add_argument("--all", action="store_true")
    asked = parser.parse_args()
    kernel = kernel_steps(() if asked.all else ("-m", "not long"))
    began = time.monotonic()
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
    print(f"Python {sys.version.split()[0]} with {versions()}")
    with tempfile.TemporaryDirectory() as logs, tempfile.TemporaryDirectory() as coverage:
        steps = [*tool_steps(), *unit_steps(Path(coverage) if asked.all else None)]
        steps += kernel if asked.kernel or asked.all else []
        steps += rootless_steps() if asked.all else []
        print(f"{len(steps)} steps, {os.cpu_count()} side by side; a line comes when a step ends")
        try:
            counts = run(steps, Path(logs))
            counts += run([coverage_step(Path(coverage))] if asked.all else [], Path(logs))
        except KeyboardInterrupt:
            print("\ninterrupted")
            return 130
    minutes, seconds = divmod(int(time.monotonic() - began), 60)
    bad = counts["failed steps"]
    print(f"\n{'All is well' if not bad else f'{bad} steps failed'}, in {minutes} min {seconds} s")
    failed = counts["failed"] + counts["error"]
    print(f"{counts['passed']} passed, {failed} failed, {counts['skipped']} skipped")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
