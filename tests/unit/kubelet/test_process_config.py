"""What a container was started with, read as it was written."""

from pathlib import Path

from netlab.kubelet.process_config import read_process, write_process
from netlab.kubelet.runtime.container import Process

PROCESS = Process(
    argv=("sh", "-c", "echo ä"),
    env={"PATH": "/bin", "A": "b=c\n"},
    working_directory="/srv",
    uid=1000,
    gid=100,
    groups=(7, 8),
    capabilities=0xA80425FB,
)


def test_a_process_is_read_as_it_was_written(tmp_path: Path):
    directory = tmp_path / "pod" / "web"
    write_process(directory, PROCESS)
    assert read_process(directory) == PROCESS
    assert directory.stat().st_mode & 0o777 == 0o700


def test_a_container_that_has_none_is_known_by_its_pod_alone(tmp_path: Path):
    assert read_process(tmp_path) is None
