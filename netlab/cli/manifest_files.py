"""Files and folders of manifests, as ``-f`` names them."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

from netlab.documents.yaml_text import ONE_LAB, Limits
from netlab.errors import SpecError
from netlab.lab.topologies import read_spec

SUFFIXES: Final = frozenset({".yaml", ".yml", ".json"})
"""Of the files that are read of a folder, as kubectl has them."""


def read_files(
    names: Iterable[str], *, is_recursive: bool = False, limits: Limits = ONE_LAB
) -> list[tuple[bytes, str]]:
    """Return the text of each file, and how messages shall call it; those of a folder by name.

    Args:
        names: Of files or folders; ``-`` is standard input.
        is_recursive: Whether folders in folders are read, too.
        limits: How long each may be.

    Raises:
        SpecError: One is not there or not readable, or a folder holds none.
    """
    return [
        read_spec(file, limits=limits)
        for name in names
        for file in _files(name, is_recursive=is_recursive)
    ]


def _files(name: str, *, is_recursive: bool) -> Iterator[str]:
    folder = Path(name)
    if name == "-" or not folder.is_dir():
        yield name
        return
    every = folder.rglob("*") if is_recursive else folder.glob("*")
    found = sorted(path for path in every if path.suffix in SUFFIXES and path.is_file())
    if not found:
        deeper = "" if is_recursive else "; -R reads folders in it, too"
        hint = f"files end in {', '.join(sorted(SUFFIXES))}{deeper}"
        raise SpecError(f"{name}: the folder holds no file of manifests", hint=hint)
    yield from map(str, found)
