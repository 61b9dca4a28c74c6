"""Conntrack of one namespace: the UDP connections it knows, and their removal.

The kernel is asked for UDP entries only: a node may hold many thousands of TCP entries, which are
nobody's business here.

Source: linux/netfilter/nfnetlink_conntrack.h.
"""

import errno
import os
import socket
from collections.abc import Callable, Iterator
from typing import Final

from netlab.linux.ctnetlink import (
    CTA_FILTER,
    CTA_FILTER_F_CTA_PROTO_NUM,
    CTA_FILTER_ORIG_FLAGS,
    CTA_ID,
    CTA_PROTO_NUM,
    CTA_TUPLE_ORIG,
    CTA_TUPLE_PROTO,
    CTA_TUPLE_REPLY,
    IPCTNL_MSG_CT_DELETE,
    IPCTNL_MSG_CT_GET,
    pair_of,
)
from netlab.linux.netlink import NETLINK_NETFILTER, NetlinkSocket
from netlab.linux.netlink_messages import (
    NLA_F_NESTED,
    NLM_F_DUMP,
    attribute,
    attributes,
    nested,
    u32,
)
from netlab.linux.netns import inside
from netlab.linux.nfnetlink import request
from netlab.model.addresses import Family
from netlab.model.names import NetnsName
from netlab.netns_agent.udp_entries import UdpConnection

_UDP: Final = bytes([socket.IPPROTO_UDP])
_ONLY_UDP: Final = nested(
    CTA_TUPLE_ORIG, nested(CTA_TUPLE_PROTO, attribute(CTA_PROTO_NUM, _UDP))
) + nested(CTA_FILTER, u32(CTA_FILTER_ORIG_FLAGS, CTA_FILTER_F_CTA_PROTO_NUM))
_FAMILIES: Final = {Family.IPV4: socket.AF_INET, Family.IPV6: socket.AF_INET6}


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


def _udp_entries(
    netlink: NetlinkSocket, family: Family
) -> Iterator[tuple[dict[int, bytes], UdpConnection]]:
    asked = request(IPCTNL_MSG_CT_GET, _FAMILIES[family], _ONLY_UDP, NLM_F_DUMP)
    for message in netlink.ask(asked):
        entry = message.attributes()
        connection = _connection(entry)
        if connection is not None:
            yield entry, connection


def _connection(entry: dict[int, bytes]) -> UdpConnection | None:
    """Return what an entry says; None for one that is of another protocol."""
    original = attributes(entry.get(CTA_TUPLE_ORIG, b""))
    if attributes(original.get(CTA_TUPLE_PROTO, b"")).get(CTA_PROTO_NUM) != _UDP:
        return None
    sent, answered = pair_of(original), pair_of(attributes(entry.get(CTA_TUPLE_REPLY, b"")))
    if sent is None or answered is None:
        return None
    return UdpConnection(sent_to=sent.destination, answered_by=answered.source)


def _deletion(entry: dict[int, bytes], family: Family) -> bytes:
    # With the id, an entry that has taken the place of this one since is not meant.
    body = attribute(CTA_TUPLE_ORIG | NLA_F_NESTED, entry[CTA_TUPLE_ORIG])
    body += attribute(CTA_ID, entry[CTA_ID])
    return request(IPCTNL_MSG_CT_DELETE, _FAMILIES[family], body)
