"""Names of the chains and sets of one Service port and its endpoints.

A name tells what it stands for: a hash that sets it apart at a glance, then namespace, Service,
protocol and port. Only letters, digits and ``_ . / -`` may be in a name that nft reads; whatever
else an object's name holds becomes ``_``, and the hash, taken before that, keeps names apart.

Source: kube-proxy, ``pkg/proxy/nftables/proxier.go`` (servicePortChainNameBase, hashAndTruncate).
"""

import base64
import hashlib
import re
from functools import lru_cache
from typing import Final

from netlab.kubeproxy.backends import Backend
from netlab.kubeproxy.service_ports import ProxiedPort

_LONGEST: Final = 240
"""Of 256 bytes that the kernel takes, 16 are for the prefix."""
_UNSAFE: Final = re.compile(r"[^A-Za-z0-9_./-]")

_OWN: Final = re.compile(
    r"(?:service|local|external|firewall|endpoint)-[A-Z2-7]{8}-"
    r"(?P<service>[^/]+/[^/]+)/[a-z]+/(?P<port>[^/_]*)(?:__(?P<endpoint>.+))?"
)


def cluster_chain(port: ProxiedPort) -> str:
    """Return the chain that balances over the cluster set."""
    return "service-" + _port_name(port.name, port.protocol)


def local_chain(port: ProxiedPort) -> str:
    """Return the chain that balances over the local set."""
    return "local-" + _port_name(port.name, port.protocol)


def external_chain(port: ProxiedPort) -> str:
    """Return the chain every packet for an external destination goes through."""
    return "external-" + _port_name(port.name, port.protocol)


def firewall_chain(port: ProxiedPort) -> str:
    """Return the chain that drops what no source range lets in."""
    return "firewall-" + _port_name(port.name, port.protocol)


def endpoint_chain(port: ProxiedPort, backend: Backend) -> str:
    """Return the chain that rewrites the destination to ``backend``."""
    return "endpoint-" + _endpoint_name(port, backend)


def affinity_set(port: ProxiedPort, backend: Backend) -> str:
    """Return the set of the clients that stay with ``backend``."""
    return "affinity-" + _endpoint_name(port, backend)


def service_of_chain(name: str) -> str:
    """Return the Service port that a chain is of; empty for a chain of all Services.

    >>> service_of_chain("external-ULMVA6XW-ns1/svc1/tcp/p80")
    'ns1/svc1:p80'
    """
    found = _OWN.fullmatch(name)
    if found is None:
        return ""
    return f"{found['service']}:{found['port']}" if found["port"] else found["service"]


def endpoint_of_chain(name: str) -> str:
    """Return the ``address:port`` that a chain sends to; empty for other chains.

    >>> endpoint_of_chain("endpoint-SVLGPL42-default/web/tcp/http__10.244.1.2/8080")
    '10.244.1.2:8080'
    >>> endpoint_of_chain("endpoint-SVLGPL42-default/web/tcp/__fd00..2/8080")
    '[fd00::2]:8080'
    """
    found = _OWN.fullmatch(name)
    address, _, port = ((found["endpoint"] or "") if found else "").partition("/")
    if not port:
        return ""
    # An address with colons is written with dots in a chain's name.
    is_ipv4 = address.count(".") == 3 and ".." not in address
    return f"{address}:{port}" if is_ipv4 else f"[{address.replace('.', ':')}]:{port}"


def path_of(port_name: str, protocol: str) -> str:
    """Return a Service port as chains' names spell it.

    >>> path_of("ns1/svc1:p80", "tcp")
    'ns1/svc1/tcp/p80'
    >>> path_of("ns1/svc1", "udp")
    'ns1/svc1/udp/'
    """
    service, _, port = port_name.partition(":")
    return f"{service}/{protocol}/{port}"


@lru_cache(maxsize=1 << 16)
def hashed(name: str) -> str:
    """Return ``name`` with its hash before it, cut to what the kernel takes.

    >>> hashed("ns1/svc1/tcp/p80")
    'ULMVA6XW-ns1/svc1/tcp/p80'
    """
    digest = base64.b32encode(hashlib.sha256(name.encode()).digest()[:5]).decode()
    whole = f"{digest}-{_UNSAFE.sub('_', name)}"
    return whole if len(whole) <= _LONGEST else whole[: _LONGEST - 3] + "..."


def _port_name(port_name: str, protocol: str) -> str:
    return hashed(path_of(port_name, protocol))


def _endpoint_name(port: ProxiedPort, backend: Backend) -> str:
    # A colon may not be in a name: an IPv6 address is written with dots.
    address = str(backend.address).replace(":", ".")
    return hashed(f"{path_of(port.name, port.protocol)}__{address}/{backend.port}")
