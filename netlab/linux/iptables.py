"""Rules in and out of namespaces, through ``iptables-restore`` and ``iptables-save``.

For IPv6 it is their twins, ``ip6tables-restore`` and ``ip6tables-save``. The text is the documented
interface and what the reader of a lab must learn; a restore is atomic for each table. Both back
ends print and take the same text, so whichever the host's ``iptables-restore`` is serves.
"""

import os
import shutil
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Final

from netlab.errors import HostError
from netlab.linux.netns import inside
from netlab.model.addresses import Family
from netlab.model.names import NetnsFamily, NetnsName

_TOOLS: Final = {Family.IPV4: "iptables", Family.IPV6: "ip6tables"}
_IPV6: Final = Path("/proc/sys/net/ipv6")
_WAIT: Final = "5"
"""Seconds to wait for another program that holds the xtables lock."""
_PATH: Final = os.pathsep.join(["/usr/sbin", "/sbin", "/usr/bin", "/bin"])


def program(name: str) -> str:
    """Return the path of one of iptables' programs; a plain user's PATH lacks /usr/sbin.

    Raises:
        HostError: It is not installed.
    """
    path = shutil.which(name) or shutil.which(name, path=_PATH)
    if path is None:
        raise HostError(f"{name} is not installed", hint="apt-get install iptables")
    return path


def families() -> tuple[Family, ...]:
    """Return the address families of this kernel, which may have been started without IPv6."""
    return tuple(Family) if _IPV6.exists() else (Family.IPV4,)


def require(family: Family) -> None:
    """Make sure that rules of a family can be loaded and read.

    Raises:
        HostError: iptables is not installed.
    """
    for verb in ("restore", "save"):
        program(f"{_TOOLS[family]}-{verb}")


def restore(texts: Mapping[NetnsFamily, str]) -> dict[NetnsFamily, str]:
    """Load rules into several namespaces, side by side; what is there stays (``--noflush``).

    Returns:
        Why, for each ruleset that refused its rules: the program's words and the line at fault.

    Raises:
        HostError: iptables is not installed.
    """
    running = {}
    for key, text in texts.items():
        restoring = program(f"{_TOOLS[key.family]}-restore")
        argv = [restoring, "--noflush", "--counters", "-w", _WAIT]
        with inside(key.netns):
            running[key] = subprocess.Popen(
                argv, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                text=True,
            )  # fmt: skip
        stdin = running[key].stdin
        if stdin is not None:
            # The kernel is busy with this one while the next is started.
            _write(stdin.fileno(), text.encode(errors="surrogateescape"))
            stdin.close()
            running[key].stdin = None
    return {
        key: _reason(process.communicate()[1], texts[key])
        for key, process in running.items()
        if process.wait() != 0
    }


def save(
    names: Iterable[NetnsName],
    family: Family = Family.IPV4,
    *,
    counters: bool = False,
    backend: str = "",
) -> dict[NetnsName, str]:
    """Return what ``iptables-save``, or ``ip6tables-save``, prints in each namespace.

    They print side by side.

    Args:
        names: Of the namespaces.
        family: Of the rules.
        counters: With the counters of each rule.
        backend: ``nft`` or ``legacy``, whichever the host's iptables is; empty for the host's.

    Raises:
        HostError: iptables, or that back end of it, is not installed, or its listing failed.
    """
    tool = _TOOLS[family]
    name = f"{tool}-{backend}-save" if backend else f"{tool}-save"
    argv = [program(name), *(["-c"] if counters else [])]
    running = {}
    with ExitStack() as stack:
        for netns in names:
            with inside(netns):
                # A comment of the user's may be any bytes.
                process = subprocess.Popen(
                    argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                    text=True, errors="surrogateescape",
                )  # fmt: skip
            running[netns] = stack.enter_context(process)
        texts = {netns: process.communicate() for netns, process in running.items()}
    for netns, process in running.items():
        if process.returncode:
            raise HostError(f"{name} in {netns}: {texts[netns][1].strip()}")
    return {netns: text for netns, (text, _) in texts.items()}


def lacking(
    keys: Iterable[NetnsFamily], chains: Sequence[tuple[str, str]]
) -> frozenset[NetnsFamily]:
    """Return the rulesets that lack one of ``chains`` (table and name), or are gone.

    Raises:
        HostError: iptables is not installed.
    """
    found = set()
    for key in keys:
        iptables = program(_TOOLS[key.family])
        try:
            with inside(key.netns):
                looks = [
                    subprocess.Popen(
                        [iptables, "-w", _WAIT, "-t", table, "-S", chain],
                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                    )
                    for table, chain in chains
                ]  # fmt: skip
        except FileNotFoundError:
            found.add(key)
            continue
        codes = [look.wait() for look in looks]
        if any(codes):
            found.add(key)
    return frozenset(found)


def _write(descriptor: int, content: bytes) -> None:
    view = memoryview(content)
    try:
        while view:
            view = view[os.write(descriptor, view) :]
    except BrokenPipeError:
        # The program gave up early; its exit code and its words tell why.
        return


def _reason(stderr: str, text: str) -> str:
    words = stderr.strip()
    lines = text.splitlines()
    for word in words.replace(".", " ").split():
        if word.isdigit() and 0 < int(word) <= len(lines):
            return f"{words}\n  line {word}: {lines[int(word) - 1]}"
    return words
