"""Names of the chains kube-proxy makes for one Service port and its endpoints.

A chain's name must stay within 28 bytes, so what it stands for becomes a hash: the first 16
characters of base32 of SHA-256, that is 80 bits.

Source: kube-proxy, ``pkg/proxy/iptables/proxier.go`` (portProtoHash).
"""

import hashlib
from functools import lru_cache
from itertools import product
from typing import Final

_PAIRS: Final = ["".join(pair) for pair in product("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", repeat=2)]
"""Base32 of ten bits each."""
_SHIFTS: Final = range(70, -1, -10)


def service_port_name(namespace: str, service: str, port: str) -> str:
    """Return what kube-proxy calls a Service port, in comments and in hashes.

    >>> service_port_name("default", "kubernetes", "https")
    'default/kubernetes:https'
    >>> service_port_name("default", "nodeport", "")
    'default/nodeport'
    """
    return f"{namespace}/{service}:{port}" if port else f"{namespace}/{service}"


def port_hash(port_name: str, protocol: str) -> str:
    """Return the suffix that the SVC, SVL, EXT and FW chains of a Service port share.

    Args:
        port_name: As ``service_port_name`` gives it.
        protocol: Lower case, such as ``tcp``.

    >>> "KUBE-SVC-" + port_hash("default/kubernetes:https", "tcp")
    'KUBE-SVC-NPX46M4PTMTKRN6Y'
    """
    return _digest(port_name + protocol)


def endpoint_chain(port_name: str, protocol: str, endpoint: str) -> str:
    """Return the chain of one endpoint of a Service port.

    Args:
        port_name: As ``service_port_name`` gives it.
        protocol: Lower case, such as ``tcp``.
        endpoint: ``address:port``, an IPv6 address in brackets.

    >>> endpoint_chain("ns1/svc1:p80", "tcp", "10.180.0.1:80")
    'KUBE-SEP-SXIVWICOYRO3J4NJ'
    """
    return "KUBE-SEP-" + _digest(port_name + protocol + endpoint)


# Every node names the same chains.
@lru_cache(maxsize=1 << 16)
def _digest(text: str) -> str:
    bits = int.from_bytes(hashlib.sha256(text.encode()).digest()[:10], "big")
    return "".join([_PAIRS[bits >> shift & 0x3FF] for shift in _SHIFTS])
