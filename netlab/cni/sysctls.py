"""Kernel settings of each kind of namespace.

Every one that matters is written, because a new namespace takes its defaults from the host or from
whatever module the host has loaded.

* ``send_redirects``: a node that forwards out of the interface a packet came in by (NodePort to a
  pod elsewhere) would tell the sender to go round it.
* ``rp_filter``: off, as a Service's address has no route on its own.
* ``default.disable_ipv6``: links come up without router solicitations and duplicate address
  detection in every capture; the loopback interface keeps ``::1``.
* ``bridge-nf-call-*``: with br_netfilter loaded every namespace starts with 1. Nodes need
  1; on the router's bridge the same setting would send frames on the wire through iptables.
* ``arp_notify``: a pod tells its neighbours where it is when it comes up. A pod with the address of
  one that has gone has another MAC address, and the bridge CNI's node still knows the old one.
* ``icmp_ratemask``: 0, so that no ICMP error counts against a limit. The kernel would tell each
  caller once a second that it is refused, and all together fifty at once, so that the calls beyond
  would look dropped. Pods refuse datagrams this way too.
* ``route_localnet``: kube-proxy sets it in iptables mode, so that 127.0.0.1:NODEPORT works. In
  nftables mode NodePorts do not answer there, and no rule keeps others from 127.0.0.0/8.
"""

from typing import Final

from netlab.model.links import Sysctl

_COMMON: Final = {
    "net.ipv6.conf.default.disable_ipv6": "1",
    "net.ipv4.conf.all.rp_filter": "0",
    "net.ipv4.conf.default.rp_filter": "0",
    "net.ipv4.conf.all.send_redirects": "0",
    "net.ipv4.conf.default.send_redirects": "0",
    "net.ipv4.conf.all.accept_redirects": "0",
    "net.ipv4.conf.default.accept_redirects": "0",
    "net.ipv4.conf.default.arp_notify": "1",
    "net.ipv4.icmp_ratemask": "0",
}


def _sysctls(*, forward: bool, node: bool, route_localnet: bool = False) -> tuple[Sysctl, ...]:
    settings = {
        **_COMMON,
        "net.ipv4.ip_forward": str(int(forward)),
        "net.ipv4.conf.all.route_localnet": str(int(route_localnet)),
    }
    bridged = str(int(node))
    return tuple(Sysctl(key=key, value=value) for key, value in settings.items()) + tuple(
        Sysctl(key=f"net.bridge.bridge-nf-call-{tool}", value=bridged, if_present=True)
        for tool in ("iptables", "ip6tables", "arptables")
    )


HOST: Final = _sysctls(forward=False, node=False)
"""A client, a pod or the load balancer."""
ROUTER: Final = _sysctls(forward=True, node=False)
NODES: Final = {
    has_localhost_node_ports: _sysctls(
        forward=True, node=True, route_localnet=has_localhost_node_ports
    )
    for has_localhost_node_ports in (True, False)
}
"""A node, by whether NodePorts answer on its loopback address."""
