"""Conntrack of one namespace: the UDP connections it knows, and their removal.

The kernel is asked for UDP entries only: a node may hold many thousands of TCP entries, which are
nobody's business here.

Source: linux/netfilter/nfnetlink_conntrack.h.
"""

import errno
import os
import socket
from collections.abc import Callable, Iterator
from ipaddress import ip_address
from typing import Any, Final

from netlab.linux.netlink import NETLINK_NETFILTER, NetlinkSocket
from netlab.linux.netns import inside
from netlab.linux.rtnetlink import dump, encode
from netlab.model.addresses import Family
from netlab.model.names import NetnsName
from netlab.netns_agent.udp_entries import Place, UdpConnection

_CTNETLINK: Final = 1 << 8
_GET: Final = _CTNETLINK | 1
_DELETE: Final = _CTNETLINK | 2


def delete_udp(netns: NetnsName, family: Family, is_stale: Callable[[UdpConnection], bool]) -> int:
    """Remove the UDP entries of a namespace that ``is_stale`` picks, and return their number.

    Those of one address family are looked at.

    Raises:
        OSError: The kernel refused; an entry that went by itself meanwhile is no reason.
    """
    with inside(netns):
        netlink = NetlinkSocket(NETLINK_NETFILTER)
    with netlink:
        stale = [
            entry for entry, connection in _udp_entries(netlink, family) if is_stale(connection)
        ]
        results = netlink.send([_deletion(entry, family) for entry in stale])
    refused = next((number for number in results if number not in {0, errno.ENOENT}), 0)
    if refused:
        raise OSError(refused, f"conntrack in {netns}: {os.strerror(refused)}")
    return results.count(0)


def _udp_entries(netlink: NetlinkSocket, family: Family) -> Iterator[tuple[Any, UdpConnection]]:
    from pyroute2.netlink.nfnetlink import nfctsocket as nfct  # noqa: PLC0415 (slow to import)

    protocol = [["CTA_PROTO_NUM", socket.IPPROTO_UDP]]
    asked = _message(
        [
            ["CTA_TUPLE_ORIG", {"attrs": [["CTA_TUPLE_PROTO", {"attrs": protocol}]]}],
            ["CTA_FILTER", {"attrs": [["CTA_FILTER_ORIG_FLAGS", nfct.FILTER_FLAG_CTA_PROTO_NUM]]}],
        ],
        family,
    )
    for entry in dump(netlink, asked, _GET):
        connection = _connection(entry)
        if connection is not None:
            yield entry, connection


def _connection(entry: Any) -> UdpConnection | None:  # noqa: ANN401 (pyroute2 has no types)
    """Return what an entry says; None for one that is of another protocol."""
    original, reply = entry.get_attr("CTA_TUPLE_ORIG"), entry.get_attr("CTA_TUPLE_REPLY")
    if original.get_attr("CTA_TUPLE_PROTO").get_attr("CTA_PROTO_NUM") != socket.IPPROTO_UDP:
        return None
    return UdpConnection(sent_to=_place(original, "DST"), answered_by=_place(reply, "SRC"))


def _place(tuple_: Any, side: str) -> Place:  # noqa: ANN401
    addresses, ports = tuple_.get_attr("CTA_TUPLE_IP"), tuple_.get_attr("CTA_TUPLE_PROTO")
    text = addresses.get_attr(f"CTA_IP_V4_{side}") or addresses.get_attr(f"CTA_IP_V6_{side}")
    return ip_address(text), ports.get_attr(f"CTA_PROTO_{side}_PORT")


def _deletion(entry: Any, family: Family) -> bytes:  # noqa: ANN401
    # With the id, an entry that has taken the place of this one since is not meant.
    original = entry.get_attr("CTA_TUPLE_ORIG")
    attributes = [
        ["CTA_TUPLE_ORIG", {"attrs": [_plain(one) for one in original["attrs"]]}],
        ["CTA_ID", entry.get_attr("CTA_ID")],
    ]
    return encode(_message(attributes, family), _DELETE, 0)


def _plain(attribute: Any) -> list[Any]:  # noqa: ANN401
    """Return a decoded attribute in the form that is encoded from."""
    name, value = attribute[0], attribute[1]
    inner = value.get("attrs") if isinstance(value, dict) else None
    return [name, {"attrs": [_plain(one) for one in inner]} if inner is not None else value]


def _message(attributes: list[Any], family: Family) -> Any:  # noqa: ANN401
    from pyroute2.netlink.nfnetlink.nfctsocket import nfct_msg  # noqa: PLC0415

    message = nfct_msg()
    message["nfgen_family"] = socket.AF_INET if family is Family.IPV4 else socket.AF_INET6
    message["attrs"] = attributes
    return message
