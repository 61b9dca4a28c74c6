"""Whether somebody changes the rules of a namespace, netlab's own tables left out.

The kernel multicasts every change of an nftables ruleset, those of iptables-nft included. A number
of the whole ruleset's generation would be cheaper, but another trace, which arms itself with a
table, raises it as well.

Source: Linux, net/netfilter/nf_tables_api.c, nf_tables_commit().
"""

from typing import Final

from netlab.linux.netlink_messages import text_of
from netlab.linux.nfnetlink import NFNL_SUBSYS_NFTABLES, open_netfilter
from netlab.linux.packet_ring import Enter
from netlab.model.hosts import Host
from netlab.sources.rule_trace_messages import TABLE_PREFIX

NFNLGRP_NFTABLES: Final = 7
NFT_MSG_NEWGEN: Final = NFNL_SUBSYS_NFTABLES << 8 | 15
NFTA_TABLE: Final = 1
"""The number of the attribute that names the table, in every message but that of a generation."""


class RuleChanges:
    """Notices what changes from now on, until closed.

    Args:
        host: Whose rules.
        enter: Moves this thread into its namespace; used while opening only.

    Raises:
        FileNotFoundError: The namespace is gone.
        OSError: The kernel refused.
    """

    def __init__(self, host: Host, enter: Enter) -> None:
        self._socket = open_netfilter(host, enter, (NFNLGRP_NFTABLES,))
        self._lost = 0

    def came(self) -> bool:
        """Tell whether there were any since the last question."""
        changed = [
            text_of(message.attributes().get(NFTA_TABLE))
            for message in self._socket.drain()
            if message.kind != NFT_MSG_NEWGEN
        ]
        # What found no room was a change, too.
        before, self._lost = self._lost, self._socket.lost
        return self._lost > before or any(not name.startswith(TABLE_PREFIX) for name in changed)

    def close(self) -> None:
        """Notice no more."""
        self._socket.close()
