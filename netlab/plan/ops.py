"""Operations on network namespaces, as values; ``str(op)`` is the command a person would type.

``netlab.netns_agent.apply`` carries them out, through netlink rather than through these commands.
"""

from dataclasses import dataclass

from netlab.model.addresses import Address, Network
from netlab.model.links import Interface, NextHop, Peer
from netlab.model.names import NetnsName


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateNetns:
    """Make a network namespace with its loopback interface up."""

    netns: NetnsName

    def __str__(self) -> str:
        """Return the iproute2 commands that do the same."""
        return f"ip netns add {self.netns} && ip -n {self.netns} link set lo up"


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteNetns:
    """Remove a network namespace's name; its links go when no process lives in it."""

    netns: NetnsName

    def __str__(self) -> str:
        """Return the iproute2 command that does the same."""
        return f"ip netns delete {self.netns}"


@dataclass(frozen=True, slots=True, kw_only=True)
class SetSysctl:
    """Write a kernel setting of one namespace."""

    netns: NetnsName
    key: str
    value: str
    if_present: bool = False
    fallback: str = ""
    """The value for kernels that refuse the first one; empty for none."""

    def __str__(self) -> str:
        """Return the sysctl command that does the same."""
        ignore = "-e " if self.if_present else ""
        write = f"ip netns exec {self.netns} sysctl -q {ignore}-w {self.key}="
        second = f" || {write}{self.fallback}" if self.fallback else ""
        return f"{write}{self.value}{second}"


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateBridge:
    """Make a bridge."""

    netns: NetnsName
    ifname: str
    mac: str
    mtu: int

    def __str__(self) -> str:
        """Return the iproute2 command that does the same."""
        return (
            f"ip -n {self.netns} link add {self.ifname} mtu {self.mtu} address {self.mac} "
            "type bridge"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateVeth:
    """Make a veth pair, both ends where they belong from the first moment."""

    netns: NetnsName
    ifname: str
    mac: str
    mtu: int
    peer: Peer

    def __str__(self) -> str:
        """Return the iproute2 command that does the same."""
        return (
            f"ip -n {self.netns} link add {self.ifname} mtu {self.mtu} address {self.mac} "
            f"type veth peer name {self.peer.ifname} mtu {self.mtu} address {self.peer.mac} "
            f"netns {self.peer.netns}"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteLink:
    """Remove a link, and with it the other end of a veth pair."""

    netns: NetnsName
    ifname: str

    def __str__(self) -> str:
        """Return the iproute2 command that does the same."""
        return f"ip -n {self.netns} link delete {self.ifname}"


@dataclass(frozen=True, slots=True, kw_only=True)
class DisableOffloads:
    """Switch off what makes a capture differ from the wire: segmentation, merging, checksums."""

    netns: NetnsName
    ifname: str

    def __str__(self) -> str:
        """Return the ethtool command that does the same."""
        return f"ip netns exec {self.netns} ethtool -K {self.ifname} tx off tso off gso off gro off"


@dataclass(frozen=True, slots=True, kw_only=True)
class SetLinkUp:
    """Bring a link up, as the port of a bridge if ``master`` names one."""

    netns: NetnsName
    ifname: str
    master: str | None = None

    def __str__(self) -> str:
        """Return the iproute2 command that does the same."""
        master = f"master {self.master} " if self.master else ""
        return f"ip -n {self.netns} link set {self.ifname} {master}up"


@dataclass(frozen=True, slots=True, kw_only=True)
class SetHairpin:
    """Let a bridge send a frame back out of the port it came in by."""

    netns: NetnsName
    ifname: str

    def __str__(self) -> str:
        """Return the iproute2 command that does the same."""
        return f"ip -n {self.netns} link set {self.ifname} type bridge_slave hairpin on"


@dataclass(frozen=True, slots=True, kw_only=True)
class AddAddress:
    """Give a link an address."""

    netns: NetnsName
    ifname: str
    address: Interface

    def __str__(self) -> str:
        """Return the iproute2 command that does the same."""
        has_broadcast = self.address.version == 4 and self.address.network.prefixlen < 31
        broadcast = " brd +" if has_broadcast else ""
        return f"ip -n {self.netns} address replace {self.address}{broadcast} dev {self.ifname}"


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteAddress:
    """Take an address away from a link."""

    netns: NetnsName
    ifname: str
    address: Interface

    def __str__(self) -> str:
        """Return the iproute2 command that does the same."""
        return f"ip -n {self.netns} address delete {self.address} dev {self.ifname}"


@dataclass(frozen=True, slots=True, kw_only=True)
class AddRoute:
    """Send packets for ``destination`` out of a link, to a gateway or to several, or refuse them.

    A route for the same destination is replaced at once.
    """

    netns: NetnsName
    destination: Network
    ifname: str | None = None
    gateway: Address | None = None
    nexthops: tuple[NextHop, ...] = ()
    is_unreachable: bool = False

    def __str__(self) -> str:
        """Return the iproute2 command that does the same."""
        kind = "unreachable " if self.is_unreachable else ""
        nexthops = "".join(
            f" nexthop via {one.gateway}" + (f" weight {one.weight}" if one.weight > 1 else "")
            for one in self.nexthops
        )
        return f"ip -n {self.netns} route replace {kind}{_route(self)} proto static{nexthops}"


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteRoute:
    """Take an entry out of the main routing table."""

    netns: NetnsName
    destination: Network
    ifname: str | None = None
    gateway: Address | None = None

    def __str__(self) -> str:
        """Return the iproute2 command that does the same."""
        return f"ip -n {self.netns} route delete {_route(self)}"


Op = (
    CreateNetns
    | DeleteNetns
    | SetSysctl
    | CreateBridge
    | CreateVeth
    | DeleteLink
    | DisableOffloads
    | SetLinkUp
    | SetHairpin
    | AddAddress
    | DeleteAddress
    | AddRoute
    | DeleteRoute
)
"""Every kind of operation; ``netlab.netns_agent.apply`` matches on it exhaustively."""


def _route(op: AddRoute | DeleteRoute) -> str:
    destination = "default" if op.destination.prefixlen == 0 else str(op.destination)
    via = f" via {op.gateway}" if op.gateway else ""
    dev = f" dev {op.ifname}" if op.ifname else ""
    return f"{destination}{via}{dev}"
