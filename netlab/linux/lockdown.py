"""How far the kernel is locked down against its own root."""

import re
from pathlib import Path
from typing import Final

LOCKDOWN: Final = Path("/sys/kernel/security/lockdown")


def lockdown(path: Path = LOCKDOWN) -> str:
    """Return ``none``, ``integrity`` or ``confidentiality``; empty where the kernel does not say.

    Source: Linux, security/lockdown/lockdown.c. It reads ``none [integrity] confidentiality``.
    """
    try:
        text = path.read_text()
    except OSError:
        return ""
    found = re.search(r"\[(\w+)\]", text)
    return found[1] if found else ""
