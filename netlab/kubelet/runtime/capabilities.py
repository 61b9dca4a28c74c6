"""The capabilities of a container.

Source: the default set of containerd and Docker (containerd, oci/spec.go, ``defaultUnixCaps``);
the numbers are linux/capability.h's.
"""

import struct
from pathlib import Path
from typing import Final

from netlab.linux.syscalls import capset, prctl

CONTAINER_DEFAULT: Final = {
    "CAP_CHOWN": 0,
    "CAP_DAC_OVERRIDE": 1,
    "CAP_FOWNER": 3,
    "CAP_FSETID": 4,
    "CAP_KILL": 5,
    "CAP_SETGID": 6,
    "CAP_SETUID": 7,
    "CAP_SETPCAP": 8,
    "CAP_NET_BIND_SERVICE": 10,
    "CAP_NET_RAW": 13,
    "CAP_SYS_CHROOT": 18,
    "CAP_MKNOD": 27,
    "CAP_AUDIT_WRITE": 29,
    "CAP_SETFCAP": 31,
}

_PR_CAPBSET_DROP: Final = 24
_VERSION_3: Final = 0x20080522
CONTAINER_MASK: Final = sum(1 << number for number in CONTAINER_DEFAULT.values())


def last_capability() -> int:
    """Return the highest capability the kernel knows; read it while /proc/sys is in view."""
    return int(Path("/proc/sys/kernel/cap_last_cap").read_text())


def drop_bounding(mask: int, last: int) -> None:
    """Leave all that the calling process will execute no more than the capabilities in ``mask``.

    Args:
        mask: A bit for each, by its number.
        last: What ``last_capability`` says.

    Raises:
        OSError: The kernel refused.
    """
    for number in range(last + 1):
        if not mask >> number & 1:
            prctl(_PR_CAPBSET_DROP, number)


def keep(mask: int) -> None:
    """Leave the calling process the capabilities in ``mask`` only, and give it all of those.

    Raises:
        OSError: The kernel refused.
    """
    low, high = mask & 0xFFFF_FFFF, mask >> 32
    capset(struct.pack("=II", _VERSION_3, 0), struct.pack("=6I", low, low, 0, high, high, 0))
