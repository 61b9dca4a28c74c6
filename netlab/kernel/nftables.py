"""kube-proxy's nftables tables in and out of namespaces, through ``nft``.

One text is one transaction: the kernel takes all of it or nothing.
"""

import json
import os
import shutil
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from netlab.errors import HostError
from netlab.kernel.netns import inside
from netlab.model.names import NetnsName

_PATH: Final = os.pathsep.join(["/usr/sbin", "/sbin", "/usr/bin", "/bin"])


@dataclass(frozen=True, slots=True, kw_only=True)
class Holdings:
    """Names in one table; all empty when there is no such table."""

    chains: frozenset[str] = frozenset()
    sets: frozenset[str] = frozenset()
    """Sets and maps."""


def load(texts: Mapping[NetnsName, str]) -> dict[NetnsName, str]:
    """Carry out commands in several namespaces, side by side, one transaction each.

    Returns:
        Why, for each namespace that refused its text: nft's words, with the line at fault.

    Raises:
        HostError: nft is not installed.
    """
    argv = [_nft(), "-f", "-"]
    running = {}
    for netns, text in texts.items():
        with inside(netns):
            running[netns] = subprocess.Popen(
                argv, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                text=True,
            )  # fmt: skip
        stdin = running[netns].stdin
        if stdin is not None:
            # nft reads all of its text before it acts, so the next is started meanwhile.
            _write(stdin.fileno(), text.encode())
            stdin.close()
            running[netns].stdin = None
    complaints = {netns: process.communicate()[1] for netns, process in running.items()}
    return {
        netns: complaints[netns].strip()
        for netns, process in running.items()
        if process.returncode != 0
    }


def save(names: Iterable[NetnsName]) -> dict[NetnsName, str]:
    """Return what ``nft list ruleset`` prints in each namespace, with counters.

    Raises:
        HostError: nft is not installed, or its listing failed.
    """
    return {netns: _run(netns, ["list", "ruleset"]) for netns in names}


def read_holdings(names: Iterable[NetnsName], family: str, table: str) -> dict[NetnsName, Holdings]:
    """Return what each namespace has in one table, by name alone.

    Args:
        names: The namespaces.
        family: ``ip`` or ``ip6``.
        table: Its name.

    Raises:
        HostError: nft is not installed, or its listing failed.
    """
    return {
        netns: Holdings(
            chains=_listed(netns, ["chains"], family, table),
            sets=_listed(netns, ["sets", "maps"], family, table),
        )
        for netns in names
    }


def _listed(netns: NetnsName, kinds: Sequence[str], family: str, table: str) -> frozenset[str]:
    """Return names of objects; a listing of a whole family does not fail where no table is."""
    found = set()
    for kind in kinds:
        listing = json.loads(_run(netns, ["-j", "-t", "list", kind, family]))
        for entry in listing["nftables"]:
            listed = entry.get(kind.removesuffix("s"))
            if listed is not None and listed["table"] == table:
                found.add(listed["name"])
    return frozenset(found)


def _run(netns: NetnsName, arguments: Sequence[str]) -> str:
    argv = [_nft(), *arguments]
    with inside(netns):
        done = subprocess.run(argv, capture_output=True, text=True, check=False)
    if done.returncode:
        raise HostError(f"nft {' '.join(arguments)} in {netns}: {done.stderr.strip()}")
    return done.stdout


def _nft() -> str:
    """Return the path of nft; a plain user's PATH lacks /usr/sbin."""
    path = shutil.which("nft") or shutil.which("nft", path=_PATH)
    if path is None:
        raise HostError("nft is not installed", hint="apt-get install nftables")
    return path


def _write(descriptor: int, content: bytes) -> None:
    view = memoryview(content)
    try:
        while view:
            view = view[os.write(descriptor, view) :]
    except BrokenPipeError:
        # The program gave up early; its exit code and its words tell why.
        return
