"""A program of its own that runs another in a container, for ``netlab exec`` and ``netlab shell``.

What runs another program in a container is for a moment a process of that container, so it is a
bare interpreter that was executed through a read-only mount: see ``netlab.linux.read_only``.
"""

import json
import os
import signal
from collections.abc import Sequence
from typing import Any

from netlab.kubelet.runtime.container import Process
from netlab.kubelet.runtime.exec import NAMESPACES, enter
from netlab.kubelet.runtime.init import Confinement, Sent, become, begin, confinement, execute
from netlab.linux import terminal
from netlab.linux.exit_codes import exit_code_of
from netlab.linux.namespaces import setns
from netlab.linux.syscalls import CLONE_NEWPID


def main(argv: Sequence[str]) -> None:
    """Run a program in a container, and exit as it does.

    Args:
        argv: What to run and in which namespaces, as JSON.
    """
    order = json.loads(argv[0])
    namespaces = order["descriptors"][: len(NAMESPACES)]
    sent = Sent(file=-1, writer=-1, cgroups=order["descriptors"][len(NAMESPACES) :], others=())
    held_by = confinement()
    has_terminal = terminal.is_wanted()
    setns(namespaces[-1], CLONE_NEWPID)
    enter(namespaces)
    pid, other_end = terminal.fork() if has_terminal else (os.fork(), None)
    if pid == 0:
        begin(sent)
        _run(order, held_by)
    # The terminal's Ctrl-C is for the program.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if other_end is not None:
        terminal.carry(other_end)
    code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    raise SystemExit(code if code >= 0 else 128 - code)


def _run(order: dict[str, Any], held_by: Confinement) -> None:
    process = Process(
        argv=tuple(order["argv"]),
        env=order["env"],
        working_directory="/",
        uid=order["uid"],
        gid=order["gid"],
        groups=tuple(order["groups"]),
        capabilities=order["capabilities"],
    )
    try:
        become(process, held_by)
        for descriptor in order["descriptors"]:
            os.close(descriptor)
        execute(process)
    except OSError as error:
        os.write(2, f"Error: {process.argv[0]}: {error.strerror or error}\n".encode())
        os._exit(exit_code_of(error))
