"""Files that a command writes when its work is done, and whose names it looks at before.

Looking changes nothing: a file that is there keeps its content until there is a new one, and no
empty file is left by a command that failed or was killed.
"""

import errno
import os
import sys
from pathlib import Path
from typing import Final

from netlab.errors import HostError
from netlab.render.printable import printable

STDOUT: Final = "-"


def why_not(name: str) -> str:
    """Return why a file cannot be written, in the system's words; empty when it can.

    Args:
        name: A path, or ``-`` for standard output.
    """
    path = Path(name)
    if name == STDOUT:
        return ""
    if path.is_dir():
        return os.strerror(errno.EISDIR)
    place = path if path.exists() else path.parent
    if not place.exists():
        return os.strerror(errno.ENOENT)
    if place is not path and not place.is_dir():
        return os.strerror(errno.ENOTDIR)
    return "" if os.access(place, os.W_OK) else f"{os.strerror(errno.EACCES)}: {place}"


def write_file(name: str, text: str) -> str:
    """Write a file; return a sentence about it, none for standard output.

    Raises:
        HostError: The system did not take it.
    """
    if name == STDOUT:
        sys.stdout.write(text)
        return ""
    content = text.encode()
    try:
        Path(name).write_bytes(content)
    except OSError as error:
        raise HostError(f"{printable(name)}: {error.strerror}") from error
    size = len(content)
    told = f"{size} bytes" if size < 1000 else f"{size / 1000:.0f} kB"
    return f"wrote {printable(name)} ({told})"
