"""How long to wait for others, where everything takes longer than usual.

Every deadline of netlab's own is for a machine as people have them. In a virtual machine without
KVM all takes ten times as long: ``NETLAB_TIMEOUT_SCALE=5`` then makes each wait five times as
patient. What a user asked for in seconds, and what Kubernetes objects say, stays as it is.
"""

import os
from typing import Final

from netlab.errors import HostError

VARIABLE: Final = "NETLAB_TIMEOUT_SCALE"
_LEAST, _MOST = 0.1, 1000.0


def scaled(seconds: float) -> float:
    """Return a deadline of ours, in seconds, as patient as this machine's user asks for.

    Raises:
        HostError: The variable is no number from 0.1 to 1000.
    """
    text = os.environ.get(VARIABLE, "")
    if not text:
        return seconds
    try:
        scale = float(text)
    except ValueError:
        scale = 0.0
    if not _LEAST <= scale <= _MOST:
        raise HostError(
            f"{VARIABLE} is {text!r}, and must be a number from {_LEAST:g} to {_MOST:g}",
            hint=f"unset {VARIABLE}",
        )
    return seconds * scale
