"""What a container was started with, kept beside its logs for programs that are run in it later.

The environment is that of the start: a Service, a ConfigMap or a Secret that has come or changed
since is in none of a container's processes.
"""

import json
from pathlib import Path
from typing import Final

from netlab.kubelet.runtime.container import Process

_FILE: Final = "process.json"


def write_process(directory: Path, process: Process) -> None:
    """Keep what a container is started with.

    Args:
        directory: The container's own; made if it is missing.
        process: Its first process.
    """
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    (directory / _FILE).write_text(json.dumps(process._asdict()))


def read_process(directory: Path) -> Process | None:
    """Return what a container was started with; None for one of a control plane that kept none."""
    try:
        found = json.loads((directory / _FILE).read_text())
    except FileNotFoundError:
        return None
    return Process(
        argv=tuple(found["argv"]),
        env=found["env"],
        working_directory=found["working_directory"],
        uid=found["uid"],
        gid=found["gid"],
        groups=tuple(found["groups"]),
        capabilities=found["capabilities"],
    )
