"""The nftables tables of a namespace that packets meet, iptables-nft's among them.

Source: Linux, include/uapi/linux/netfilter/nf_tables.h and net/netfilter/nf_tables_api.c
(nf_tables_dump_chains), which goes through the tables in the order in which they were made.
"""

from typing import Final

from netlab.linux.netlink_messages import NLM_F_DUMP, text_of
from netlab.linux.nfnetlink import NFNL_SUBSYS_NFTABLES, open_netfilter, request
from netlab.linux.packet_ring import Enter
from netlab.model.hosts import Host
from netlab.sources.rule_trace_messages import TABLE_PREFIX
from netlab.sources.trace_table import NFPROTO

GETCHAIN: Final = 4
CHAIN_TABLE, CHAIN_HOOK = 1, 4
_ANY_FAMILY: Final = 0
_OF_EVERY_VERSION: Final = {1: "inet", 5: "netdev", 7: "bridge"}
"""Families whose tables meet packets of IPv4 and IPv6."""


def read_tables(host: Host, enter: Enter, version: int) -> tuple[str, ...]:
    """Return the tables with a base chain for packets of an IP version, the oldest first.

    One of the version's own family is called by its name, any other by family and name, as in
    ``inet mine``. netlab's own tables are left out.

    Raises:
        FileNotFoundError: The namespace is gone.
        OSError: The kernel refused.
    """
    families = {**_OF_EVERY_VERSION, NFPROTO[version]: ""}
    asked = request(NFNL_SUBSYS_NFTABLES << 8 | GETCHAIN, _ANY_FAMILY, b"", NLM_F_DUMP)
    with open_netfilter(host, enter) as opened:
        chains = [(message.payload[0], message.attributes()) for message in opened.ask(asked)]
    found = {
        f"{families[family]} {text_of(chain.get(CHAIN_TABLE))}".strip(): None
        for family, chain in chains
        if family in families and CHAIN_HOOK in chain
    }
    return tuple(name for name in found if not name.rpartition(" ")[2].startswith(TABLE_PREFIX))
