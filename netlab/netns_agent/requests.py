"""What the control plane asks of its netns agent."""

from collections.abc import Mapping
from dataclasses import dataclass

from netlab.model.names import NetnsFamily, NetnsName
from netlab.netns_agent.udp_entries import UdpServices
from netlab.plan.ops import Op


@dataclass(frozen=True, slots=True, kw_only=True)
class Apply:
    """Carry out operations; the answer is None."""

    operations: tuple[Op, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadLab:
    """Read every namespace of a lab back; the answer is a ``LabState``."""

    lab: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Restore:
    """Load rules, side by side; the answer maps each ruleset that refused to the reason."""

    texts: Mapping[NetnsFamily, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadTables:
    """Run commands of nft, side by side; the answer maps each ruleset that refused to why."""

    texts: Mapping[NetnsFamily, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class SaveRules:
    """Read rules; the answer maps each ruleset to the text of ``iptables-save``."""

    keys: tuple[NetnsFamily, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadTables:
    """Read kube-proxy's table; the answer maps each ruleset to what ``nft list table`` prints.

    Empty where there is no such table.
    """

    keys: tuple[NetnsFamily, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Listen:
    """Open a listening TCP socket in a namespace; its descriptor comes with the answer."""

    netns: NetnsName
    address: str
    port: int
    is_udp: bool = False
    """Whether to open one that receives datagrams in its stead."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Connect:
    """Begin a TCP connection from a namespace; the socket's descriptor comes with the answer.

    It does not block, and may be under way still: it becomes writable when the connection is made
    or has failed (SO_ERROR tells).
    """

    netns: NetnsName
    address: str
    port: int


@dataclass(frozen=True, slots=True, kw_only=True)
class FindLost:
    """Look for chains; the answer has the rulesets that lack one of them, or are gone."""

    keys: tuple[NetnsFamily, ...]
    chains: tuple[tuple[str, str], ...]
    """Table and name of each, of iptables."""
    filled: tuple[str, ...] = ()
    """Names of chains in kube-proxy's nftables table, each of which must hold a rule."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CleanUdp:
    """Remove stale UDP entries of conntrack; the answer maps each ruleset to their number."""

    keys: tuple[NetnsFamily, ...]
    services: UdpServices


OfRules = Restore | LoadTables | SaveRules | ReadTables | FindLost
"""What is about iptables and nftables."""

Valued = Apply | ReadLab | OfRules | CleanUdp
"""What is answered with a value alone."""

Request = Valued | Listen | Connect
