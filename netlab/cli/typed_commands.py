"""Commands of netlab's in what it prints, as the user types them."""

import re
from typing import Final

_SUDO: Final = re.compile(r"\bsudo (?=(?:k8s-)?netlab\b)")


def as_typed(text: str) -> str:
    """Return ``text`` without sudo before netlab, where the lab is an ordinary user's own."""
    from netlab.rootless.home import runtime_directory

    return _SUDO.sub("", text) if runtime_directory() else text
