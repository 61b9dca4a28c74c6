"""The layout of the running kernel, read from its types once for each lab.

To read the types of a kernel takes a large part of a trace's set-up, and the answer is a screenful
that changes with the kernel alone. It is kept in a file with the kernel's build id.
"""

import json
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

from netlab.linux.bpf.btf import Btf, BtfError
from netlab.linux.bpf.drop_program import Layout, layout_of

TYPES: Final = Path("/sys/kernel/btf/vmlinux")
NOTES: Final = Path("/sys/kernel/notes")
"""ELF notes of the running kernel; the build id is one of them."""


def kernel_layout(kept: Path | None) -> Layout:
    """Return the layout of the running kernel.

    Args:
        kept: The file that keeps it; None to read the kernel's types in any case.

    Raises:
        OSError: The kernel does not describe its types, or not those that are needed.
    """
    build = NOTES.read_bytes().hex() if NOTES.exists() else ""
    known = _kept(kept, build) if kept is not None and build else None
    if known is not None:
        return known
    layout = _read()
    if kept is not None and build:
        # Without the file, the next trace reads the kernel's types again.
        with suppress(OSError):
            _keep(kept, build, layout)
    return layout


def _read() -> Layout:
    try:
        return layout_of(Btf(TYPES.read_bytes()))
    except FileNotFoundError as error:
        raise OSError(error.errno, f"this kernel has no {TYPES}") from error
    except BtfError as error:
        raise OSError(0, str(error)) from error


def _kept(file: Path, build: str) -> Layout | None:
    """Return what the file keeps; None when it is not there, whole, or of this kernel."""
    try:
        found: dict[str, Any] = json.loads(file.read_bytes())
        if found["build"] != build:
            return None
        reasons = {int(number): name for number, name in found["layout"].pop("reasons").items()}
        return Layout(**found["layout"], reasons=reasons)
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def _keep(file: Path, build: str, layout: Layout) -> None:
    new = file.with_suffix(".new")
    new.write_text(json.dumps({"build": build, "layout": asdict(layout)}))
    new.replace(file)
