"""Looks at nftables through netlink, which cost a namespace less than a millisecond.

``nft`` reads the whole ruleset before it answers anything; and where a kernel or a machine has no
nftables, there is nothing to find.

Source: Linux, include/uapi/linux/netfilter/nf_tables.h.
"""

import errno
import socket
from typing import Final

from netlab.linux.netlink import NETLINK_NETFILTER, NetlinkSocket
from netlab.linux.netlink_messages import NLM_F_DUMP, Message, string, text_of
from netlab.linux.netns import inside
from netlab.linux.nfnetlink import NFNL_SUBSYS_NFTABLES, request
from netlab.model.addresses import Family
from netlab.model.names import NetnsName

_GETTABLE: Final = NFNL_SUBSYS_NFTABLES << 8 | 1
_GETRULE: Final = NFNL_SUBSYS_NFTABLES << 8 | 7
_TABLE_NAME: Final = 1
_RULE_TABLE, _RULE_CHAIN = 1, 2
_ABSENT: Final = {errno.ENOENT, errno.EINVAL, errno.EOPNOTSUPP}
"""No such table or chain; a kernel that knows no nftables refuses the message itself."""
_FAMILIES: Final = {Family.IPV4: socket.AF_INET, Family.IPV6: socket.AF_INET6}


def has_table(netns: NetnsName, family: Family, table: str) -> bool:
    """Tell whether a namespace has a table of that name.

    Raises:
        FileNotFoundError: There is no such namespace.
        OSError: The kernel refused.
    """
    found = _dump(netns, request(_GETTABLE, _FAMILIES[family], flags=NLM_F_DUMP))
    return any(text_of(one.attributes().get(_TABLE_NAME)) == table for one in found)


def has_rules(netns: NetnsName, family: Family, table: str, chain: str) -> bool:
    """Tell whether a chain is there and holds any rule.

    Raises:
        FileNotFoundError: There is no such namespace.
        OSError: The kernel refused.
    """
    asked = string(_RULE_TABLE, table) + string(_RULE_CHAIN, chain)
    found = _dump(netns, request(_GETRULE, _FAMILIES[family], asked, NLM_F_DUMP))
    # Kernels before 5.4 do not look at what is asked for.
    rules = (one.attributes() for one in found)
    return any(
        (text_of(rule.get(_RULE_TABLE)), text_of(rule.get(_RULE_CHAIN))) == (table, chain)
        for rule in rules
    )


def _dump(netns: NetnsName, asked: bytes) -> list[Message]:
    with inside(netns):
        opened = NetlinkSocket(NETLINK_NETFILTER)
    with opened:
        try:
            return opened.ask(asked)
        except OSError as error:
            if error.errno in _ABSENT:
                return []
            raise
