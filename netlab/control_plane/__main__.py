"""A lab's control plane as a process: ``python -m netlab.control_plane LAB``; ``up`` starts it.

Its two children are forked before the rest is imported: they need little of it, and the container
runtime begins at once to build what containers are made from. So nothing that the control plane
imports enters a namespace: that is theirs alone.
"""

import contextlib
import gc
import os
import signal
import sys

from netlab.kubelet.runtime import container_runtime
from netlab.model import rundir
from netlab.netns_agent import agent


def main(lab: str) -> None:
    """Run the control plane of ``lab`` until it is killed."""
    # The bytecode that root's Python leaves is for every user to read: without it each of their
    # commands would compile netlab anew. What is private lies in the lab's directory, of mode 0700.
    os.umask(0o022)
    # Objects and rules stay for long and hardly ever make a circle: looking for one less often
    # halves the time in which the rules of a large cluster are compiled, and that of imports.
    gc.set_threshold(50_000)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with contextlib.suppress(OSError):
        # A lab's control plane outlives the shell that started it.
        os.setsid()
    to_container_runtime = container_runtime.fork(lab, rundir.rundir(lab))
    to_netns_agent = agent.fork()
    # aiohttp reads the authorities that the machine trusts while it is imported, which takes 50 ms.
    # Nothing here trusts them: of certificates the lab's own authority is asked, where it is asked.
    os.environ["SSL_CERT_FILE"] = os.environ["SSL_CERT_DIR"] = os.devnull
    from netlab.control_plane import control_plane  # noqa: PLC0415 (see above)

    control_plane.run(lab, to_netns_agent, to_container_runtime)


main(sys.argv[1])
