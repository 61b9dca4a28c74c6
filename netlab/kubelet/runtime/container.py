"""One container, as a value: what to start, and what it may do."""

import marshal
from typing import Any, Final, NamedTuple

from netlab.model.names import NetnsName

EXEC: Final = "exec: "
"""How the reason why a process could not begin starts, where it is its program."""


NODE_ROOT: Final = ""
"""The source of a mount of the node's own root: a container's root is all that is seen of it."""


class Mount(NamedTuple):
    """A directory or file of the host that a container sees."""

    source: str
    """A directory on the host, or ``NODE_ROOT``."""
    sub_path: str
    """What of it; empty for all."""
    target: str
    """A path in the container; made where it can be."""
    read_only: bool
    is_writable: bool
    """Whether the directory is the pod's own to write to: links in it are not followed."""


class Process(NamedTuple):
    """A program, and whom it runs as: a container's own, or one that is run in it later."""

    argv: tuple[str, ...]
    """A program, looked up in the container; for a built-in workload its name and arguments."""
    env: dict[str, str]
    working_directory: str
    uid: int
    gid: int
    groups: tuple[int, ...]
    capabilities: int
    """Bits of the capabilities it may have, by their number."""
    built_in: bool = False
    """Whether it is run in a container later and is a workload of netlab's."""


class Container(NamedTuple):
    """What to start, and where."""

    netns: NetnsName
    hostname: str
    process: Process
    built_in: bool
    rootfs: str
    """A directory of the host with the root file system; empty for the host's programs."""
    directory: str
    """The container's own, on the host: its streams and logs."""
    restart_count: int
    """Which of its logs to write."""
    etc: dict[str, bytes]
    """Files of its own, by their path below ``/etc``."""
    mounts: tuple[Mount, ...]
    read_only_root: bool
    stdin: bool
    """Whether it has a standard input that ``attach`` can write to."""
    stdin_once: bool
    """Whether that ends with the first who attached."""
    tty: bool
    pod_uid: str
    termination_log: str
    """Where it finds the file for its last message; empty for none."""
    limits: tuple[int, int]
    """Of the pod's control group: bytes of memory and thousandths of a processor; 0 for none."""


_PROCESS: Final = Container._fields.index("process")
_MOUNTS: Final = Container._fields.index("mounts")


def encoded(value: Container | Process) -> bytes:
    """Return a container or a process as bytes, in a form that costs the reader little memory.

    Unlike pickle, marshal knows plain values only, and touches no code when it reads them.
    """
    plain: Any = _plain(value)
    return marshal.dumps(plain)


def decoded(data: bytes) -> Container:
    """Return the container that ``encoded`` gave."""
    fields = list(marshal.loads(data))  # noqa: S302 (our own)
    fields[_PROCESS] = Process(*fields[_PROCESS])
    fields[_MOUNTS] = tuple([Mount(*one) for one in fields[_MOUNTS]])
    return Container(*fields)


def decoded_process(data: bytes) -> Process:
    """Return the process that ``encoded`` gave."""
    return Process(*marshal.loads(data))  # noqa: S302 (our own)


def _plain(value: object) -> object:
    return tuple(map(_plain, value)) if isinstance(value, tuple) else value
