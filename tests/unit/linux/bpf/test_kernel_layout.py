"""What is kept of a kernel's types."""

import json
from pathlib import Path

import pytest

from netlab.linux.bpf import kernel_layout
from netlab.linux.bpf.drop_program import Layout
from tests.unit.linux.bpf.test_drop_program import LAYOUT


@pytest.fixture
def kernel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return what was read of the kernel's types so far; it is a kernel with build id 1."""
    reads: list[str] = []

    def read() -> Layout:
        reads.append("types")
        return LAYOUT

    (tmp_path / "notes").write_bytes(b"\x01")
    monkeypatch.setattr(kernel_layout, "NOTES", tmp_path / "notes")
    monkeypatch.setattr(kernel_layout, "_read", read)
    return reads


def test_types_are_read_once(kernel: list[str], tmp_path: Path):
    file = tmp_path / "layout.json"

    assert kernel_layout.kernel_layout(file) == kernel_layout.kernel_layout(file) == LAYOUT
    assert kernel == ["types"]


@pytest.mark.parametrize(
    "content", ["", "{}", "[1]", '{"build": "01", "layout": {"reasons": {}}}', '{"build": "02"}']
)
def test_what_is_damaged_or_of_another_kernel_is_read_anew(
    kernel: list[str], tmp_path: Path, content: str
):
    file = tmp_path / "layout.json"
    file.write_text(content)

    assert kernel_layout.kernel_layout(file) == LAYOUT
    assert json.loads(file.read_text())["build"] == "01"
    assert kernel == ["types"]


def test_without_a_place_to_keep_it_it_is_read_each_time(kernel: list[str], tmp_path: Path):
    assert kernel_layout.kernel_layout(tmp_path / "none" / "layout.json") == LAYOUT
    assert kernel_layout.kernel_layout(None) == LAYOUT
    assert kernel == ["types", "types"]


def test_a_kernel_without_types_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(kernel_layout, "TYPES", tmp_path / "none")
    with pytest.raises(OSError, match="this kernel has no "):
        kernel_layout.kernel_layout(None)

    monkeypatch.setattr(kernel_layout, "TYPES", tmp_path / "odd")
    (tmp_path / "odd").write_bytes(bytes(100))
    with pytest.raises(OSError, match="no BTF"):
        kernel_layout.kernel_layout(None)
