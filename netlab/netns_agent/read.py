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
from typing import Any, Final

from pyroute2.netlink.rtnl.ifaddrmsg import ifaddrmsg
from pyroute2.netlink.rtnl.ifinfmsg import ifinfmsg
from pyroute2.netlink.rtnl.rtmsg import rtmsg

from netlab.cni import sysctls
from netlab.linux import netns, netns_names, rtnetlink
from netlab.linux.netlink import NetlinkSocket
from netlab.linux.rtnetlink import dump
from netlab.model.links import Interface, LabState, Link, NetnsState, NextHop, Route, Sysctl

_IFF_UP: Final = 1
_RTPROT_STATIC: Final = 4
_RT_TABLE_MAIN: Final = 254
_RTN_UNREACHABLE: Final = 7


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
        addresses = _addresses(dump(route_socket, ifaddrmsg(), rtnetlink.RTM_GETADDR))
        links = dump(route_socket, ifinfmsg(), rtnetlink.RTM_GETLINK)
        routes = [
            route
            for family in (socket.AF_INET, socket.AF_INET6)
            for route in dump(route_socket, _of_family(rtmsg(), family), rtnetlink.RTM_GETROUTE)
        ]
    names = {link["index"]: link.get_attr("IFLA_IFNAME") for link in links}
    return NetnsState(
        sysctls=_sysctls(),
        links=tuple(
            _link(link, names, addresses.get(link["index"], ()))
            for link in sorted(links, key=lambda link: int(link["index"]))
            if names[link["index"]] != "lo"
        ),
        routes=tuple(_route(route, names) for route in routes if _is_ours(route)),
    )


def _of_family(message: Any, family: int) -> Any:  # noqa: ANN401 (pyroute2 has no types)
    message["family"] = family
    return message


def _sysctls() -> tuple[Sysctl, ...]:
    found = []
    for key in sysctls.KEYS:
        path = Path("/proc/sys", *key.split("."))
        if path.exists():
            found.append(Sysctl(key=key, value=path.read_text().strip()))
    return tuple(found)


def _addresses(messages: Iterable[Any]) -> dict[int, tuple[Interface, ...]]:
    found: dict[int, tuple[Interface, ...]] = {}
    for message in messages:
        text = message.get_attr("IFA_LOCAL") or message.get_attr("IFA_ADDRESS")
        address = ip_interface(f"{text}/{message['prefixlen']}")
        if not address.is_link_local:
            found[message["index"]] = (*found.get(message["index"], ()), address)
    return found


def _link(message: Any, names: dict[int, str], addresses: tuple[Interface, ...]) -> Link:  # noqa: ANN401
    # A link that was left half made is not up yet, whatever else it has.
    is_up = bool(message["flags"] & _IFF_UP)
    return Link(
        ifname=names[message["index"]],
        mac=message.get_attr("IFLA_ADDRESS"),
        mtu=message.get_attr("IFLA_MTU"),
        addresses=addresses if is_up else (),
        master=names.get(message.get_attr("IFLA_MASTER")) if is_up else None,
        hairpin=_hairpin(message),
    )


def _hairpin(message: Any) -> bool:  # noqa: ANN401
    kind = message.get_attr("IFLA_LINKINFO")
    port = kind.get_attr("IFLA_INFO_SLAVE_DATA") if kind else None
    return bool(port and port.get_attr("IFLA_BRPORT_MODE"))


def _is_ours(message: Any) -> bool:  # noqa: ANN401
    return bool(message["proto"] == _RTPROT_STATIC and message["table"] == _RT_TABLE_MAIN)


def _route(message: Any, names: dict[int, str]) -> Route:  # noqa: ANN401
    gateway = message.get_attr("RTA_GATEWAY")
    ways = message.get_attr("RTA_MULTIPATH") or ()
    everything = "0.0.0.0" if message["family"] == socket.AF_INET else "::"  # noqa: S104 (the default route)
    destination = message.get_attr("RTA_DST") or everything
    is_unreachable = message["type"] == _RTN_UNREACHABLE
    return Route(
        destination=ip_network(f"{destination}/{message['dst_len']}"),
        gateway=ip_address(gateway) if gateway else None,
        ifname=None if gateway or is_unreachable else names.get(message.get_attr("RTA_OIF")),
        nexthops=tuple(
            NextHop(gateway=ip_address(way.get_attr("RTA_GATEWAY")), weight=way["hops"] + 1)
            for way in ways
        ),
        is_unreachable=is_unreachable,
    )
