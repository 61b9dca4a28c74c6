"""What connection tracking says while connections come and go, in one namespace.

A connection that was made while nobody listened gives no events later (``nf_conntrack_events`` is
2 by default), so listening begins before the first packet. A packet that is dropped before the end
of its way leaves no entry, and no event.
"""

from netlab.linux.ctnetlink import IPCTNL_MSG_CT_NEW
from netlab.linux.netlink_messages import Message
from netlab.linux.packet_ring import Enter
from netlab.model.hosts import Host
from netlab.sources.conntrack_entries import ConntrackEntry
from netlab.sources.conntrack_message import parse_tracked
from netlab.sources.conntrack_table import open_events

_TRACED = frozenset({"tcp", "udp", "icmp"})


class ConntrackEvents:
    """Entries of one namespace as they are made and change; selectable, drained by its owner.

    Args:
        host: Whose connections.
        enter: Moves this thread into its namespace.

    Raises:
        FileNotFoundError: The namespace is gone.
        OSError: The kernel refused.
    """

    def __init__(self, host: Host, enter: Enter) -> None:
        self._host = host
        self._socket = open_events(host, enter)
        self.entries: list[ConntrackEntry] = []
        """Every new or changed entry, in the kernel's order; one that goes is not told again."""

    @property
    def lost(self) -> int:
        """How many times the kernel said that events found no room."""
        return self._socket.lost

    def fileno(self) -> int:
        """Return the descriptor that becomes readable when an event is there."""
        return self._socket.fileno()

    def serve(self) -> None:
        """Read what is there."""
        told = (m for m in self._socket.drain() if m.kind == IPCTNL_MSG_CT_NEW)
        found = map(self._decode, told)
        self.entries += [entry for entry in found if entry is not None]

    def close(self) -> None:
        """Stop hearing."""
        self._socket.close()

    def _decode(self, message: Message) -> ConntrackEntry | None:
        tracked = parse_tracked(message)
        if tracked is None:
            return None
        # A trace has one word for both kinds of ICMP.
        protocol = "icmp" if tracked.protocol == "icmpv6" else tracked.protocol
        if protocol not in _TRACED:
            return None
        return ConntrackEntry(
            host=self._host.name,
            identity=tracked.identity,
            protocol=protocol,
            original=tracked.original,
            reply=tracked.reply,
            state=tracked.state,
        )
