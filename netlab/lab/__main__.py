"""A lab's control plane as a process: ``python -m netlab.lab LAB``; ``up`` starts it.

The container runtime is forked before the rest is imported: it needs little of it, and it begins at
once to build what containers are made from.
"""

import contextlib
import os
import signal
import sys

from netlab.kubelet.runtime import container_runtime
from netlab.model import rundir


def main(lab: str) -> None:
    """Run the control plane of ``lab`` until it is killed."""
    os.umask(0o077)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with contextlib.suppress(OSError):
        # A lab's control plane outlives the shell that started it.
        os.setsid()
    end = container_runtime.fork(lab, rundir.rundir(lab))
    from netlab.lab import control_plane  # noqa: PLC0415 (see above)

    control_plane.run(lab, end)


main(sys.argv[1])
