"""The connection that the load balancer's HAProxy makes for one that ends there.

The kernel knows nothing of what belongs together here: the two connections meet in a program. What
tells them is the time and the port. HAProxy calls a NodePort of the Service when a client has come
to it, and nobody else calls that port from there: health checks ask other ports. Of clients that
come at once, the first to come has the first connection.
"""

from collections.abc import Collection, Iterable, Sequence
from typing import Final

from netlab.client.cluster import ServicePort
from netlab.model.hosts import Host, HostKind
from netlab.model.packets import AddressPair, AddrPort, Direction
from netlab.sources.observations import Observation
from netlab.trace.outcomes import Result

_SYN, _RST, _ACK = 0x02, 0x04, 0x10
_TCP: Final = "tcp"


def proxy_at(hosts: Iterable[Host], ended_at: str) -> Host | None:
    """Return the load balancer, if that is where a connection has ended."""
    return next((h for h in hosts if h.kind is HostKind.LB and h.name == ended_at), None)


def node_ports(ports: Iterable[ServicePort], target: AddrPort) -> frozenset[int]:
    """Return the NodePorts that a connection to an address of the balancer is carried on to."""
    return frozenset(
        port.node_port
        for port in ports
        if target.address in port.balancer_addresses
        and port.port == target.port
        and port.node_port is not None
    )


def onward_pair(
    seen: Sequence[Observation],
    first: AddressPair,
    proxy: Host,
    ports: Collection[int],
    taken: Collection[AddressPair],
) -> AddressPair | None:
    """Return the connection that a proxy made for another, as its own socket names it.

    Args:
        seen: Every packet, in the order of time.
        first: The connection that ended at the proxy.
        proxy: Its host.
        ports: Where it calls nodes.
        taken: Connections that belong to others.
    """
    own = frozenset(proxy.addresses)
    came = [one.time_ns for one in seen if one.host == proxy.name and one.pair == first]
    begun = (
        one.pair
        for one in seen
        if one.host == proxy.name
        and one.direction is Direction.OUT
        and one.key.protocol == _TCP
        and one.key.detail[2] & (_SYN | _ACK) == _SYN
        and came
        and one.time_ns >= came[0]
        and one.pair.source.address in own
        and one.pair.destination.port in ports
    )
    return next((pair for pair in begun if pair not in taken), None)


def result_of(seen: Iterable[Observation], pair: AddressPair, proxy: Host) -> Result:
    """Return how a connection of a proxy began, by what came back to it."""
    back = AddressPair(pair.destination, pair.source)
    at_proxy = [one for one in seen if one.host == proxy.name]
    flags = [one.key.detail[2] for one in at_proxy if one.pair == back]
    if any(one.quoted == pair for one in at_proxy):
        return Result.REFUSED
    if any(one & _SYN for one in flags):
        return Result.ANSWERED
    return Result.REFUSED if any(one & _RST for one in flags) else Result.TIMEOUT
