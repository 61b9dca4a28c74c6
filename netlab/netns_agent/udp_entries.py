"""UDP connections of conntrack, and which of them are to go.

The values that cross the channel with a request to look through a namespace's entries.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from netlab.model.addresses import Address

Place = tuple[Address, int]
"""An address and a port."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UdpConnection:
    """One UDP entry of conntrack: where the first packet was sent, and who answers."""

    sent_to: Place
    answered_by: Place


@dataclass(frozen=True, slots=True, kw_only=True)
class UdpServices:
    """Where UDP ports lead that are somebody's to serve: Services', or hostPorts."""

    by_address: Mapping[Place, frozenset[Place]]
    """Serving endpoints by ClusterIP, external IP or VIP, and port."""
    by_node_port: Mapping[int, frozenset[Place]]
    gone: frozenset[Place] = frozenset()
    """Where nobody serves any more; no connection there is to be kept."""

    def __bool__(self) -> bool:
        """Tell whether there is any such port."""
        return bool(self.by_address or self.gone)

    def is_stale(self, connection: UdpConnection) -> bool:
        """Tell whether a connection is held by what does not serve it."""
        if connection.sent_to in self.gone:
            return True
        leads = (
            self.by_address.get(connection.sent_to),
            self.by_node_port.get(connection.sent_to[1]),
        )
        return any(serving and connection.answered_by not in serving for serving in leads)
