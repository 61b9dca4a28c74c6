"""A systemd scope around processes that outlive the command that starts them.

The first process of a pid namespace hears no signal that it has no handler for, and so holds a
machine's shutdown up for systemd's usual 90 s. In a scope of its own that is seconds; and a session
that ends takes its own scope along, not this one.
"""

import os
import shutil
import socket
import subprocess
from pathlib import Path
from typing import Final

PRIVATE_SOCKET: Final = Path("/run/systemd/private")
"""Where the first process of the machine hears root."""
_STOP_S: Final = 5
_ANSWER_S: Final = 2.0


def scope_command(name: str, private_socket: Path = PRIVATE_SOCKET) -> list[str]:
    """Return what to put before a command, so that its processes are in a scope of their own.

    Args:
        name: The scope's begins with it.
        private_socket: Of systemd.

    Returns:
        Nothing where systemd does not run this machine. Else ``systemd-run``, which becomes the
        command: it keeps its pid and its environment.
    """
    program = shutil.which("systemd-run")
    if program is None or not _listens(private_socket):
        return []
    # A lab's pods may outlive its control plane, and so does their scope; the pid makes a new name.
    return [
        program,
        "--scope",
        "--quiet",
        "--collect",
        f"--unit={name}-{os.getpid()}",
        f"--property=TimeoutStopSec={_STOP_S}",
        "--",
    ]


def machine_is_stopping() -> bool:
    """Return whether systemd is shutting this machine down, or about to start it anew."""
    program = shutil.which("systemctl")
    if program is None:
        return False
    try:
        said = subprocess.run(
            [program, "is-system-running"],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=_ANSWER_S,
        )
    except subprocess.TimeoutExpired:
        return False
    return said.stdout.strip() == "stopping"


def _listens(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as opened:
        return opened.connect_ex(str(path)) == 0
