"""Whether a lab's control plane lives, asked of the kernel when it does not answer.

It listens on its socket only when it is ready to answer. One that lives and does not listen yet is
starting, however long that takes; one that listens and is not reached has lost its socket's file.
"""

import os

from netlab.linux import processes
from netlab.linux.unix_sockets import is_listening
from netlab.model import rundir
from netlab.model.processes import ProcessId


def starting_control_plane(lab: str) -> ProcessId | None:
    """Return the control plane of ``lab`` if it only has to be waited for; else None."""
    found = next(filter(_leads_a_session, processes.control_plane(lab)), None)
    if found is None or is_listening(found.pid, rundir.control_socket_as_bound(lab)):
        return None
    return found


def _leads_a_session(process: ProcessId) -> bool:
    """Tell the control plane from its children, which may outlive it for a moment."""
    try:
        return os.getsid(process.pid) == process.pid
    except ProcessLookupError:
        return False
