"""kube-proxy's nftables tables in and out of namespaces, through ``nft``.

One text is one transaction: the kernel takes all of it or nothing.
"""

import os
import re
import shutil
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from netlab.errors import HostError
from netlab.kernel.netns import inside
from netlab.kernel.nft_looks import has_table
from netlab.model.addresses import Family
from netlab.model.names import NetnsFamily, NetnsName
from netlab.proxy.nftables.table import ip

_COMPLAINT: Final = re.compile(r"^/dev/stdin:(\d+):[\d-]+: (?=Error)", re.MULTILINE)
_PATH: Final = os.pathsep.join(["/usr/sbin", "/sbin", "/usr/bin", "/bin"])


def load(texts: Mapping[NetnsFamily, str]) -> dict[NetnsFamily, str]:
    """Carry out commands in several namespaces, side by side, one transaction each.

    Returns:
        Why, for each place that refused its text: nft's first complaint, with the line at
        fault.

    Raises:
        HostError: nft is not installed.
    """
    argv = [program(), "-f", "-"]
    running = {}
    for place, text in texts.items():
        with inside(place.netns):
            running[place] = subprocess.Popen(
                argv, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                text=True,
            )  # fmt: skip
        stdin = running[place].stdin
        if stdin is not None:
            # nft reads all of its text before it acts, so the next is started meanwhile.
            _write(stdin.fileno(), text.encode())
            stdin.close()
            running[place].stdin = None
    complaints = {place: process.communicate()[1] for place, process in running.items()}
    return {
        place: first_complaint(complaints[place])
        for place, process in running.items()
        if process.returncode != 0
    }


def first_complaint(stderr: str) -> str:
    """Return the first of nft's complaints; what one line spoils, it says again of later ones."""
    begins = list(_COMPLAINT.finditer(stderr))
    if not begins:
        return stderr.strip()
    end = begins[1].start() if len(begins) > 1 else len(stderr)
    first, *quoted = stderr[begins[0].end() : end].strip().splitlines()
    lines = [f"line {begins[0][1]}: {first}", *(f"  {line}" for line in quoted[:1])]
    if len(begins) > 1:
        more = len(begins) - 1
        lines.append(f"(and {more} complaint{'s' if more > 1 else ''} more)")
    return "\n".join(lines)


def list_table(
    names: Iterable[NetnsName], family: Family, table: str, *, handles: bool = False
) -> dict[NetnsName, str]:
    """Return what ``nft list table`` prints in each namespace; empty where there is no such table.

    Args:
        names: The namespaces.
        family: The table's.
        table: Its name.
        handles: Have the kernel's number of each rule printed too.

    Raises:
        HostError: nft is not installed, or its listing failed.
    """
    arguments = [*(["-a"] if handles else []), "list", "table", ip(family), table]
    return {
        netns: _run(netns, arguments) if has_table(netns, family, table) else "" for netns in names
    }


def save(names: Iterable[NetnsName]) -> dict[NetnsName, str]:
    """Return what ``nft list ruleset`` prints in each namespace, with counters.

    Raises:
        HostError: nft is not installed, or its listing failed.
    """
    return {netns: _run(netns, ["list", "ruleset"]) for netns in names}


def _run(netns: NetnsName, arguments: Sequence[str]) -> str:
    argv = [program(), *arguments]
    with inside(netns):
        done = subprocess.run(argv, capture_output=True, text=True, check=False)
    if done.returncode:
        raise HostError(f"nft {' '.join(arguments)} in {netns}: {done.stderr.strip()}")
    return done.stdout


def program() -> str:
    """Return the path of nft; a plain user's PATH lacks /usr/sbin.

    Raises:
        HostError: It is not installed.
    """
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
