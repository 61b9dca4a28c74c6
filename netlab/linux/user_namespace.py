"""What the user namespace of the calling process lets it be: which user and group IDs there are.

In the machine's own user namespace there are all of them. In one that an ordinary user has made
there is the user's own, as 0, and with newuidmap(1) the subordinate ones of /etc/subuid as well.

Source: user_namespaces(7).
"""

import os
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Final

_ALL: Final = 0xFFFF_FFFF
_SELF: Final = Path("/proc/self")


@cache
def is_initial() -> bool:
    """Return whether the calling process is in a user namespace that has every ID."""
    return sum(_sizes("uid_map")) == _ALL


@cache
def has_one_id() -> bool:
    """Return whether there is one user ID only, so that nobody can be anybody else."""
    return sum(_sizes("uid_map")) == 1


def require_ids(uid: int, gid: int, groups: Iterable[int]) -> None:
    """Make sure that a process can be this user, in these groups.

    Raises:
        OSError: There is no such ID here; it is a sentence.
    """
    if is_initial():
        return
    if not _is_mapped("uid_map", uid):
        raise _unmapped(f"user ID {uid}")
    for group in (gid, *groups):
        if not _is_mapped("gid_map", group):
            raise _unmapped(f"group ID {group}")
    if tuple(groups) and not may_set_groups():
        raise _unmapped("supplementary groups")


def may_set_groups() -> bool:
    """Return whether a process may give up its supplementary groups or take others."""
    try:
        return (_SELF / "setgroups").read_text().strip() == "allow"
    except FileNotFoundError:
        return True


def set_groups(groups: Iterable[int]) -> None:
    """Set the supplementary groups of the calling process, where a process may.

    Elsewhere it keeps those of the user who made the user namespace: they say nothing inside it,
    and cannot be given up (setgroups(2), "deny").

    Raises:
        OSError: The kernel refused.
    """
    try:
        os.setgroups(list(groups))
    except PermissionError:
        if may_set_groups():
            raise


def _unmapped(what: str) -> OSError:
    return OSError(
        f"there is no {what} in this lab: an ordinary user's lab has the IDs that /etc/subuid and "
        "/etc/subgid give the user, with newuidmap (netlab doctor)",
    )


def _sizes(name: str) -> list[int]:
    return [size for _, size in _ranges(name)]


@cache
def _ranges(name: str) -> tuple[tuple[int, int], ...]:
    """Return the IDs that there are: the first of each range, and how many."""
    lines = (_SELF / name).read_text().splitlines()
    return tuple((int(words[0]), int(words[2])) for words in map(str.split, lines))


def _is_mapped(name: str, number: int) -> bool:
    return any(first <= number < first + size for first, size in _ranges(name))
