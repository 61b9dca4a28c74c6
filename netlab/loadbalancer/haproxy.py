"""The configuration of HAProxy for all balancers of the proxy kind, as text.

Which nodes are fit to be sent to is decided before (``netlab.loadbalancer.health``), and the
configuration names those alone. HAProxy therefore needs no checks of its own, and both kinds of
balancers agree. A node that refuses a connection meanwhile is passed over for the next one.

Source: HAProxy 2.6 configuration manual; RFC 7239 (Forwarded).
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

from netlab.loadbalancer.balancer import BalancedNode, Balancer, BalancerPort
from netlab.model.addresses import Address, Family, family_of

CONFIGURATION: Final = "haproxy/haproxy.cfg"
"""Below /etc."""
SOCKET: Final = "/run/haproxy.sock"

_HEAD: Final = f"""\
global
    log stdout format raw daemon info
    stats socket {SOCKET} mode 600 level admin
    maxconn 4096
    nbthread 1
    hard-stop-after 350s

defaults
    log global
    option dontlognull
    option redispatch
    retries 3
    timeout connect 2s
    timeout client 350s
    timeout server 350s
    timeout http-request 30s
"""


def haproxy_configuration(
    balancers: Iterable[Balancer], nodes_of: Mapping[str, Sequence[BalancedNode]]
) -> str:
    """Return the configuration; it is the same text for the same balancers and nodes.

    Args:
        balancers: Those of the proxy kind.
        nodes_of: The nodes to send to, by the balancer's key.
    """
    sections = [
        _HEAD,
        *(
            section
            for balancer in sorted(balancers, key=lambda one: one.key)
            for port in balancer.ports
            if port.protocol == "TCP" and port.node_port
            for address in balancer.addresses
            for section in _sections(balancer, port, address, nodes_of.get(balancer.key, ()))
        ),
    ]
    return "\n".join(sections)


def served_addresses(configuration: str) -> dict[str, set[str]]:
    """Return the addresses of the nodes that a configuration sends to, by the balancer's key."""
    found: dict[str, set[str]] = {}
    key = ""
    for line in configuration.splitlines():
        words = line.split()
        if words[:1] == ["backend"]:
            key = words[1].partition(":")[0].replace(".", "/")
        elif words[:1] == ["server"]:
            found.setdefault(key, set()).add(words[2].rpartition(":")[0].strip("[]"))
    return found


def _sections(
    balancer: Balancer, port: BalancerPort, address: Address, nodes: Sequence[BalancedNode]
) -> Iterator[str]:
    family = family_of(address)
    name = f"{balancer.namespace}.{balancer.name}:{port.port}:{family}"
    ranges = [str(one) for one in balancer.source_ranges if family.holds(one)]
    lines = [
        f"frontend {name}",
        f"    bind {_host(address)}:{port.port}",
        f"    mode {'http' if port.is_http else 'tcp'}",
        f"    option {'httplog' if port.is_http else 'tcplog'}",
    ]
    if balancer.source_ranges:
        allowed = f" unless {{ src {' '.join(ranges)} }}" if ranges else ""
        lines.append(f"    tcp-request connection reject{allowed}")
    if port.is_http:
        lines += ["    option forwardfor", f"    http-request set-header Forwarded {_FOR[family]}"]
    yield "\n".join([*lines, f"    default_backend {name}", ""])
    speaks = {"": "", "v1": " send-proxy", "v2": " send-proxy-v2"}[balancer.proxy_protocol]
    yield "\n".join(
        [
            f"backend {name}",
            f"    mode {'http' if port.is_http else 'tcp'}",
            f"    balance {'source' if balancer.is_sticky else 'roundrobin'}",
            *(
                f"    server {node.name} {_host(own)}:{port.node_port}{speaks}"
                for node in nodes
                for own in node.addresses
                if family.holds(own)
            ),
            "",
        ]
    )


_FOR: Final = {
    Family.IPV4: '"for=%[src];host=%[req.hdr(host)];proto=http"',
    Family.IPV6: r'"for=\"[%[src]]\";host=%[req.hdr(host)];proto=http"',
}


def _host(address: Address) -> str:
    return str(address) if address.version == 4 else f"[{address}]"
