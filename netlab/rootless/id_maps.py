"""Which user and group IDs the user's namespace has, and how it comes by them.

With one ID the kernel lets the user do it alone: the user's own ID is 0 inside. Further ones, the
subordinate IDs that /etc/subuid and /etc/subgid give the user, are root's to hand out; newuidmap(1)
and newgidmap(1) do that.

Source: user_namespaces(7), subuid(5).
"""

import os
import pwd
import shutil
import subprocess
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_FILES: Final = {"newuidmap": Path("/etc/subuid"), "newgidmap": Path("/etc/subgid")}

Range = tuple[int, int]
"""The first ID and how many."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SubordinateIds:
    """What /etc/subuid and /etc/subgid give the user."""

    uids: tuple[Range, ...]
    gids: tuple[Range, ...]


def subordinate_ids() -> SubordinateIds | None:
    """Return the calling user's subordinate IDs; None where there are none that can be had."""
    if not all(map(shutil.which, _FILES)):
        return None
    uid = os.geteuid()
    names = {str(uid)}
    # In a container a user may be a number alone.
    with suppress(KeyError):
        names.add(pwd.getpwuid(uid).pw_name)
    uids, gids = (_ranges(path, names) for path in _FILES.values())
    return SubordinateIds(uids=uids, gids=gids) if uids and gids else None


def _ranges(path: Path, names: set[str]) -> tuple[Range, ...]:
    try:
        lines = path.read_text().splitlines()
    except OSError:
        return ()
    entries = [line.split(":") for line in lines if not line.startswith("#")]
    return tuple(
        (int(words[1]), int(words[2]))
        for words in entries
        if len(words) == 3 and words[0] in names and words[1].isdigit() and words[2].isdigit()
    )


def map_ids(pid: int, ids: SubordinateIds | None) -> str:
    """Give the user namespace of a process its IDs.

    Args:
        pid: Of a process in a user namespace that the caller's user has just made.
        ids: What it gets beside the user's own; None for nothing.

    Returns:
        Why newuidmap or newgidmap refused; empty when they did not.

    Raises:
        OSError: The kernel refused.
    """
    uid, gid = os.geteuid(), os.getegid()
    if ids is None:
        directory = Path(f"/proc/{pid}")
        (directory / "setgroups").write_text("deny")
        (directory / "uid_map").write_text(f"0 {uid} 1")
        (directory / "gid_map").write_text(f"0 {gid} 1")
        return ""
    for program, own, ranges in (("newuidmap", uid, ids.uids), ("newgidmap", gid, ids.gids)):
        words = map_of(own, ranges)
        done = subprocess.run(
            [program, str(pid), *map(str, words)], capture_output=True, text=True, check=False
        )
        if done.returncode:
            return done.stderr.strip() or f"{program} ended with exit code {done.returncode}"
    return ""


def map_of(own: int, ranges: tuple[Range, ...]) -> list[int]:
    """Return triples of an ID inside, one outside, and how many.

    >>> map_of(1000, ((100000, 65536),))
    [0, 1000, 1, 1, 100000, 65536]
    """
    words = [0, own, 1]
    inside = 1
    for first, count in ranges:
        words += [inside, first, count]
        inside += count
    return words
