"""Hosts of a running lab: everything that has a network namespace of its own."""

from dataclasses import dataclass
from enum import StrEnum

from netlab.model.addresses import Address, Family
from netlab.model.names import NetnsName


class HostKind(StrEnum):
    """What a host is, in the drawing of a lab."""

    CLIENT = "client"
    ROUTER = "router"
    LB = "lb"
    NODE = "node"
    POD = "pod"


@dataclass(frozen=True, slots=True, kw_only=True)
class Host:
    """One network namespace of a lab."""

    name: str
    """As users type it: ``node1``, ``web-1``, or ``prod/web-1`` outside namespace ``default``."""
    kind: HostKind
    netns: NetnsName
    addresses: tuple[Address, ...]
    """Its own addresses, the one others know it by first; empty for a pod that has none yet."""
    node: str | None = None
    """The node that runs it, for a pod."""

    def address(self, family: Family) -> Address | None:
        """Return the address of a family that others know it by; None when it has none of it."""
        return next((address for address in self.addresses if family.holds(address)), None)
