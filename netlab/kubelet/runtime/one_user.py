"""The users of a container where one user ID is all there is.

An ordinary user without subordinate IDs has one ID to map, so nobody in a container can be anybody
else. Programs that give up root (nginx for its workers) look the user up by name: every name is
that one user there, so they run. What asks for another by number is refused, and told so.
"""

from collections.abc import Mapping
from typing import Final

_FIELDS: Final = {"passwd": (2, 3), "group": (2,)}
"""Which fields of a line are IDs. Source: passwd(5), group(5)."""


def as_one_user(etc: Mapping[str, bytes]) -> dict[str, bytes]:
    """Return files of a container's /etc in which every user and group is number 0."""
    return {name: _as_one(content, _FIELDS.get(name, ())) for name, content in etc.items()}


def _as_one(content: bytes, fields: tuple[int, ...]) -> bytes:
    if not fields:
        return content
    lines = [line.split(b":") for line in content.splitlines()]
    for words in lines:
        for field in fields:
            words[field] = b"0"
    return b"".join(b":".join(words) + b"\n" for words in lines)
