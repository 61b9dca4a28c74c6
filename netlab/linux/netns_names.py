"""Which network namespaces there are, by the names that ``ip netns`` gives them.

They are looked at from outside: nothing here enters one, so the control plane may ask.
"""

from pathlib import Path
from typing import Final

from netlab.model.names import LAB_NAME, NetnsName, lab_prefix

NETNS: Final = Path("/run/netns")


def is_mounted(name: NetnsName) -> bool:
    """Return whether ``name`` is a whole namespace, and no leftover of one cut short."""
    try:
        return (NETNS / name).stat().st_dev == Path("/proc/self/ns/net").stat().st_dev
    except FileNotFoundError:
        return False


def names_of(lab: str) -> list[NetnsName]:
    """Return the namespaces of ``lab``, sorted; empty when there are none."""
    return [NetnsName(name) for name in _all() if name.startswith(lab_prefix(lab))]


def labs() -> list[str]:
    """Return every lab that has a namespace on this machine, sorted."""
    words = (name.split("-", 2) for name in _all())
    return sorted({found[1] for found in words if len(found) == 3 and LAB_NAME.match(found[1])})


def _all() -> list[str]:
    if not NETNS.is_dir():
        return []
    return sorted(path.name for path in NETNS.iterdir() if path.name.startswith("netlab-"))
