"""End a lab's pods when the machine shuts down, within seconds.

Theory of operation
-------------------
Pods outlive their control plane, and so they are in control groups of the lab's own, outside the
systemd scope that the control plane is in. When a machine shuts down, systemd stops that scope, and
sends SIGTERM to what is left of the machine's processes last of all. The kernel drops a signal that
the first process of a pid namespace has no handler for (``sleep``, ``python -c``), and systemd then
waits for its usual 90 s. So the control plane, which hears of the shutdown by the SIGTERM to its
scope, ends the pods itself: first by SIGTERM, then by SIGKILL. Any other SIGTERM ends the control
plane alone.
"""

import asyncio
import os
import signal
import time
from typing import Final

from netlab.linux import netns_names, processes
from netlab.linux.systemd import machine_is_stopping

_GRACE_S: Final = 2.0
"""The scope has five seconds, and the kernel needs some of them to take the processes down."""
_LOOK_S: Final = 0.05
_KILL_S: Final = 2.0


def listen(lab: str) -> None:
    """Have SIGTERM end the calling process as it does, and the lab's pods with the machine's run.

    Args:
        lab: Name.
    """

    def terminate() -> None:
        # Nothing else happens meanwhile: a pod that ends now is not to be started again.
        if machine_is_stopping():
            _end_pods(lab)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        os.kill(os.getpid(), signal.SIGTERM)

    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, terminate)


def _end_pods(lab: str) -> None:
    found = [process for process, _ in processes.in_netns(netns_names.names_of(lab))]
    for process in found:
        processes.send_signal(process, signal.SIGTERM)
    deadline = time.monotonic() + _GRACE_S
    while any(map(processes.is_alive, found)) and time.monotonic() < deadline:
        time.sleep(_LOOK_S)
    processes.kill(found, _KILL_S)
