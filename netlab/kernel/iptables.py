"""Rules in and out of namespaces, through ``iptables-restore`` and ``iptables-save``.

The text is the documented interface and what the reader of a lab must learn; a restore is atomic
for each table. Both back ends print and take the same text, so whichever the host's
``iptables-restore`` is serves.
"""

import os
import shutil
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from netlab.errors import HostError
from netlab.kernel.netns import inside
from netlab.model.names import NetnsName

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


def restore(texts: Mapping[NetnsName, str]) -> dict[NetnsName, str]:
    """Load rules into several namespaces, side by side; what is there stays (``--noflush``).

    Returns:
        Why, for each namespace that refused its rules: the program's words and the line at fault.

    Raises:
        HostError: iptables is not installed.
    """
    argv = [program("iptables-restore"), "--noflush", "--counters", "-w", _WAIT]
    running = {}
    for netns, text in texts.items():
        with inside(netns):
            running[netns] = subprocess.Popen(
                argv, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                text=True,
            )  # fmt: skip
        stdin = running[netns].stdin
        if stdin is not None:
            # The kernel is busy with this one while the next is started.
            _write(stdin.fileno(), text.encode(errors="surrogateescape"))
            stdin.close()
            running[netns].stdin = None
    return {
        netns: _reason(process.communicate()[1], texts[netns])
        for netns, process in running.items()
        if process.wait() != 0
    }


def save(
    names: Iterable[NetnsName], *, counters: bool = False, backend: str = ""
) -> dict[NetnsName, str]:
    """Return what ``iptables-save`` prints in each namespace.

    Args:
        names: Of the namespaces.
        counters: With the counters of each rule.
        backend: ``nft`` or ``legacy``, whichever the host's iptables is; empty for the host's.

    Raises:
        HostError: iptables, or that back end of it, is not installed, or its listing failed.
    """
    name = f"iptables-{backend}-save" if backend else "iptables-save"
    argv = [program(name), *(["-c"] if counters else [])]
    texts = {}
    for netns in names:
        with inside(netns):
            # A comment of the user's may be any bytes.
            done = subprocess.run(
                argv, capture_output=True, text=True, errors="surrogateescape", check=False
            )
        if done.returncode:
            raise HostError(f"iptables-save in {netns}: {done.stderr.strip()}")
        texts[netns] = done.stdout
    return texts


def lacking(names: Iterable[NetnsName], chains: Sequence[tuple[str, str]]) -> frozenset[NetnsName]:
    """Return the namespaces that lack one of ``chains`` (table and name), or are gone.

    Raises:
        HostError: iptables is not installed.
    """
    iptables = program("iptables")
    found = set()
    for netns in names:
        try:
            with inside(netns):
                looks = [
                    subprocess.Popen(
                        [iptables, "-w", _WAIT, "-t", table, "-S", chain],
                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                    )
                    for table, chain in chains
                ]  # fmt: skip
        except FileNotFoundError:
            found.add(netns)
            continue
        codes = [look.wait() for look in looks]
        if any(codes):
            found.add(netns)
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
