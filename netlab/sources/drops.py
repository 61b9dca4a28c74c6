"""What a kernel says of the packets that it threw away."""

from collections.abc import Mapping
from dataclasses import dataclass

from netlab.sources.rule_trace_messages import Header


@dataclass(frozen=True, slots=True, kw_only=True)
class Drop:
    """The kernel freed a packet that had not come to its end."""

    host: str
    ifname: str
    """The interface it was at; empty for a packet without one."""
    code: str
    """The kernel's reason without its prefix, ``NETFILTER_DROP``; empty before Linux 5.17."""
    location: int
    """Address in the kernel's code."""
    header: Header
    """As it was then."""


Counted = Mapping[str, Mapping[str, int]]
"""By host, the counters that rose, and by how much: ``{"node2": {"IpExt InNoRoutes": 1}}``."""
