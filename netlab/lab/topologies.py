"""Find a topology file: a built-in one by its name, any other by its path."""

import sys
from importlib.resources import files
from pathlib import Path
from typing import Final

from netlab.documents.problems import nearest, refuse
from netlab.documents.yaml_text import ONE_LAB, Limits, size_problem
from netlab.errors import SpecError
from netlab.model.rundir import topology_file

DEFAULT: Final = "source-ip"
"""What ``netlab up`` builds when it is not told."""

_SUFFIXES: Final = (".yaml", ".yml")


def builtin_names() -> list[str]:
    """Return the names of the topologies that netlab brings along, the default first."""
    folder = files("netlab") / "topologies"
    names = (entry.name for entry in folder.iterdir() if entry.name.endswith(".yaml"))
    return sorted((name.removesuffix(".yaml") for name in names), key=lambda n: (n != DEFAULT, n))


def purpose(text: bytes) -> str:
    r"""Return what a topology is for: the first line of the comment at its top.

    >>> purpose(b"# Two nodes, one pod.\n#\n# The rest.\n")
    'Two nodes, one pod.'
    """
    first = text.decode(errors="replace").partition("\n")[0]
    return first.removeprefix("#").strip() if first.startswith("#") else ""


def read_topology(name_or_path: str) -> tuple[bytes, str]:
    """Return the text of a topology file, and how messages shall call it.

    A path with a slash or a YAML suffix is a file; any other word is a built-in name first, then
    a file of that name. ``-`` is standard input.

    Raises:
        SpecError: There is no such file, or it is a folder, too long, or not readable.
    """
    if name_or_path in builtin_names():
        resource = files("netlab") / "topologies" / f"{name_or_path}.yaml"
        return resource.read_bytes(), f"{name_or_path}.yaml"
    return read_spec(name_or_path, hint=_missing_hint(name_or_path))


def for_lab(lab: str) -> tuple[bytes, str]:
    """Return the topology that ``lab`` has, else the default one, and how messages shall call it.

    Raises:
        SpecError: The lab's file is not readable.
    """
    own = topology_file(lab)
    return read_spec(str(own)) if own.exists() else read_topology(DEFAULT)


def read_spec(path: str, hint: str = "", limits: Limits = ONE_LAB) -> tuple[bytes, str]:
    """Return the text of a YAML file, and how messages shall call it; ``-`` is standard input.

    At most one byte more than the limit is read, so an endless file ends too.

    Args:
        path: Of the file.
        hint: What to say when there is no such file.
        limits: How long it may be.

    Raises:
        SpecError: There is no such file, or it is a folder, too long, or not readable.
    """
    source = "<stdin>" if path == "-" else path
    try:
        if path == "-":
            text = sys.stdin.buffer.read(limits.bytes + 1)
        else:
            with Path(path).open("rb") as file:
                text = file.read(limits.bytes + 1)
    except (OSError, ValueError) as error:
        raise _unreadable(path, error, hint) from error
    if len(text) > limits.bytes:
        size = Path(path).stat().st_size if path != "-" else len(text)
        raise refuse([size_problem(max(size, len(text)), limits)], source)
    return text, source


def _unreadable(path: str, error: OSError | ValueError, hint: str) -> SpecError:
    match error:
        case FileNotFoundError() | NotADirectoryError():
            return SpecError(f"{path}: there is no such file", hint=hint)
        case IsADirectoryError():
            found = sorted(one.name for one in Path(path).iterdir() if one.suffix in _SUFFIXES)
            inside = f"it holds {', '.join(found[:5])}" if found else "give a file"
            return SpecError(f"{path}: is a folder, not a file", hint=inside)
        case PermissionError():
            return SpecError(f"{path}: you may not read this file", hint="check its permissions")
        case OSError():
            return SpecError(f"{path}: cannot be read: {error.strerror}")
        case _:
            return SpecError(f"{path!r}: is no file name")


def _missing_hint(path: str) -> str:
    if "/" in path or path.endswith(_SUFFIXES):
        return ""
    near = nearest(path, builtin_names())
    return near or f"built-in topologies: {', '.join(builtin_names())}"


def with_stand_in(text: bytes) -> bytes:
    """Return a topology in which an echo server stands in for every image that is not known.

    Args:
        text: A topology file that is right.
    """
    import yaml  # noqa: PLC0415 (this, too, is asked for by few)

    from netlab.kubelet.images import UNKNOWN  # noqa: PLC0415
    from netlab.topology.images import ECHO  # noqa: PLC0415

    documents = [one for one in yaml.safe_load_all(text) if one is not None]
    spec = documents[0].get("spec") or {}
    documents[0]["spec"] = {**spec, "images": {UNKNOWN: ECHO, **(spec.get("images") or {})}}
    return yaml.safe_dump_all(documents, sort_keys=False).encode()
