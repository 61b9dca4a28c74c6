"""What exec and attach say over any carrier: streams, sizes of a terminal, and how it ended.

Source: k8s.io/client-go/tools/remotecommand/{v4,v5}.go, k8s.io/kubelet/pkg/cri/streaming.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final
from urllib.parse import parse_qs

SPDY_PROTOCOLS: Final = ("v4.channel.k8s.io",)
"""Versions that the SPDY carrier speaks; v5 differs over WebSocket only."""


class Stream(StrEnum):
    """The streams of a command; SPDY calls them so in the header ``streamtype``."""

    STDIN = "stdin"
    STDOUT = "stdout"
    STDERR = "stderr"
    ERROR = "error"
    RESIZE = "resize"


CHANNELS: Final[Mapping[int, Stream]] = dict(enumerate(Stream))
"""The streams by their channel of WebSocket."""
CHANNEL_OF: Final = {stream: channel for channel, stream in CHANNELS.items()}


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What a client asks for in the query of exec and attach."""

    command: tuple[str, ...] = ()
    """Empty for attach."""
    container: str = ""
    """Empty for the pod's default."""
    stdin: bool = False
    stdout: bool = False
    stderr: bool = False
    tty: bool = False

    @property
    def streams(self) -> frozenset[Stream]:
        """The streams that the client opens; a terminal has no stderr of its own."""
        wanted = {
            Stream.ERROR: True,
            Stream.STDIN: self.stdin,
            Stream.STDOUT: self.stdout,
            Stream.STDERR: self.stderr and not self.tty,
            Stream.RESIZE: self.tty,
        }
        return frozenset(stream for stream, is_wanted in wanted.items() if is_wanted)


def parse_options(query: str) -> Options:
    """Return the options in a query string."""
    values = parse_qs(query, keep_blank_values=True)

    def flag(name: str) -> bool:
        # As Go's strconv.ParseBool; Python's client sends True.
        return values.get(name, [""])[-1].lower() in ("1", "t", "true")

    return Options(
        command=tuple(values.get("command", ())),
        container=values.get("container", [""])[-1],
        stdin=flag("stdin"),
        stdout=flag("stdout"),
        stderr=flag("stderr"),
        tty=flag("tty"),
    )


def choose_protocol(offered: Sequence[str], supported: Sequence[str]) -> str | None:
    """Return the best protocol that both ends speak; None when there is none."""
    return next((protocol for protocol in supported if protocol in offered), None)


@dataclass(frozen=True, slots=True)
class TerminalSize:
    """In characters."""

    width: int
    height: int


def parse_resize(data: bytes) -> TerminalSize | None:
    """Return the size that a message of the resize stream has; None for anything else."""
    try:
        size: Any = json.loads(data)
        width, height = int(size["Width"]), int(size["Height"])
    except (ValueError, KeyError, TypeError):
        return None
    if not (0 < width < 1 << 16 and 0 < height < 1 << 16):
        return None
    return TerminalSize(width, height)


def exit_status(code: int) -> bytes:
    """Return what the error stream says when the command ended with ``code``."""
    if code == 0:
        return json.dumps({"metadata": {}, "status": "Success"}).encode()
    return json.dumps(
        {
            "metadata": {},
            "status": "Failure",
            "message": f"command terminated with non-zero exit code: exit status {code}",
            "reason": "NonZeroExitCode",
            "details": {"causes": [{"reason": "ExitCode", "message": str(code)}]},
        }
    ).encode()


def failure_status(message: str) -> bytes:
    """Return what the error stream says when the command could not be run."""
    return json.dumps(
        {
            "metadata": {},
            "status": "Failure",
            "message": message,
            "reason": "InternalError",
            "details": {"causes": [{"message": message}]},
            "code": 500,
        }
    ).encode()
