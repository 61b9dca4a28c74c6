"""Unix sockets, as the kernel lists them."""

from pathlib import Path
from typing import Final

_LISTENS: Final = 0x10000
"""__SO_ACCEPTCON in the flags of a line."""


def is_listening(path: Path) -> bool:
    """Return whether a process of this network namespace listens on a socket bound to ``path``.

    The kernel knows a socket by the name it was bound to, wherever its file is by now.
    """
    for line in Path("/proc/net/unix").read_text(errors="replace").splitlines()[1:]:
        fields = line.split(maxsplit=7)
        if len(fields) == 8 and fields[7] == str(path) and int(fields[3], 16) & _LISTENS:
            return True
    return False
