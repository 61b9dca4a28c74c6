"""Whether the lab's files have room left, told as the condition DiskPressure of every node.

Logs leave a part of the file system free (``runtime.logs``): what is written beyond it is left out.
A lab goes on then, and so that nobody misses lines without knowing why, its nodes say so.
"""

import os
from pathlib import Path
from typing import Final

from netlab.apiserver.store import Store
from netlab.kube.conditions import is_true, with_condition
from netlab.kube.events import Record
from netlab.kube.objects import Object, items_of, name_of, status_of, with_status
from netlab.kube.timestamps import timestamp
from netlab.kubelet.runtime.logs import reserve

LOOK_S: Final = 30.0
_TYPE: Final = "DiskPressure"


def is_nearly_full(directory: Path) -> bool:
    """Return whether the file system of a directory has no room for logs any more."""
    found = os.statvfs(directory)
    free, size = found.f_bavail * found.f_frsize, found.f_blocks * found.f_frsize
    # A block of log that was left out may have been larger than what is left above the reserve.
    return free < reserve(size) + (1 << 20)


def look(store: Store, directory: Path, now: float) -> list[Record]:
    """Write into every node whether a directory's file system is full; return what is to be told.

    Args:
        store: Where the nodes are.
        directory: The lab's own; where it is not there yet, there is room.
        now: Wall clock seconds.
    """
    is_full = directory.exists() and is_nearly_full(directory)
    return tell(store, directory, now, is_full=is_full)


def tell(store: Store, directory: Path, now: float, *, is_full: bool) -> list[Record]:
    """Write the condition into every node where it changes, and return what is to be told of it."""
    events = []
    for node in store.list_("nodes"):
        if is_true(node, _TYPE) != is_full:
            store.update(_with_pressure(node, directory, now, is_full=is_full))
            events.append(_event(node, is_full=is_full))
    return events


def _with_pressure(node: Object, directory: Path, now: float, *, is_full: bool) -> Object:
    reason, message = "KubeletHasNoDiskPressure", "kubelet has no disk pressure"
    if is_full:
        reason = "KubeletHasDiskPressure"
        message = f"{directory} is nearly full: lines of containers' logs are left out"
    conditions = items_of(status_of(node), "conditions")
    status = "True" if is_full else "False"
    found = with_condition(conditions, _TYPE, status, now, reason, message)
    beat = {"lastHeartbeatTime": timestamp(now)}
    return with_status(
        node, conditions=[{**one, **beat} if one["type"] == _TYPE else one for one in found]
    )


def _event(node: Object, *, is_full: bool) -> Record:
    word = "NodeHasDiskPressure" if is_full else "NodeHasNoDiskPressure"
    name = name_of(node)
    return Record(
        object=node,
        reason=word,
        message=f"Node {name} status is now: {word}",
        component="kubelet",
        host=name,
    )
