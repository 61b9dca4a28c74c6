"""What a capture says beside each frame, in a sentence."""

from collections.abc import Mapping

from netlab.model.packets import AddressPair, AddrPort, Direction

_WAYS = {Direction.IN: "into", Direction.OUT: "out of"}


class Naming:
    """Puts names in the place of addresses.

    Args:
        names: What to call each address; an address without a name stays one.
    """

    def __init__(self, names: Mapping[str, str]) -> None:
        self._names = names

    def end(self, end: AddrPort) -> str:
        """Return ``node2:30080``; without the port where there is none."""
        name = self.address(str(end.address))
        if end.port and name == str(end.address):
            return str(end)
        return f"{name}:{end.port}" if end.port else name

    def address(self, address: str) -> str:
        """Return the name of an address."""
        return self._names.get(address, address)

    def ends(self, pair: AddressPair) -> str:
        """Return ``client:52250 > node2:30080``."""
        return f"{self.end(pair.source)} > {self.end(pair.destination)}"


def hop_comment(name: str, direction: Direction, hop: int) -> str:
    """Return which hop of its packet a frame is, and where.

    Args:
        name: ``node2:eth0``.
        direction: As the host sees it.
        hop: From 1; 0 for a frame without an IP packet.

    >>> hop_comment("node2:eth0", Direction.IN, 3)
    'hop 3: into node2:eth0'
    """
    where = f"{_WAYS[direction]} {name}"
    return f"hop {hop}: {where}" if hop else where


def nat_comment(where: str, before: AddressPair, after: AddressPair, naming: Naming) -> str:
    """Return what NAT did to a packet since its observation before.

    Args:
        where: ``in node2``, or ``between client:eth0 and node2:eth0``.
        before: Addresses at that observation.
        after: Addresses now.
        naming: Names addresses.
    """
    changes = [
        f"{end} {naming.end(old)} => {naming.end(new)}"
        for end, old, new in (
            ("destination", before.destination, after.destination),
            ("source", before.source, after.source),
        )
        if old != new
    ]
    return f"NAT {where}: {', '.join(changes)}"
