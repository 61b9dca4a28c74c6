"""Commands that a user is told to type, for the lab that they are about."""

import re
from typing import Final

_COMMAND: Final = re.compile(r"\bsudo (k8s-)?netlab (?!.*--lab )(?P<verb>[a-z]+)")

DEFAULT_LAB: Final = "default"


def commands_for(lab: str, text: str) -> str:
    """Return ``text`` with every command of netlab's speaking of ``lab``.

    >>> print(commands_for("x", "sudo netlab exec client -- true   # and then sudo netlab down"))
    sudo netlab exec --lab x client -- true   # and then sudo netlab down --lab x
    >>> commands_for("default", "sudo netlab down")
    'sudo netlab down'
    """
    if lab == DEFAULT_LAB:
        return text
    return _COMMAND.sub(lambda found: f"{found.group()} --lab {lab}", text)
