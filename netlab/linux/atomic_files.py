"""Files that change at once.

A reader finds the old content or the new, and so does whoever comes after a writer that was killed.
"""

import os
from pathlib import Path


def write_file(
    path: Path, content: bytes, *, mode: int = 0o644, owner: tuple[int, int] | None = None
) -> None:
    """Put a file in the place of what is at ``path``.

    Args:
        path: Where; its directory is there.
        content: Of the file.
        mode: Its permissions.
        owner: Its user and group; by default the caller's.

    Raises:
        OSError: The kernel refused.
    """
    new = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, mode)
    with os.fdopen(descriptor, "wb") as file:
        if owner is not None:
            os.fchown(descriptor, *owner)
        file.write(content)
    new.replace(path)
