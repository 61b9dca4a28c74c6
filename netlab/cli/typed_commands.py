"""Commands in what netlab prints, as the user types them."""

import re
from typing import Final

_SUDO: Final = re.compile(r"\bsudo (?=(?:k8s-)?netlab\b)")
_NETNS_EXEC: Final = re.compile(r"(?:\bsudo )?\bip netns exec (?=netlab-(?P<lab>[a-z0-9]+)-)")


def as_typed(text: str) -> str:
    """Return ``text`` with its commands as they work for the user.

    An ordinary user types netlab without sudo; and ``ip netns``, whose names are known in the
    user's own namespaces alone, is run there: in the mounts that every host of the lab has.
    """
    from netlab.rootless.enter import has_own_labs

    if not has_own_labs():
        return text
    return _NETNS_EXEC.sub(_in_own_mounts, _SUDO.sub("", text))


def _in_own_mounts(found: re.Match[str]) -> str:
    lab = "" if found["lab"] == "default" else f"--lab {found['lab']} "
    return f"netlab exec {lab}router -- ip netns exec "
