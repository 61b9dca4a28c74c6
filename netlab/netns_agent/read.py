"""Read a lab's namespaces back from the kernel, as the values the plan compares with.

Only what netlab itself sets is read: veth ends and bridges, addresses that are not link-local,
static routes of the main table; of a link that is down neither addresses nor bridge. Settings are
read for the keys that the plan writes, so a namespace whose settings someone changed differs from
its plan.
"""

import socket
from collections.abc import Iterable
from ipaddress import ip_address, ip_interface, ip_network
from pathlib import Path

from netlab.cni import sysctls
from netlab.linux import netns, netns_names, rtnetlink
from netlab.linux.netlink import NetlinkSocket
from netlab.linux.netlink_messages import (
    NLM_F_DUMP,
    Message,
    attributes,
    request,
    text_of,
    u32_of,
)
from netlab.model.links import Interface, LabState, Link, NetnsState, NextHop, Route, Sysctl


def read_lab(lab: str) -> LabState:
    """Return every whole namespace of ``lab``; leftovers of one cut short are not in it.

    Raises:
        OSError: The kernel refused to list.
    """
    state = {}
    for name in netns_names.names_of(lab):
        if netns_names.is_mounted(name):
            with netns.inside(name):
                state[name] = _read_netns()
    return state


def _read_netns() -> NetnsState:
    with NetlinkSocket() as route_socket:
        addresses = _addresses(route_socket.ask(_ALL_ADDRESSES))
        links = [_LinkMessage(message) for message in route_socket.ask(_ALL_LINKS)]
        routes = [message for asked in _ALL_ROUTES for message in route_socket.ask(asked)]
    names = {link.index: link.ifname for link in links}
    return NetnsState(
        sysctls=_sysctls(),
        links=tuple(
            link.link(names, addresses.get(link.index, ()))
            for link in sorted(links, key=lambda link: link.index)
            if link.ifname != "lo"
        ),
        routes=tuple(_route(message, names) for message in routes if _is_ours(message)),
    )


_ALL_LINKS = request(rtnetlink.RTM_GETLINK, rtnetlink.IFINFOMSG.pack(0, 0, 0, 0, 0), NLM_F_DUMP)
_ALL_ADDRESSES = request(rtnetlink.RTM_GETADDR, rtnetlink.IFADDRMSG.pack(0, 0, 0, 0, 0), NLM_F_DUMP)
_ALL_ROUTES = tuple(
    request(rtnetlink.RTM_GETROUTE, rtnetlink.RTMSG.pack(family, *[0] * 8), NLM_F_DUMP)
    for family in (socket.AF_INET, socket.AF_INET6)
)


def _sysctls() -> tuple[Sysctl, ...]:
    found = []
    for key in sysctls.KEYS:
        path = Path("/proc/sys", *key.split("."))
        if path.exists():
            found.append(Sysctl(key=key, value=path.read_text().strip()))
    return tuple(found)


def _addresses(messages: Iterable[Message]) -> dict[int, tuple[Interface, ...]]:
    found: dict[int, tuple[Interface, ...]] = {}
    for message in messages:
        _, length, _, _, index = rtnetlink.IFADDRMSG.unpack_from(message.payload)
        one = message.attributes(rtnetlink.IFADDRMSG.size)
        packed = one.get(rtnetlink.IFA_LOCAL) or one[rtnetlink.IFA_ADDRESS]
        address = ip_interface((packed, length))
        if not address.is_link_local:
            found[index] = (*found.get(index, ()), address)
    return found


class _LinkMessage:
    def __init__(self, message: Message) -> None:
        header = rtnetlink.IFINFOMSG.unpack_from(message.payload)
        self.index: int = header[2]
        # A link that was left half made is not up yet, whatever else it has.
        self._is_up = bool(header[3] & rtnetlink.IFF_UP)
        self._attributes = message.attributes(rtnetlink.IFINFOMSG.size)
        self.ifname = text_of(self._attributes.get(rtnetlink.IFLA_IFNAME))

    def link(self, names: dict[int, str], addresses: tuple[Interface, ...]) -> Link:
        found = self._attributes
        master = names.get(u32_of(found.get(rtnetlink.IFLA_MASTER)))
        return Link(
            ifname=self.ifname,
            mac=found.get(rtnetlink.IFLA_ADDRESS, b"").hex(":"),
            mtu=u32_of(found.get(rtnetlink.IFLA_MTU)),
            addresses=addresses if self._is_up else (),
            master=master if self._is_up else None,
            hairpin=self._hairpin(),
        )

    def _hairpin(self) -> bool:
        kind = attributes(self._attributes.get(rtnetlink.IFLA_LINKINFO, b""))
        port = attributes(kind.get(rtnetlink.IFLA_INFO_SLAVE_DATA, b""))
        return any(port.get(rtnetlink.IFLA_BRPORT_MODE, b""))


def _is_ours(message: Message) -> bool:
    _, _, _, _, table, protocol, *_ = rtnetlink.RTMSG.unpack_from(message.payload)
    return bool(protocol == rtnetlink.RTPROT_STATIC and table == rtnetlink.RT_TABLE_MAIN)


def _route(message: Message, names: dict[int, str]) -> Route:
    family, length, _, _, _, _, _, kind, _ = rtnetlink.RTMSG.unpack_from(message.payload)
    found = message.attributes(rtnetlink.RTMSG.size)
    gateway = found.get(rtnetlink.RTA_GATEWAY)
    everything = bytes(4 if family == socket.AF_INET else 16)
    is_unreachable = kind == rtnetlink.RTN_UNREACHABLE
    return Route(
        destination=ip_network((found.get(rtnetlink.RTA_DST, everything), length)),
        gateway=ip_address(gateway) if gateway else None,
        ifname=None
        if gateway or is_unreachable
        else names.get(u32_of(found.get(rtnetlink.RTA_OIF))),
        nexthops=tuple(
            NextHop(gateway=ip_address(way[rtnetlink.RTA_GATEWAY]), weight=weight)
            for way, weight in rtnetlink.nexthops(found.get(rtnetlink.RTA_MULTIPATH, b""))
        ),
        is_unreachable=is_unreachable,
    )
