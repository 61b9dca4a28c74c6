"""Logs: what a client asks for, and lines of a file as the Container Runtime Interface has them.

A line is ``TIMESTAMP STREAM TAG TEXT``; the tag is F for a whole line, and P for a part of one that
is too long, whose end comes in the next line of that stream.

Source: Kubernetes, ``pkg/kubelet/kuberuntime/logs``.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from netlab.errors import SpecError

_TRUE: Final = ("1", "t", "true")


class LogOptionsError(SpecError):
    """The query of a request for logs is wrong."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LogOptions:
    """What a client asks for."""

    container: str = ""
    """Empty for the pod's only one."""
    follow: bool = False
    previous: bool = False
    """Whether the run before the present one is meant."""
    timestamps: bool = False
    tail: int | None = None
    """How many lines from the end; None for all."""
    since: float | None = None
    """Wall clock seconds; lines before it are left out."""
    limit: int | None = None
    """Bytes at most."""


def parse_log_options(query: Mapping[str, str], now: float) -> LogOptions:
    """Return the options in a query.

    Raises:
        LogOptionsError: One is no number, no time, or out of bounds.
    """
    seconds = _number(query, "sinceSeconds", 1)
    since = _moment(query["sinceTime"]) if query.get("sinceTime") else None
    if seconds is not None and since is not None:
        raise LogOptionsError(
            "PodLogOptions is invalid: at most one of `sinceTime` or `sinceSeconds` may be "
            "specified"
        )
    return LogOptions(
        container=query.get("container", ""),
        follow=query.get("follow", "").lower() in _TRUE,
        previous=query.get("previous", "").lower() in _TRUE,
        timestamps=query.get("timestamps", "").lower() in _TRUE,
        tail=_number(query, "tailLines", 0),
        since=now - seconds if seconds is not None else since,
        limit=_number(query, "limitBytes", 1),
    )


def _number(query: Mapping[str, str], name: str, least: int) -> int | None:
    text = query.get(name, "")
    if not text:
        return None
    if not text.removeprefix("-").isdecimal() or int(text) < least:
        raise LogOptionsError(
            f"PodLogOptions is invalid: {name}: Invalid value: {text}: must be greater than or "
            f"equal to {least}"
        )
    return int(text)


def _moment(text: str) -> float:
    try:
        return datetime.fromisoformat(text).timestamp()
    except ValueError as error:
        raise LogOptionsError(f"sinceTime {text!r} is no time as of RFC 3339") from error


class LogReader:
    """Turns what is in a log file into what a client sees.

    Args:
        options: What the client asked for.
    """

    def __init__(self, options: LogOptions) -> None:
        self._options = options
        self._rest = b""
        self._left = options.limit
        self._in_part: set[bytes] = set()

    @property
    def is_done(self) -> bool:
        """Whether the client has all the bytes it wanted."""
        return self._left == 0

    def feed(self, block: bytes) -> bytes:
        """Return what a client sees of the file's next bytes; a line's beginning waits."""
        *lines, self._rest = (self._rest + block).split(b"\n")
        text = b"".join(map(self._shown, lines))
        if self._left is not None:
            text = text[: self._left]
            self._left -= len(text)
        return text

    def _shown(self, line: bytes) -> bytes:
        timestamp, _, rest = line.partition(b" ")
        stream, _, rest = rest.partition(b" ")
        tag, _, content = rest.partition(b" ")
        since = self._options.since
        if since is not None and _seconds(timestamp) < since:
            return b""
        # The parts of a line make one line again, with one time at its head.
        head = timestamp + b" " if self._options.timestamps and stream not in self._in_part else b""
        if tag == b"P":
            self._in_part.add(stream)
            return head + content
        self._in_part.discard(stream)
        return head + content + b"\n"


def _seconds(timestamp: bytes) -> float:
    try:
        # Python reads microseconds, not the nanoseconds that are there.
        text = timestamp.decode()
        return datetime.fromisoformat(f"{text[:26].rstrip('Z')}+00:00").timestamp()
    except ValueError:
        return 0.0
