"""Files and folders that ``-f`` names."""

from pathlib import Path

import pytest

from netlab.cli.manifest_files import read_files
from netlab.errors import SpecError


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "deeper").mkdir()
    for name in ("b.yaml", "a.json", "README.md", "deeper/c.yml"):
        (tmp_path / name).write_text(name)
    return tmp_path


def test_a_folder_stands_for_its_files_in_the_order_of_their_names(folder: Path):
    assert [text for text, _ in read_files([str(folder)])] == [b"a.json", b"b.yaml"]


def test_folders_in_it_are_read_when_asked_for(folder: Path):
    found = read_files([str(folder)], is_recursive=True)
    assert [text for text, _ in found] == [b"a.json", b"b.yaml", b"deeper/c.yml"]


def test_several_names_come_in_their_own_order(folder: Path):
    names = [str(folder / "deeper"), str(folder / "a.json")]
    assert [source for _, source in read_files(names)] == [f"{folder}/deeper/c.yml", names[1]]


def test_a_folder_without_manifests_is_a_mistake(tmp_path: Path):
    with pytest.raises(SpecError, match="holds no file of manifests") as refused:
        read_files([str(tmp_path)])
    assert refused.value.hint == "files end in .json, .yaml, .yml; -R reads folders in it, too"
