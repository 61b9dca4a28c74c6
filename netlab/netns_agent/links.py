"""Operations on links, addresses and routes, as netlink requests.

Every request goes through a socket of the namespace it is for. Kernels before 6.18 make the near
end of a veth pair in the namespace of the *socket* first, whatever the request says; sent from the
host it would clash with the host's own ``eth0``.
"""

import socket
from collections.abc import Callable
from typing import Final

from pyroute2.netlink.rtnl.ifaddrmsg import ifaddrmsg
from pyroute2.netlink.rtnl.ifinfmsg import ifinfmsg
from pyroute2.netlink.rtnl.rtmsg import rtmsg

from netlab.linux import rtnetlink
from netlab.linux.netlink_messages import NLM_F_CREATE, NLM_F_EXCL, NLM_F_REPLACE
from netlab.linux.rtnetlink import encode
from netlab.plan import ops

_IFF_UP: Final = 1
_RT_TABLE_MAIN: Final = 254
_RTPROT_STATIC: Final = 4
_RT_SCOPE_UNIVERSE: Final = 0
_RT_SCOPE_LINK: Final = 253
_RTN_UNICAST: Final = 1
_RTN_UNREACHABLE: Final = 7
"""linux/rtnetlink.h"""

IndexOf = Callable[[str], int]
"""Interface name to its number in the namespace at hand."""


def create_bridge(op: ops.CreateBridge) -> bytes:
    """Return the request that makes a bridge."""
    message = _link(op.ifname, op.mac, op.mtu)
    message["attrs"].append(("IFLA_LINKINFO", {"attrs": [("IFLA_INFO_KIND", "bridge")]}))
    return encode(message, rtnetlink.RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL)


def create_veth(op: ops.CreateVeth, peer_netns: int) -> bytes:
    """Return the request that makes a veth pair; ``peer_netns`` is an open file descriptor."""
    peer = [
        ("IFLA_IFNAME", op.peer.ifname),
        ("IFLA_MTU", op.mtu),
        ("IFLA_ADDRESS", op.peer.mac),
        ("IFLA_NET_NS_FD", peer_netns),
    ]
    kind = {
        "attrs": [
            ("IFLA_INFO_KIND", "veth"),
            ("IFLA_INFO_DATA", {"attrs": [("VETH_INFO_PEER", {"attrs": peer})]}),
        ]
    }
    message = _link(op.ifname, op.mac, op.mtu)
    message["attrs"].append(("IFLA_LINKINFO", kind))
    return encode(message, rtnetlink.RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL)


def delete_link(index: int) -> bytes:
    """Return the request that removes a link."""
    message = ifinfmsg()
    message["index"] = index
    return encode(message, rtnetlink.RTM_DELLINK, 0)


def set_link_up(index: int, master: int | None) -> bytes:
    """Return the request that brings a link up, as a port of ``master`` if there is one."""
    message = ifinfmsg()
    message["index"] = index
    message["flags"] = _IFF_UP
    message["change"] = _IFF_UP
    if master is not None:
        message["attrs"] = [("IFLA_MASTER", master)]
    return encode(message, rtnetlink.RTM_NEWLINK, 0)


def set_hairpin(index: int) -> bytes:
    """Return the request that puts a bridge port into hairpin mode."""
    port = {"attrs": [("IFLA_BRPORT_MODE", 1)]}
    kind = {"attrs": [("IFLA_INFO_SLAVE_KIND", "bridge"), ("IFLA_INFO_SLAVE_DATA", port)]}
    message = ifinfmsg()
    message["index"] = index
    message["attrs"] = [("IFLA_LINKINFO", kind)]
    return encode(message, rtnetlink.RTM_NEWLINK, 0)


def address(op: ops.AddAddress | ops.DeleteAddress, index: int) -> bytes:
    """Return the request that adds or removes an address."""
    message = ifaddrmsg()
    message["family"] = socket.AF_INET if op.address.version == 4 else socket.AF_INET6
    message["prefixlen"] = op.address.network.prefixlen
    message["index"] = index
    message["attrs"] = [
        ("IFA_LOCAL", str(op.address.ip)),
        ("IFA_ADDRESS", str(op.address.ip)),
    ]
    if isinstance(op, ops.DeleteAddress):
        return encode(message, rtnetlink.RTM_DELADDR, 0)
    if op.address.version == 4 and op.address.network.prefixlen < 31:
        broadcast = str(op.address.network.broadcast_address)
        message["attrs"].append(("IFA_BROADCAST", broadcast))
    return encode(message, rtnetlink.RTM_NEWADDR, NLM_F_CREATE | NLM_F_REPLACE)


def route(op: ops.AddRoute | ops.DeleteRoute, index_of: IndexOf) -> bytes:
    """Return the request that adds or removes a route of the main table."""
    message = rtmsg()
    message["family"] = socket.AF_INET if op.destination.version == 4 else socket.AF_INET6
    message["dst_len"] = op.destination.prefixlen
    message["table"] = _RT_TABLE_MAIN
    message["proto"] = _RTPROT_STATIC
    is_local = op.ifname and not op.gateway
    message["scope"] = _RT_SCOPE_LINK if is_local else _RT_SCOPE_UNIVERSE
    if op.destination.prefixlen:
        message["attrs"].append(("RTA_DST", str(op.destination.network_address)))
    if op.gateway:
        message["attrs"].append(("RTA_GATEWAY", str(op.gateway)))
    if op.ifname:
        message["attrs"].append(("RTA_OIF", index_of(op.ifname)))
    if isinstance(op, ops.DeleteRoute):
        # Of any type, and through any gateways.
        return encode(message, rtnetlink.RTM_DELROUTE, 0)
    message["type"] = _RTN_UNREACHABLE if op.is_unreachable else _RTN_UNICAST
    if op.nexthops:
        ways = [
            {"hops": one.weight - 1, "attrs": [("RTA_GATEWAY", str(one.gateway))]}
            for one in op.nexthops
        ]
        message["attrs"].append(("RTA_MULTIPATH", ways))
    return encode(message, rtnetlink.RTM_NEWROUTE, NLM_F_CREATE | NLM_F_REPLACE)


def _link(ifname: str, mac: str, mtu: int) -> ifinfmsg:
    message = ifinfmsg()
    message["attrs"] = [("IFLA_IFNAME", ifname), ("IFLA_MTU", mtu), ("IFLA_ADDRESS", mac)]
    return message
