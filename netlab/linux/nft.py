"""kube-proxy's nftables tables in and out of namespaces, through ``nft``.

One text is one transaction: the kernel takes all of it or nothing.
"""

import os
import re
import shutil
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack
from typing import Final

from netlab.errors import HostError
from netlab.linux.netns import inside
from netlab.linux.nftables_query import has_table
from netlab.model.addresses import Family
from netlab.model.names import NetnsFamily, NetnsName
from netlab.netfilter.nftables.families import ip

_COMPLAINT: Final = re.compile(r"^/dev/stdin:(\d+):[\d-]+: (?=Error)", re.MULTILINE)
_PATH: Final = os.pathsep.join(["/usr/sbin", "/sbin", "/usr/bin", "/bin"])


def load(texts: Mapping[NetnsFamily, str]) -> dict[NetnsFamily, str]:
    """Carry out commands in several namespaces, side by side, one transaction each.

    Returns:
        Why, for each ruleset that refused its text: nft's first complaint, with the line at
        fault.

    Raises:
        HostError: nft is not installed.
    """
    argv = [program(), "-f", "-"]
    running = {}
    for key, text in texts.items():
        with inside(key.netns):
            running[key] = subprocess.Popen(
                argv, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                text=True,
            )  # fmt: skip
        stdin = running[key].stdin
        if stdin is not None:
            # nft reads all of its text before it acts, so the next is started meanwhile.
            _write(stdin.fileno(), text.encode())
            stdin.close()
            running[key].stdin = None
    complaints = {key: process.communicate()[1] for key, process in running.items()}
    return {
        key: first_complaint(complaints[key])
        for key, process in running.items()
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
    texts = dict.fromkeys(names, "")
    return texts | _print([netns for netns in texts if has_table(netns, family, table)], arguments)


def save(names: Iterable[NetnsName]) -> dict[NetnsName, str]:
    """Return what ``nft list ruleset`` prints in each namespace, with counters.

    Raises:
        HostError: nft is not installed, or its listing failed.
    """
    return _print(names, ["list", "ruleset"])


def _print(names: Iterable[NetnsName], arguments: Sequence[str]) -> dict[NetnsName, str]:
    """Return what ``nft`` prints in each namespace; they print side by side."""
    running = {}
    with ExitStack() as stack:
        for netns in names:
            with inside(netns):
                process = subprocess.Popen(
                    [program(), *arguments],
                    stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                )  # fmt: skip
            running[netns] = stack.enter_context(process)
        texts = {netns: process.communicate() for netns, process in running.items()}
    for netns, process in running.items():
        if process.returncode:
            raise HostError(f"nft {' '.join(arguments)} in {netns}: {texts[netns][1].strip()}")
    return {netns: text for netns, (text, _) in texts.items()}


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
