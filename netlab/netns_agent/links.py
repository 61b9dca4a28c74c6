"""Operations on links, addresses and routes, as netlink requests.

Every request goes through a socket of the namespace it is for. Kernels before 6.18 make the near
end of a veth pair in the namespace of the *socket* first, whatever the request says; sent from the
host it would clash with the host's own ``eth0``.
"""

from collections.abc import Callable, Iterator

from netlab.linux import rtnetlink
from netlab.linux.netlink_messages import (
    NLM_F_CREATE,
    NLM_F_EXCL,
    NLM_F_REPLACE,
    attribute,
    nested,
    request,
    string,
    u32,
)
from netlab.plan import ops

IndexOf = Callable[[str], int]
"""Interface name to its number in the namespace at hand."""


def create_bridge(op: ops.CreateBridge) -> bytes:
    """Return the request that makes a bridge."""
    kind = string(rtnetlink.IFLA_INFO_KIND, "bridge")
    return _new_link(op.ifname, op.mac, op.mtu, kind)


def create_veth(op: ops.CreateVeth, peer_netns: int) -> bytes:
    """Return the request that makes a veth pair; ``peer_netns`` is an open file descriptor."""
    peer = b"".join(
        [
            _link(),
            _link_attributes(op.peer.ifname, op.peer.mac, op.mtu),
            u32(rtnetlink.IFLA_NET_NS_FD, peer_netns),
        ]
    )
    kind = string(rtnetlink.IFLA_INFO_KIND, "veth")
    data = nested(rtnetlink.IFLA_INFO_DATA, attribute(rtnetlink.VETH_INFO_PEER, peer))
    return _new_link(op.ifname, op.mac, op.mtu, kind + data)


def delete_link(index: int) -> bytes:
    """Return the request that removes a link."""
    return request(rtnetlink.RTM_DELLINK, _link(index))


def set_link_up(index: int, master: int | None) -> bytes:
    """Return the request that brings a link up, as a port of ``master`` if there is one."""
    up = rtnetlink.IFF_UP
    body = u32(rtnetlink.IFLA_MASTER, master) if master is not None else b""
    return request(rtnetlink.RTM_NEWLINK, _link(index, up, up) + body)


def set_hairpin(index: int) -> bytes:
    """Return the request that puts a bridge port into hairpin mode."""
    kind = nested(
        rtnetlink.IFLA_LINKINFO,
        string(rtnetlink.IFLA_INFO_SLAVE_KIND, "bridge"),
        nested(rtnetlink.IFLA_INFO_SLAVE_DATA, attribute(rtnetlink.IFLA_BRPORT_MODE, b"\1")),
    )
    return request(rtnetlink.RTM_NEWLINK, _link(index) + kind)


def address(op: ops.AddAddress | ops.DeleteAddress, index: int) -> bytes:
    """Return the request that adds or removes an address."""
    own, network = op.address.ip, op.address.network
    body = rtnetlink.IFADDRMSG.pack(rtnetlink.family_number(own), network.prefixlen, 0, 0, index)
    body += attribute(rtnetlink.IFA_LOCAL, own.packed) + attribute(
        rtnetlink.IFA_ADDRESS, own.packed
    )
    if isinstance(op, ops.DeleteAddress):
        return request(rtnetlink.RTM_DELADDR, body)
    if own.version == 4 and network.prefixlen < 31:
        body += attribute(rtnetlink.IFA_BROADCAST, network.broadcast_address.packed)
    return request(rtnetlink.RTM_NEWADDR, body, NLM_F_CREATE | NLM_F_REPLACE)


def route(op: ops.AddRoute | ops.DeleteRoute, index_of: IndexOf) -> bytes:
    """Return the request that adds or removes a route of the main table."""
    body = b"".join(_route_attributes(op, index_of))
    if isinstance(op, ops.DeleteRoute):
        # Of any type, and through any gateways.
        return request(rtnetlink.RTM_DELROUTE, _route(op, 0) + body)
    kind = rtnetlink.RTN_UNREACHABLE if op.is_unreachable else rtnetlink.RTN_UNICAST
    if op.nexthops:
        ways = b"".join(rtnetlink.nexthop(one.gateway, one.weight) for one in op.nexthops)
        body += attribute(rtnetlink.RTA_MULTIPATH, ways)
    return request(rtnetlink.RTM_NEWROUTE, _route(op, kind) + body, NLM_F_CREATE | NLM_F_REPLACE)


def _route(op: ops.AddRoute | ops.DeleteRoute, kind: int) -> bytes:
    destination = op.destination
    is_local = op.ifname and not op.gateway
    return rtnetlink.RTMSG.pack(
        rtnetlink.family_number(destination.network_address),
        destination.prefixlen,
        0,
        0,
        rtnetlink.RT_TABLE_MAIN,
        rtnetlink.RTPROT_STATIC,
        rtnetlink.RT_SCOPE_LINK if is_local else rtnetlink.RT_SCOPE_UNIVERSE,
        kind,
        0,
    )


def _route_attributes(op: ops.AddRoute | ops.DeleteRoute, index_of: IndexOf) -> Iterator[bytes]:
    if op.destination.prefixlen:
        yield attribute(rtnetlink.RTA_DST, op.destination.network_address.packed)
    if op.gateway:
        yield attribute(rtnetlink.RTA_GATEWAY, op.gateway.packed)
    if op.ifname:
        yield u32(rtnetlink.RTA_OIF, index_of(op.ifname))


def _new_link(ifname: str, mac: str, mtu: int, kind: bytes) -> bytes:
    info = nested(rtnetlink.IFLA_LINKINFO, kind)
    body = _link() + _link_attributes(ifname, mac, mtu) + info
    return request(rtnetlink.RTM_NEWLINK, body, NLM_F_CREATE | NLM_F_EXCL)


def _link(index: int = 0, flags: int = 0, change: int = 0) -> bytes:
    return rtnetlink.IFINFOMSG.pack(0, 0, index, flags, change)


def _link_attributes(ifname: str, mac: str, mtu: int) -> bytes:
    return b"".join(
        [
            string(rtnetlink.IFLA_IFNAME, ifname),
            u32(rtnetlink.IFLA_MTU, mtu),
            attribute(rtnetlink.IFLA_ADDRESS, rtnetlink.mac_bytes(mac)),
        ]
    )
