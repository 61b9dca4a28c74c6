"""How much may wait in a pipe."""

import contextlib
import fcntl


def enlarge(descriptor: int, size: int) -> None:
    """Have room for ``size`` bytes in a pipe, where its user may have as much.

    All pipes of an ordinary user together have fs.pipe-user-pages-soft; beyond that one stays as
    small as it is.
    """
    with contextlib.suppress(PermissionError):
        fcntl.fcntl(descriptor, fcntl.F_SETPIPE_SZ, size)
