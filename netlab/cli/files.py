"""Files that a command writes where its user says; ``-`` is standard output."""

import os
from collections.abc import Iterable
from pathlib import Path

import click

from netlab.errors import HostError


def check_writable(files: Iterable[str]) -> None:
    """Make sure that files can be written, before there is the work to fill them.

    Raises:
        HostError: One cannot, and why.
    """
    for name in files:
        path = Path(name)
        if name == "-":
            continue
        if path.is_dir():
            raise HostError(f"cannot write {name}: it is a directory")
        if not path.parent.is_dir():
            raise HostError(f"cannot write {name}: there is no directory {path.parent}")
        if not os.access(path if path.exists() else path.parent, os.W_OK):
            raise HostError(f"cannot write {name}: it is not yours to write, or is read-only")


def write(name: str, content: str) -> None:
    """Write a file anew, and say so on standard error.

    Raises:
        HostError: The system refused; no half of the file is left.
    """
    if name == "-":
        click.echo(content, nl=not content.endswith("\n"))
        return
    path = Path(name)
    existed = path.exists()
    try:
        path.write_text(content, encoding="utf-8")
    except OSError as error:
        if not existed:
            path.unlink(missing_ok=True)
        raise HostError(f"cannot write {name}: {error.strerror}") from error
    click.echo(f"wrote {name}", err=True)
