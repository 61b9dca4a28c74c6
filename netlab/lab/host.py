"""The machine that labs run on."""

import os
import shlex
import sys

from netlab.errors import HostError


def require_root() -> None:
    """Make sure that the caller is root.

    Raises:
        HostError: It is not; the hint is the command to type instead.
    """
    if os.geteuid() != 0:
        raise HostError(
            "network namespaces need root",
            hint=f"type: sudo {shlex.join(['netlab', *sys.argv[1:]])}",
        )
