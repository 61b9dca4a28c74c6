"""Unix sockets, as the kernel lists them."""

import os
from pathlib import Path
from typing import Final

_LISTENS: Final = 0x10000
"""__SO_ACCEPTCON in the flags of a line."""


def is_listening(pid: int, path: Path) -> bool:
    """Return whether a process listens on a socket that it bound to ``path``; False without it.

    The kernel knows a socket by the name it was bound to, wherever its file is by now. Another
    process may have one of the same name, where its mount namespace is another.
    """
    listening = _listening(path)
    directory = f"/proc/{pid}/fd"
    try:
        descriptors = os.listdir(directory)  # noqa: PTH208 (names alone)
    except OSError:
        return False
    for descriptor in descriptors:
        try:
            if os.readlink(f"{directory}/{descriptor}") in listening:  # noqa: PTH115 (no file's name)
                return True
        except OSError:
            # It was closed meanwhile.
            continue
    return False


def _listening(path: Path) -> set[str]:
    """Return the sockets bound to ``path`` that listen, as links in /proc/PID/fd name them."""
    found = set()
    for line in Path("/proc/net/unix").read_text(errors="replace").splitlines()[1:]:
        fields = line.split(maxsplit=7)
        if len(fields) == 8 and fields[7] == str(path) and int(fields[3], 16) & _LISTENS:
            found.add(f"socket:[{fields[6]}]")
    return found
