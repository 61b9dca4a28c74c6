from pathlib import Path

import pytest

from netlab.kubelet.runtime import logs
from netlab.kubelet.runtime.logs import MAX_BYTES, MAX_FILES, ContainerLog

NOW = 1_800_000_000_123_456_789
STAMP = "2027-01-15T08:00:00.123456789Z"


class Clock:
    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> int:
        self.now += 1_000_000
        return self.now


def log_of(directory: Path) -> ContainerLog:
    return ContainerLog(directory, 0, lambda: NOW)


def text(directory: Path) -> str:
    return (directory / "0.log").read_text()


@pytest.mark.parametrize(
    ("blocks", "lines"),
    [
        pytest.param([b"one\ntwo\n"], ["F one", "F two"], id="two lines at once"),
        pytest.param([b"on", b"e\n"], ["F one"], id="a line in two pieces"),
        pytest.param([b"\n\n"], ["F ", "F "], id="empty lines"),
        pytest.param([b"x" * 20_000 + b"\n"], ["P " + "x" * 16384, "F " + "x" * 3616], id="long"),
        pytest.param([b"x" * 16_384 + b"\n"], ["F " + "x" * 16384], id="just not too long"),
    ],
)
def test_a_log_has_a_line_for_each_line(tmp_path: Path, blocks: list[bytes], lines: list[str]):
    log = log_of(tmp_path)
    for block in blocks:
        log.write(b"stdout", block)
    assert text(tmp_path).splitlines() == [f"{STAMP} stdout {line}" for line in lines]


def test_what_has_no_end_of_line_is_written_when_the_container_ends(tmp_path: Path):
    log = log_of(tmp_path)
    log.write(b"stdout", b"prompt> ")
    log.write(b"stderr", b"whole\n")
    assert text(tmp_path) == f"{STAMP} stderr F whole\n"
    log.close()
    assert text(tmp_path) == f"{STAMP} stderr F whole\n{STAMP} stdout F prompt> \n"


def test_a_log_is_rotated_and_the_oldest_goes(tmp_path: Path):
    log = ContainerLog(tmp_path, 0, Clock())
    line = b"x" * 1000 + b"\n"
    for _ in range(8 * MAX_BYTES // len(line) // 60):
        log.write(b"stdout", line * 60)
    sizes = [path.stat().st_size for path in tmp_path.iterdir()]
    assert len(sizes) == MAX_FILES
    assert max(sizes) <= MAX_BYTES
    assert log.dropped == 0


def test_another_run_has_a_log_of_its_own(tmp_path: Path):
    for restart_count in (0, 1):
        ContainerLog(tmp_path, restart_count, lambda: NOW).write(b"stdout", b"line\n")
    assert {path.name for path in tmp_path.iterdir()} == {"0.log", "1.log"}


def test_what_a_full_disk_does_not_take_is_left_out_and_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(logs, "reserve", lambda size: size + 1)
    log = log_of(tmp_path)
    log.write(b"stdout", b"lost\n")
    assert log.dropped == len(f"{STAMP} stdout F lost\n")
    assert text(tmp_path) == ""
    monkeypatch.undo()
    log.write(b"stdout", b"kept\n")
    assert text(tmp_path) == f"{STAMP} stdout F kept\n"


def test_a_log_that_cannot_be_opened_stops_nobody(tmp_path: Path):
    log = ContainerLog(tmp_path / "gone", 0, lambda: NOW)
    log.write(b"stdout", b"lost\n")
    log.close()
    assert log.dropped > 0


@pytest.mark.parametrize(("size", "left"), [(100 << 20, 5 << 20), (8 << 30, 16 << 20), (0, 0)])
def test_how_much_of_a_file_system_logs_leave_free(size: int, left: int):
    assert logs.reserve(size) == left


def test_the_log_that_was_there_is_gone_on_with(tmp_path: Path):
    log_of(tmp_path).write(b"stdout", b"before\n")
    log_of(tmp_path).write(b"stdout", b"after\n")
    assert [line.split()[-1] for line in text(tmp_path).splitlines()] == ["before", "after"]
    assert (tmp_path / "0.log").stat().st_mode & 0o777 == 0o600
