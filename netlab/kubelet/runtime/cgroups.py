"""Control groups: what the pods of a lab may use of the machine, together and each.

Theory of operation
-------------------
A pod that forks or allocates without end is stopped by the kernel where it is in a control group
with limits. A lab has one group, and each of its pods one below it; a container's first process
writes itself into its pod's before anything else runs there. Of cgroup v2 those controllers are
used that the machine's root group hands down (``cgroup.subtree_control``); of v1, those that are
mounted. Where there is none to be had, a lab runs without, and ``doctor`` says so.

Source: Linux, Documentation/admin-guide/cgroup-v2.rst and cgroup-v1/.
"""

import contextlib
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NamedTuple

ROOT: Final = Path("/sys/fs/cgroup")
_CONTROLLERS: Final = ("pids", "memory", "cpu")

_POD_PIDS: Final = 1024
_LAB_PIDS: Final = 16384
_LAB_MEMORY_SHARE: Final = 0.75
_POD_MEMORY_SHARE: Final = 0.25
"""Of the machine's memory, for a pod that names no limit."""
_LAB_CPU_WEIGHT: Final = 50
"""Against 100 of everything else on the machine."""
_PERIOD_US: Final = 100_000


class Limits(NamedTuple):
    """What a pod may use."""

    memory: int
    """Bytes; 0 for what a pod has that names no limit."""
    cpu: int
    """Thousandths of a processor; 0 for no limit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hierarchy:
    """A tree of groups, and the controllers that it has."""

    root: Path
    is_v2: bool
    controllers: tuple[str, ...]


def hierarchies(root: Path = ROOT) -> list[Hierarchy]:
    """Return the trees in which a lab may make groups, one at most for each controller."""
    unified = root / "cgroup.subtree_control"
    if unified.exists():
        handed_down = unified.read_text().split()
        found = tuple(one for one in _CONTROLLERS if one in handed_down)
        trees = [Hierarchy(root=root, is_v2=True, controllers=found)] if found else []
    else:
        trees = [
            Hierarchy(root=root / name, is_v2=False, controllers=(name,))
            for name in _CONTROLLERS
            if (root / name / "cgroup.procs").exists()
        ]
    return [tree for tree in trees if os.access(tree.root, os.W_OK) and not _is_read_only(tree)]


class LabCgroups:
    """The groups of one lab.

    Args:
        lab: Name.
        memory_bytes: What the machine has.
        trees: As ``hierarchies`` finds them.
    """

    def __init__(self, lab: str, memory_bytes: int, trees: list[Hierarchy]) -> None:
        self._memory = memory_bytes
        self._groups: list[tuple[Hierarchy, Path]] = []
        for tree in trees:
            group = tree.root / group_name(lab)
            # What cannot be made, in a container without the right, is gone without.
            with contextlib.suppress(OSError):
                self._make_lab(tree, group)
                self._groups.append((tree, group))

    def make_pod(self, uid: str, limits: Limits) -> None:
        """Make a pod's groups, and set its limits.

        The lab's own group may have been removed meanwhile: it is anybody's who is root, and of all
        labs of this name, be they in mount namespaces that do not see each other.

        Raises:
            OSError: The kernel refused.
        """
        for tree, group in self._groups:
            if not group.exists():
                self._make_lab(tree, group)
            (group / uid).mkdir(exist_ok=True)
            _write(group / uid, tree, self._pod_values(limits))

    def open_pod(self, uid: str) -> list[int]:
        """Return a descriptor of the list of processes of each of a pod's groups.

        Raises:
            OSError: There is no such group.
        """
        paths = [group / uid / "cgroup.procs" for _, group in self._groups]
        return [os.open(path, os.O_WRONLY | os.O_CLOEXEC) for path in paths]

    def remove_pod(self, uid: str) -> None:
        """Remove a pod's groups, unless a process is in them."""
        for _, group in self._groups:
            with contextlib.suppress(OSError):
                (group / uid).rmdir()

    def was_out_of_memory(self, uid: str) -> bool:
        """Return whether the kernel has killed a process of the pod for the memory it used."""
        for tree, group in self._groups:
            if "memory" in tree.controllers:
                name = "memory.events" if tree.is_v2 else "memory.oom_control"
                with contextlib.suppress(OSError):
                    words = (group / uid / name).read_text().split()
                    counts = dict(zip(words[::2], words[1::2], strict=True))
                    return counts.get("oom_kill", "0") != "0"
        return False

    def _make_lab(self, tree: Hierarchy, group: Path) -> None:
        group.mkdir(exist_ok=True)
        if tree.is_v2:
            added = " ".join(f"+{name}" for name in tree.controllers)
            (group / "cgroup.subtree_control").write_text(added)
        _write(
            group,
            tree,
            {
                "pids.max": str(_LAB_PIDS),
                "memory.max": str(int(self._memory * _LAB_MEMORY_SHARE)),
                "cpu.weight": str(_LAB_CPU_WEIGHT),
            },
        )

    def _pod_values(self, limits: Limits) -> dict[str, str]:
        memory = limits.memory or int(self._memory * _POD_MEMORY_SHARE)
        values = {"pids.max": str(_POD_PIDS), "memory.max": str(memory)}
        if limits.cpu:
            values["cpu.max"] = f"{limits.cpu * _PERIOD_US // 1000} {_PERIOD_US}"
        return values


def open_lists(pid: int) -> list[int]:
    """Return descriptors of the lists of processes of the groups that a process is in.

    Raises:
        OSError: It has ended.
    """
    groups: dict[str, str] = {}
    for line in Path(f"/proc/{pid}/cgroup").read_text().splitlines():
        _, controllers, path = line.split(":", 2)
        groups |= dict.fromkeys(controllers.split(","), path)
    found = []
    for tree in hierarchies():
        path = groups.get("" if tree.is_v2 else tree.controllers[0], "/")
        if path.startswith("/netlab-"):
            name = tree.root / path.lstrip("/") / "cgroup.procs"
            found.append(os.open(name, os.O_WRONLY | os.O_CLOEXEC))
    return found


def group_name(lab: str) -> str:
    """Return what a lab's groups are called."""
    return f"netlab-{lab}"


def remove_lab(lab: str, root: Path = ROOT) -> None:
    """Remove a lab's groups, those of pods first; one with a process in it is left."""
    for tree in hierarchies(root):
        group = tree.root / group_name(lab)
        if not group.is_dir():
            continue
        for path in (*(one for one in group.iterdir() if one.is_dir()), group):
            with contextlib.suppress(OSError):
                path.rmdir()


def _write(group: Path, tree: Hierarchy, values: Mapping[str, str]) -> None:
    """Set values, by their names of v2; those of controllers that the tree has not are left out."""
    for name, value in values.items():
        if name.partition(".")[0] in tree.controllers:
            if tree.is_v2:
                (group / name).write_text(value)
            else:
                _write_v1(group, name, value)


def _write_v1(group: Path, name: str, value: str) -> None:
    match name:
        case "memory.max":
            (group / "memory.limit_in_bytes").write_text(value)
        case "cpu.weight":
            (group / "cpu.shares").write_text(str(int(value) * 1024 // 100))
        case "cpu.max":
            quota, period = value.split()
            (group / "cpu.cfs_period_us").write_text(period)
            (group / "cpu.cfs_quota_us").write_text(quota)
        case _:
            (group / name).write_text(value)


def _is_read_only(tree: Hierarchy) -> bool:
    return bool(os.statvfs(tree.root).f_flag & os.ST_RDONLY)
