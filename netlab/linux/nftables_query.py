"""Looks at nftables through netlink, which cost a namespace less than a millisecond.

``nft`` reads the whole ruleset before it answers anything; and where a kernel or a machine has no
nftables, there is nothing to find.

Source: Linux, include/uapi/linux/netfilter/nf_tables.h.
"""

import errno
import socket
from typing import Any, Final

from netlab.linux.netlink import Netlink
from netlab.linux.netns import inside
from netlab.model.addresses import Family
from netlab.model.names import NetnsName

_NETLINK_NETFILTER: Final = 12
_NFTABLES: Final = 10 << 8
_GETTABLE: Final = _NFTABLES | 1
_GETRULE: Final = _NFTABLES | 7
_ABSENT: Final = {errno.ENOENT, errno.EINVAL, errno.EOPNOTSUPP}
"""No such table or chain; a kernel that knows no nftables refuses the message itself."""
_FAMILIES: Final = {Family.IPV4: socket.AF_INET, Family.IPV6: socket.AF_INET6}


def has_table(netns: NetnsName, family: Family, table: str) -> bool:
    """Tell whether a namespace has a table of that name.

    Raises:
        FileNotFoundError: There is no such namespace.
        OSError: The kernel refused.
    """
    from pyroute2.netlink.nfnetlink.nftsocket import nft_table_msg  # noqa: PLC0415 (slow to import)

    found = _dump(netns, family, nft_table_msg(), _GETTABLE, [])
    return any(one.get_attr("NFTA_TABLE_NAME") == table for one in found)


def has_rules(netns: NetnsName, family: Family, table: str, chain: str) -> bool:
    """Tell whether a chain is there and holds any rule.

    Raises:
        FileNotFoundError: There is no such namespace.
        OSError: The kernel refused.
    """
    from pyroute2.netlink.nfnetlink.nftsocket import nft_rule_msg  # noqa: PLC0415

    asked = [["NFTA_RULE_TABLE", table], ["NFTA_RULE_CHAIN", chain]]
    found = _dump(netns, family, nft_rule_msg(), _GETRULE, asked)
    # Kernels before 5.4 do not look at what is asked for.
    return any(
        one.get_attr("NFTA_RULE_TABLE") == table and one.get_attr("NFTA_RULE_CHAIN") == chain
        for one in found
    )


def _dump(
    netns: NetnsName,
    family: Family,
    message: Any,  # noqa: ANN401 (pyroute2 has no types)
    kind: int,
    attributes: list[list[str]],
) -> list[Any]:
    message["nfgen_family"] = _FAMILIES[family]
    message["attrs"] = attributes
    with inside(netns):
        netlink = Netlink(_NETLINK_NETFILTER)
    with netlink:
        try:
            return netlink.dump(message, kind)
        except OSError as error:
            if error.errno in _ABSENT:
                return []
            raise
