"""Messages of a kernel's rule trace, and the chains of netlab's own that they pass."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final, NamedTuple

from netlab.model.packets import AddressPair
from netlab.sources.packet_key import PacketKey

TABLE_PREFIX: Final = "netlab_trace_"
"""Name of netlab's own table as far as the process id."""


PRE_ROUTING, LOCAL_IN, FORWARD, LOCAL_OUT, POST_ROUTING = range(5)
"""NF_INET_*, linux/netfilter.h"""


POINTS: Final = (
    ("pre_wire", PRE_ROUTING, -399),
    ("pre_dnat", PRE_ROUTING, -90),
    ("in_last", LOCAL_IN, 200),
    ("fwd_last", FORWARD, 200),
    ("out_first", LOCAL_OUT, -399),
    ("out_dnat", LOCAL_OUT, -90),
    ("post_snat_before", POST_ROUTING, 90),
    ("post_wire", POST_ROUTING, 300),
)
"""Name, hook and priority of each observation point.

NAT has -100 and 100. Connection tracking puts fragments together at -400.
"""


STARTS: Final = frozenset({"pre_wire", "out_first"})
"""Points that a packet meets before everything else."""


class Report(StrEnum):
    """What a trace message is about."""

    RULE = "rule"
    RETURN = "return"
    POLICY = "policy"


class Tracking(NamedTuple):
    """What connection tracking says of a packet; new kernels tell."""

    identity: int
    direction: str
    """``original`` or ``reply``."""
    state: str
    """``new``, ``established``, ``related``, ``invalid`` or ``untracked``."""


class Header(NamedTuple):
    """The packet as it was at a chain."""

    key: PacketKey
    """Without what twenty bytes of transport header cannot tell: see ``loose``."""
    pair: AddressPair
    ttl: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TraceMessage:
    """One message of the kernel's rule trace."""

    host: str
    identity: int
    """Tells packets apart that are under way at the same time."""
    time_ns: int
    """Wall clock when the message was read; the kernel gives none."""
    table: str
    chain: str
    report: Report
    handle: int | None = None
    """Of the rule; None at a policy, at the end of a chain, and for a rule that has none."""
    index: int | None = None
    """Number of the rule in its chain, from 1; given for rules of iptables-legacy."""
    verdict: str = ""
    """``ACCEPT``, ``DROP``, ``JUMP``, ``GOTO``, ``RETURN``, ``CONTINUE`` ..."""
    target: str = ""
    """The chain that is jumped to."""
    mark: int = 0
    header: Header | None = None
    """Given once for each base chain."""
    ifname_in: str = ""
    ifname_out: str = ""
    tracking: Tracking | None = None

    @property
    def is_point(self) -> bool:
        """Whether it comes from one of netlab's own chains."""
        return self.table.startswith(TABLE_PREFIX)


class Logged(NamedTuple):
    """One line of the log."""

    message: TraceMessage
    """Without a verdict."""
    hook: int
    """NF_INET_*"""
    number: int
    """Of the rule in its chain, from 1; at the end of a chain one more than its rules."""
