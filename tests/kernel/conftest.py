"""Real labs for tests: a runner of the command line, and a check that nothing is left behind.

``tests/scenarios/conftest.py`` is this file too.
"""

import contextlib
import itertools
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from ipaddress import ip_address, ip_network
from pathlib import Path
from secrets import token_hex
from typing import Any, Final

import pytest

from netlab.linux import user_namespace
from netlab.linux.timeouts import scaled
from netlab.rootless.enter import become_root, is_root
from netlab.rootless.holder import find_holder

PREFIX: Final = "t"
"""Of the names of the labs made here; those of others come and go as they like."""

LAB_NETWORKS: Final = tuple(
    map(ip_network, ("10.240.0.0/24", "10.244.0.0/16", "10.0.0.0/16", "198.51.100.0/24"))
)

RUN: Final = token_hex(2)
"""Tells this run's labs from those of a run beside it. Runs in pid namespaces of their own have the
same process id, and control groups are the machine's."""
RUN_MARK: Final = f"NETLAB_TEST_RUN={RUN}".encode()
"""In the environment of every process that this run of the tests starts."""
os.environ["NETLAB_TEST_RUN"] = RUN

KERNEL: Final = tuple(int(number) for number in os.uname().release.split(".")[:2])

_numbers = itertools.count()

if os.environ.get("NETLAB_TEST_INSIDE"):
    # As an ordinary user, for tests that enter namespaces themselves.
    become_root()


SUDO: Final = "sudo " if user_namespace.is_initial() and is_root() else ""
"""What stands before netlab in the commands that the tests' user is told to type."""
NO_DROP_REASONS: Final = (
    "no drop reasons: the kernel lets root of the machine alone load eBPF programs"
)
"""What a trace says of an ordinary user's lab."""
NEEDS_LOOPBACK: Final = pytest.mark.skipif(
    "NETLAB_TEST_INSIDE" in os.environ, reason="the API listens on the machine's own loopback"
)
"""For what calls the API as kubectl does, from a process that is in the user's own network."""
WARNINGS: Final = () if SUDO else (NO_DROP_REASONS,)
"""What a trace warns of where nothing is wrong."""


def run_directory() -> Path:
    """Return /run as labs have it: an ordinary user's is in namespaces of the user's own."""
    holder = None if is_root() else find_holder()
    return Path(f"/proc/{holder.pid}/root/run") if holder else Path("/run")


class Lab:
    """A lab that may or may not be up: its name, and the command line as its user has it."""

    def __init__(self, name: str) -> None:
        self.name = name

    def command(self, *argv: str) -> list[str]:
        return [sys.executable, "-m", "netlab", *argv]

    def environment(self) -> dict[str, str]:
        return {**os.environ, "NETLAB_LAB": self.name}

    def run(self, *argv: str, text: str = "") -> subprocess.CompletedProcess[str]:
        """Run ``netlab ARGV`` on this lab to its end, with ``text`` on its standard input."""
        return subprocess.run(
            self.command(*argv),
            env=self.environment(),
            input=text,
            capture_output=True,
            text=True,
            check=False,
            timeout=scaled(60),
        )

    def start(self, *argv: str, stdin: bool = False) -> subprocess.Popen[str]:
        """Begin ``netlab ARGV`` on this lab, with a standard input of its own if asked for."""
        return subprocess.Popen(
            self.command(*argv),
            env=self.environment(),
            stdin=subprocess.PIPE if stdin else subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def up(self, topology: str = "two-nodes") -> str:
        """Bring the lab to a topology, which must work; return what was printed."""
        done = self.run("up", topology)
        assert done.returncode == 0, done.stdout + done.stderr + self.control_plane_log()
        return done.stdout

    def down(self) -> str:
        """Remove the lab, which must work; return what was printed."""
        done = self.run("down")
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def control_plane_log(self) -> str:
        """Return the end of what the control plane wrote: a control plane that died says why."""
        log = self.directory() / "control-plane.log"
        if not log.exists():
            return "(no control plane's log)"
        return "".join(log.read_text().splitlines(keepends=True)[-40:])

    def status(self) -> dict[str, Any]:
        return json.loads(self.run("status", "-o", "json").stdout)

    def get(self, *what: str) -> dict[str, Any]:
        """Return an object, or a list of them, as the control plane has it."""
        done = self.run("get", *what, "-o", "json")
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    def inside(self, host: str, *argv: str, text: str = "") -> subprocess.CompletedProcess[str]:
        """Run a program in a host of the lab."""
        return self.run("exec", host, "--", *argv, text=text)

    def fetch(self, host: str, url: str, *options: str) -> str:
        """Return what a URL answers to curl in ``host``; empty when it does not within 2 s."""
        patience = f"{scaled(2):g}"
        return self.inside(host, "curl", "-sg", "--max-time", patience, *options, url).stdout

    def netns(self) -> list[str]:
        return sorted(name for name in namespaces() if name.startswith(f"netlab-{self.name}-"))

    def directory(self) -> Path:
        return run_directory() / "netlab" / self.name

    def log(self, pod: str) -> str:
        """Return what the first container of a pod has written, without the time of each line."""
        path = self.log_file(pod)
        lines = path.read_text().splitlines() if path.exists() else []
        return "".join(f"{line.split(' ', 3)[3]}\n" for line in lines)

    def log_file(self, pod: str) -> Path:
        """Return the log of the first run of a pod's first container."""
        found = self.get("pod", pod)
        container = found["spec"]["containers"][0]["name"]
        return self.directory() / "pods" / found["metadata"]["uid"] / container / "0.log"

    def processes(self) -> dict[str, int]:
        """Return the pids of the control plane and the processes it needs, by what they are."""
        titles = {pid: title_of(pid) for pid, owner in marked() if owner == self.name}
        kinds = ("control plane", "netns agent", "container runtime", "zygote")
        return {
            kind: pid
            for pid, title in titles.items()
            for kind in kinds
            if title.startswith(f"netlab {kind}")
        }


def wait_for(condition: Callable[[], Any], timeout_s: float = 10.0) -> Any:  # noqa: ANN401
    """Return the first true value of ``condition``, which must come within ``timeout_s``.

    It is stretched as netlab's own deadlines are: ``NETLAB_TIMEOUT_SCALE``.
    """
    timeout_s = scaled(timeout_s)
    deadline = time.monotonic() + timeout_s
    while not (value := condition()):
        assert time.monotonic() < deadline, f"not within {timeout_s:g} s"
        time.sleep(0.02)
    return value


def namespaces() -> set[str]:
    directory = run_directory() / "netns"
    return {path.name for path in directory.iterdir()} if directory.is_dir() else set()


def title_of(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode().strip()
    except (FileNotFoundError, ProcessLookupError):
        return ""


def marked() -> Iterator[tuple[int, str]]:
    """Yield every process that carries a lab's mark, and the lab."""
    for directory in Path("/proc").glob("[0-9]*"):
        try:
            entries = (directory / "environ").read_bytes().split(b"\0")
        except (FileNotFoundError, ProcessLookupError, PermissionError):
            continue
        for entry in entries:
            if entry.startswith(b"NETLAB_OWNER="):
                yield int(directory.name), entry.partition(b"=")[2].decode()


_made: set[str] = set()


def traces(labs: set[str]) -> dict[str, set[Any]]:
    """Return everything of the machine that belongs to one of ``labs``."""
    mounts = Path("/proc/self/mountinfo").read_text().splitlines()
    files = (run_directory() / "netlab").glob("*")
    words = {f"/run/netlab/{lab}/" for lab in labs} | {f"netlab-{lab}-" for lab in labs}
    return {
        "namespaces": {name for name in namespaces() if any(word in name for word in words)},
        "mounts": {line for line in mounts if any(word in line for word in words)},
        "processes": {(pid, title_of(pid)) for pid, lab in marked() if lab in labs},
        "files": {path.name for path in files if path.name.strip(".").split(".")[0] in labs},
    }


def _is_ours(directory: Path) -> bool:
    """Return whether a process was started by this run of the tests, or lives in a pod of it.

    A container's processes may have an environment of their own; their root is called as the lab.
    """
    if RUN_MARK in (directory / "environ").read_bytes().split(b"\0"):
        return True
    mounts = (directory / "mountinfo").read_text()
    return any(f" tmpfs netlab-{lab} " in mounts for lab in _made)


def _lost_processes() -> set[int]:
    """Return this run's processes that live in a network namespace that lost its name."""
    named = set()
    run = run_directory()
    for path in (*(run / "netns").glob("*"), run / "netlab.netns"):
        # Others' namespaces come and go meanwhile; root has none to work from.
        with contextlib.suppress(FileNotFoundError):
            named.add(path.stat().st_ino)
    named.add(Path("/proc/self/ns/net").stat().st_ino)
    found = set()
    for directory in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(FileNotFoundError, ProcessLookupError, PermissionError):
            if (directory / "ns/net").stat().st_ino not in named and _is_ours(directory):
                found.add(int(directory.name))
    return found


def _check_nothing_left(labs: set[str], lost_before: set[int]) -> None:
    deadline = time.monotonic() + 3
    while (found := traces(labs)) != traces(set()) or not _lost_processes() <= lost_before:
        if time.monotonic() > deadline:
            break
        time.sleep(0.05)
    assert found == traces(set())
    assert not _lost_processes() - lost_before


@pytest.fixture(scope="module")
def make_lab() -> Iterator[Callable[[], Lab]]:
    """Return a maker of labs with names of their own, which go at the module's end."""
    labs: list[Lab] = []

    def make() -> Lab:
        lab = Lab(f"{PREFIX}{RUN}{next(_numbers):03}")
        _made.add(lab.name)
        labs.append(lab)
        return lab

    yield make
    for lab in labs:
        _remove(lab)


@pytest.fixture
def lab(make_lab: Callable[[], Lab]) -> Iterator[Lab]:
    """Return a lab that is not up yet and goes with the test."""
    made = make_lab()
    yield made
    _remove(made)


def _remove(lab: Lab) -> None:
    if traces({lab.name}) != traces(set()):
        lab.down()


@pytest.fixture(autouse=True)
def nothing_left() -> Iterator[None]:
    """Have each test leave nothing of the labs that it made."""
    made, lost = set(_made), _lost_processes()
    yield
    _check_nothing_left(_made - made, lost)


@pytest.fixture(scope="module", autouse=True)
def host_untouched() -> Iterator[None]:
    """Have each module leave the machine's own network as it was, and no trace of a lab."""
    if not is_root():
        yield
        return
    before, lost = host_network(), _lost_processes()
    yield
    _check_nothing_left(_made, lost)
    assert host_network() == before


def host_network() -> dict[str, Any]:
    """Return what the machine's own network consists of, without what changes by itself."""
    return {
        "links": [_steady(link) for link in _ip("-d", "link")],
        "addresses": [_steady(link) for link in _ip("addr")],
        "routes": [_steady(one) for one in _ip("route", "show", "table", "all")],
        "routes6": [_steady(one) for one in _ip("-6", "route", "show", "table", "all")],
        "rules": _ip("rule") + _ip("-6", "rule"),
        "neighbours": [_neighbour(one) for one in _ip("neigh") if _is_telling(one)],
        "nft": _output("nft", "--stateless", "list", "ruleset") if shutil.which("nft") else "",
        "legacy": _legacy_tables(),
    }


def _ip(*argv: str) -> list[dict[str, Any]]:
    return json.loads(_output("ip", "-j", *argv) or "[]")


def _output(*argv: str) -> str:
    return subprocess.run(argv, capture_output=True, text=True, check=True).stdout


def _steady(value: dict[str, Any]) -> dict[str, Any]:
    """Leave out how long an address or a route of DHCP's or a router's is still valid."""
    ticking = {"valid_life_time", "preferred_life_time", "expires"}
    return {
        key: [_steady(one) for one in inner] if key == "addr_info" else inner
        for key, inner in value.items()
        if key not in ticking
    }


def _is_telling(neighbour: dict[str, Any]) -> bool:
    """Whether it was put there, or is a lab's; the kernel learns and forgets the others."""
    address = ip_address(neighbour["dst"])
    return "PERMANENT" in neighbour.get("state", ()) or any(address in one for one in LAB_NETWORKS)


def _neighbour(found: dict[str, Any]) -> tuple[str, str, str]:
    return found["dst"], found["dev"], found.get("lladdr", "")


def _legacy_tables() -> dict[str, str]:
    """Return the names of legacy tables; to list a table's rules would make it.

    The files come with the modules, which the first lab of iptables-legacy loads. Linux 5.10 makes
    each table in the machine's own namespace when its module loads, as later kernels do not.
    """
    if KERNEL < (6, 1):
        return {}
    files = Path("/proc/net").glob("ip*_tables_names")
    return {path.name: path.read_text() for path in files if path.read_text()}


def sysctls() -> dict[str, str]:
    """Return every setting of the machine's network that can be read."""
    found = {}
    for path in Path("/proc/sys/net").rglob("*"):
        try:
            found[str(path)] = path.read_text()
        except OSError:
            # A directory, a setting that is for writing only, or a device that has just gone.
            continue
    return {name: value for name, value in found.items() if not name.endswith("conntrack_count")}
