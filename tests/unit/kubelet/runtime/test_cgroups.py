"""Control groups, in a directory that looks like the kernel's."""

import shutil
from pathlib import Path

import pytest

from netlab.kubelet.runtime.cgroups import (
    Hierarchy,
    LabCgroups,
    Limits,
    hierarchies,
    remove_lab,
)

GIB = 1 << 30


@pytest.fixture
def v2(tmp_path: Path) -> Path:
    (tmp_path / "cgroup.subtree_control").write_text("cpu memory pids\n")
    return tmp_path


@pytest.fixture
def v1(tmp_path: Path) -> Path:
    for name in ("pids", "memory", "freezer"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "cgroup.procs").touch()
    return tmp_path


def test_of_v2_the_controllers_are_used_that_the_root_hands_down(v2: Path):
    assert hierarchies(v2) == [
        Hierarchy(root=v2, is_v2=True, controllers=("pids", "memory", "cpu"))
    ]
    (v2 / "cgroup.subtree_control").write_text("\n")
    assert hierarchies(v2) == []


def test_of_v1_those_that_are_mounted(v1: Path):
    assert [tree.controllers for tree in hierarchies(v1)] == [("pids",), ("memory",)]


def test_a_pod_of_v2_has_limits(v2: Path):
    groups = LabCgroups("x", 4 * GIB, hierarchies(v2))
    groups.make_pod("uid", Limits(memory=0, cpu=250))
    pod = v2 / "netlab-x" / "uid"
    assert {path.name: path.read_text() for path in pod.iterdir()} == {
        "pids.max": "1024",
        "memory.max": str(GIB),
        "cpu.max": "25000 100000",
    }
    assert (v2 / "netlab-x" / "cgroup.subtree_control").read_text() == "+pids +memory +cpu"
    assert (v2 / "netlab-x" / "memory.max").read_text() == str(3 * GIB)


def test_a_pod_of_v1_has_limits(v1: Path):
    groups = LabCgroups("x", 4 * GIB, hierarchies(v1))
    groups.make_pod("uid", Limits(memory=GIB // 2, cpu=250))
    assert (v1 / "pids/netlab-x/uid/pids.max").read_text() == "1024"
    assert (v1 / "memory/netlab-x/uid/memory.limit_in_bytes").read_text() == str(GIB // 2)


@pytest.mark.parametrize(
    ("events", "was"), [("oom 3\noom_kill 1\n", True), ("oom_kill 0\n", False)]
)
def test_whether_the_kernel_killed_for_memory(v2: Path, events: str, was: bool):
    groups = LabCgroups("x", GIB, hierarchies(v2))
    groups.make_pod("uid", Limits(memory=0, cpu=0))
    (v2 / "netlab-x/uid/memory.events").write_text(events)
    assert groups.was_out_of_memory("uid") is was


def test_a_lab_whose_group_was_removed_has_it_again_with_the_next_pod(v2: Path):
    groups = LabCgroups("x", 4 * GIB, hierarchies(v2))
    shutil.rmtree(v2 / "netlab-x")
    groups.make_pod("uid", Limits(memory=0, cpu=0))
    assert (v2 / "netlab-x/memory.max").read_text() == str(3 * GIB)
    assert (v2 / "netlab-x/uid/pids.max").read_text() == "1024"


def test_a_lab_without_groups_has_none(tmp_path: Path):
    groups = LabCgroups("x", GIB, hierarchies(tmp_path))
    groups.make_pod("uid", Limits(memory=0, cpu=0))
    assert groups.open_pod("uid") == []
    assert not groups.was_out_of_memory("uid")
    groups.remove_pod("uid")
    remove_lab("x", tmp_path)
    assert list(tmp_path.iterdir()) == []
