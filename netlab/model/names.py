"""Names of everything a lab makes, within the kernel's limits.

A network namespace is ``netlab-<lab>-<host>``, a pod's is ``netlab-<lab>-<namespace>.<pod>``: the
prefix is how ``down`` finds what belongs to a lab without any memory. Lab names hold no dash, so
that no lab's prefix is the beginning of another lab's.

An interface name holds at most 15 bytes, a file's name 255. Short names are spelt out; a longer one
becomes a digest, in a form that no spelt-out name can take.
"""

import hashlib
import re
from typing import Final, NamedTuple, NewType

from netlab.model.addresses import Family

NetnsName = NewType("NetnsName", str)
"""File name under ``/run/netns``."""


class NetnsFamily(NamedTuple):
    """Where rules lie: the kernel keeps those of each address family of a namespace apart."""

    netns: NetnsName
    family: Family

    def __str__(self) -> str:
        """Return both, as a message names them.

        >>> print(NetnsFamily(NetnsName("netlab-default-node1"), Family.IPV6))
        netlab-default-node1 (IPv6)
        """
        return f"{self.netns} ({self.family})"


IFNAME_BYTES: Final = 15
"""``IFNAMSIZ`` less the closing zero byte (linux/if.h)."""

FILE_NAME_BYTES: Final = 255
"""``NAME_MAX`` (linux/limits.h)."""
_DIGITS: Final = 12

LAB_NAME: Final = re.compile(r"[a-z0-9]{1,32}\Z")
ROUTER: Final = "router"
"""The host that is the cloud network; no node or client may take its name."""
LB: Final = "lb"
"""The host that is the cloud's load balancer; no node or client may take its name."""


def lab_prefix(lab: str) -> str:
    """Return what every namespace of ``lab`` begins with.

    >>> lab_prefix("default")
    'netlab-default-'
    """
    return f"netlab-{lab}-"


def host_netns(lab: str, host: str) -> NetnsName:
    """Return the namespace of a node, a client, the router or the load balancer.

    >>> host_netns("default", "node1")
    'netlab-default-node1'
    """
    return NetnsName(f"{lab_prefix(lab)}{host}")


def pod_netns(lab: str, namespace: str, pod: str) -> NetnsName:
    """Return the namespace of a pod; the dot keeps it apart from any host's.

    >>> pod_netns("default", "default", "web-1")
    'netlab-default-default.web-1'
    """
    return NetnsName(file_name(f"{lab_prefix(lab)}{namespace}.{pod}"))


_WORD: Final = re.compile(r"[-_.A-Za-z0-9]+", re.ASCII)
_DIRECTORIES: Final = frozenset({".", ".."})


def is_file_name(spelt: str) -> bool:
    """Return whether a name of Kubernetes' may be that, and so the name of a file."""
    return _WORD.fullmatch(spelt) is not None and spelt not in _DIRECTORIES


def file_name(spelt: str) -> str:
    """Return ``spelt``, or its beginning and a digest when it is too long to name a file.

    The underscore keeps the two forms apart: Kubernetes' names have none.

    Raises:
        ValueError: It is no name of Kubernetes': it could be a path, or more than one word.
    """
    if not is_file_name(spelt):
        raise ValueError(f"{spelt!r} is no name of a file")
    if len(spelt) <= FILE_NAME_BYTES:
        return spelt
    digest = hashlib.sha256(spelt.encode()).hexdigest()[:_DIGITS]
    return f"{spelt[: FILE_NAME_BYTES - _DIGITS - 1]}_{digest}"


def pod_ifname(namespace: str, pod: str) -> str:
    """Return the node's end of a pod's veth pair.

    >>> pod_ifname("default", "web-1")
    'veth-web-1'
    >>> pod_ifname("default", "source-ip-app-5d8b4f7d9c-x2x7p")
    'vethb81bb963e10'
    """
    if namespace == "default":
        return _ifname("veth-", pod, "default/")
    return _digest("veth", f"{namespace}/{pod}")


def port_ifname(host: str) -> str:
    """Return the router's end of the link to ``host``.

    >>> port_ifname("node1")
    'p-node1'
    """
    return _ifname("p-", host)


def mac_address(netns: str, ifname: str) -> str:
    """Return a locally administered MAC address that is the same on every run.

    >>> mac_address("netlab-default-node1", "eth0")
    '02:e1:58:9c:70:db'
    """
    digest = hashlib.sha256(f"{netns}/{ifname}".encode()).digest()
    return ":".join(f"{byte:02x}" for byte in b"\x02" + digest[:5])


def _ifname(prefix: str, name: str, scope: str = "") -> str:
    spelt = prefix + name
    if len(spelt) <= IFNAME_BYTES and "." not in name:
        return spelt
    return _digest(prefix.removesuffix("-"), scope + name)


def _digest(prefix: str, text: str) -> str:
    digest = hashlib.sha256(text.encode()).hexdigest()
    return prefix + digest[: IFNAME_BYTES - len(prefix)]
