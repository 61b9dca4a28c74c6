"""The kernel's handles of iptables rules, in the order of the rules.

iptables-save prints no handles, and a rule trace prints nothing else; the nth handle of a chain is
the nth ``-A`` line of that chain.
"""

from collections import defaultdict
from typing import Final

from netlab.linux.netlink_messages import NLM_F_DUMP, number_of, text_of
from netlab.linux.nfnetlink import NFNL_SUBSYS_NFTABLES, open_netfilter, request
from netlab.linux.packet_ring import Enter
from netlab.model.hosts import Host
from netlab.sources.rule_trace_messages import TABLE_PREFIX
from netlab.sources.trace_table import NFPROTO

NFT_MSG_GETRULE: Final = 7
RULE_TABLE, RULE_CHAIN, RULE_HANDLE = 1, 2, 3

Handles = dict[tuple[str, str], list[int]]
"""Table and chain, and the handles of its rules in order."""


def read_handles(host: Host, enter: Enter, version: int = 4) -> Handles:
    """Return the handles of every rule of ``host``; netlab's own tables are left out.

    Raises:
        FileNotFoundError: The namespace is gone.
        OSError: The kernel refused.
    """
    asked = request(NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_GETRULE, NFPROTO[version], b"", NLM_F_DUMP)
    with open_netfilter(host, enter) as opened:
        rules = [message.attributes() for message in opened.ask(asked)]
    handles: defaultdict[tuple[str, str], list[int]] = defaultdict(list)
    for rule in rules:
        table = text_of(rule.get(RULE_TABLE))
        if not table.startswith(TABLE_PREFIX):
            chain = text_of(rule.get(RULE_CHAIN))
            handles[table, chain].append(number_of(rule.get(RULE_HANDLE)))
    return dict(handles)
