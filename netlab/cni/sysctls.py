"""Kernel settings of each kind of namespace.

Every one that matters is written, because a new namespace takes its defaults from the host or from
whatever module the host has loaded.

* ``send_redirects``: a node that forwards out of the interface a packet came in by (NodePort to a
  pod elsewhere) would tell the sender to go round it.
* ``rp_filter``: off, as a Service's address has no route on its own.
* ``disable_ipv6``: in a lab without IPv6, no link has an address of it, nor its multicast in every
  capture; the loopback interface keeps ``::1``. ``all`` writes to the links that are there, so it
  comes first.
* ``accept_dad``, ``accept_ra``: every address is the plan's. It serves at once, without a look for
  duplicates, and no router is asked for more.
* ``bridge-nf-call-*``: with br_netfilter loaded every namespace starts with 1. Nodes need
  1; on the router's bridge the same setting would send frames on the wire through iptables.
* ``arp_notify``, ``ndisc_notify``: a pod tells its neighbours where it is when it comes up. A pod
  with the address of one that has gone has another MAC address, and the bridge CNI's node still
  knows the old one.
* ``icmp_ratemask``, ``icmp.ratemask``: empty, so that no ICMP error counts against a limit. The
  kernel would tell each caller once a second that it is refused, and all together fifty at once, so
  that the calls beyond would look dropped. Pods refuse datagrams this way too. Of ICMPv6 the mask
  is a list, which must name something: 255, a type that is never limited.
* ``fib_multipath_hash_policy``: 3 on the load balancer, so that a route with several ways is chosen
  by the fields that ``fib_multipath_hash_fields`` names, addresses, protocol and ports, and all
  packets of a connection take one. Kernels before 5.14 have 1, which also spreads by connections,
  but by a number of the sender's socket where both are on one machine. Elsewhere it is 0.
* ``route_localnet``: kube-proxy sets it in iptables mode, so that 127.0.0.1:NODEPORT works. In
  nftables mode NodePorts do not answer there, and no rule keeps others from 127.0.0.0/8.
"""

from functools import cache
from typing import Final

from netlab.model.addresses import Family
from netlab.model.links import Sysctl
from netlab.model.topology import Topology

_IPV4: Final = {
    "net.ipv4.conf.all.rp_filter": "0",
    "net.ipv4.conf.default.rp_filter": "0",
    "net.ipv4.conf.all.send_redirects": "0",
    "net.ipv4.conf.default.send_redirects": "0",
    "net.ipv4.conf.all.accept_redirects": "0",
    "net.ipv4.conf.default.accept_redirects": "0",
    "net.ipv4.conf.default.arp_notify": "1",
    "net.ipv4.icmp_ratemask": "0",
}
_IPV6: Final = {
    "net.ipv6.conf.all.disable_ipv6": "0",
    "net.ipv6.conf.all.accept_dad": "0",
    "net.ipv6.conf.default.accept_dad": "0",
    "net.ipv6.conf.default.accept_ra": "0",
    "net.ipv6.conf.default.router_solicitations": "0",
    "net.ipv6.conf.all.accept_redirects": "0",
    "net.ipv6.conf.default.accept_redirects": "0",
    "net.ipv6.conf.default.ndisc_notify": "1",
    "net.ipv6.icmp.ratemask": "255",
}
_HASH_FIELDS: Final = "55"
"""Source, destination, protocol, and both ports (Documentation/networking/ip-sysctl.rst)."""
_NO_IPV6: Final = {
    "net.ipv6.conf.all.disable_ipv6": "1",
    "net.ipv6.conf.lo.disable_ipv6": "0",
}


def host(topology: Topology) -> tuple[Sysctl, ...]:
    """Return the settings of a client or a pod."""
    return _sysctls(has_ipv6=_has_ipv6(topology))


def router(topology: Topology) -> tuple[Sysctl, ...]:
    """Return the settings of the router."""
    return _sysctls(has_ipv6=_has_ipv6(topology), forward=True)


def load_balancer(topology: Topology) -> tuple[Sysctl, ...]:
    """Return the settings of the load balancer."""
    return _sysctls(has_ipv6=_has_ipv6(topology), forward=True, spread=True)


def node(topology: Topology) -> tuple[Sysctl, ...]:
    """Return the settings of a node."""
    return _sysctls(
        has_ipv6=_has_ipv6(topology),
        forward=True,
        bridge_nf_call=True,
        route_localnet=topology.proxy.has_localhost_node_ports(),
    )


def _has_ipv6(topology: Topology) -> bool:
    return Family.IPV6 in topology.families


@cache
def _sysctls(
    *,
    has_ipv6: bool,
    forward: bool = False,
    bridge_nf_call: bool = False,
    route_localnet: bool = False,
    spread: bool = False,
) -> tuple[Sysctl, ...]:
    ipv4 = {
        **_IPV4,
        "net.ipv4.ip_forward": str(int(forward)),
        "net.ipv4.conf.all.route_localnet": str(int(route_localnet)),
    }
    own = {"net.ipv6.conf.all.forwarding": str(int(forward))}
    ipv6 = {**_IPV6, **own} if has_ipv6 else _NO_IPV6
    bridge = {
        f"net.bridge.bridge-nf-call-{tool}": str(int(bridge_nf_call))
        for tool in ("iptables", "ip6tables", "arptables")
    }
    return (
        *(Sysctl(key=key, value=value) for key, value in ipv4.items()),
        # A kernel started with ipv6.disable=1 has none of these.
        *(Sysctl(key=key, value=value, if_present=not has_ipv6) for key, value in ipv6.items()),
        *(Sysctl(key=key, value=value, if_present=True) for key, value in bridge.items()),
        *_multipath("ipv4", spread=spread),
        # For a lab without IPv6 too: one that gains it finds them set.
        *_multipath("ipv6", spread=spread),
    )


def _multipath(family: str, *, spread: bool) -> tuple[Sysctl, ...]:
    key = f"net.{family}.fib_multipath_hash_"
    if not spread:
        return (Sysctl(key=f"{key}policy", value="0", if_present=True),)
    return (
        Sysctl(key=f"{key}fields", value=_HASH_FIELDS, if_present=True),
        Sysctl(key=f"{key}policy", value="3", if_present=True, fallback="1"),
    )


KEYS: Final = tuple(
    {
        sysctl.key: None
        for has_ipv6 in (True, False)
        for sysctl in _sysctls(has_ipv6=has_ipv6, spread=True)
    }
)
"""Every setting that any namespace is given."""
