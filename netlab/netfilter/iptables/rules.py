"""Rules, chains, tables and rulesets of iptables as values.

Theory of operation
-------------------
A rule is a row of matches and at most one target; a chain is a row of rules; tables hold chains and
a ruleset holds tables. ``str`` of a rule is the line that iptables-restore reads.

Text that comes from outside is a word or a comment. Both are quoted on the way out, and a comment
is cut to what the kernel stores when it is made, so that neither can end a line or begin an option.
"""

from dataclasses import dataclass
from typing import Final

from netlab.model.addresses import Family
from netlab.netfilter.iptables.matches import (
    Comment,
    Destination,
    InInterface,
    IpProtocol,
    Match,
    OutInterface,
    Source,
)
from netlab.netfilter.iptables.targets import Dnat, Goto, Jump, Target
from netlab.netfilter.iptables.words import word

CHAIN_NAME_BYTES: Final = 28
"""``XT_EXTENSION_MAXNAMELEN`` less the closing zero byte (linux/netfilter/x_tables.h)."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule; make it with ``rule``, which puts the matches in the kernel's order."""

    chain: str
    matches: tuple[Match, ...]
    target: Target | None
    """None counts the packet and goes on."""

    @property
    def comment(self) -> str:
        """The first comment, or an empty string."""
        return next((m.text for m in self.matches if isinstance(m, Comment)), "")

    @property
    def leads_to(self) -> str:
        """The chain that it sends packets to; empty when it does not."""
        return self.target.chain if isinstance(self.target, Jump | Goto) else ""

    @property
    def is_dnat(self) -> bool:
        """Whether it rewrites the destination."""
        return isinstance(self.target, Dnat)

    def __str__(self) -> str:
        """Return the ``-A`` line, as iptables-restore reads it."""
        return f"-A {word(self.chain)}{self.specification}"

    @property
    def specification(self) -> str:
        """What follows the chain's name: a space before each match and the target."""
        matches = "".join([f" {match!s}" for match in self.matches])
        return matches if self.target is None else f"{matches} {self.target!s}"


_HEADER: Final = {Source: 0, Destination: 1, InInterface: 2, OutInterface: 3, IpProtocol: 4}
"""These are fields of the rule itself, which iptables-save prints before every ``-m``."""


def rule(chain: str, *matches: Match | None, target: Target | None = None) -> Rule:
    """Return a rule with its matches in the order in which iptables-save prints them.

    A match that is None is left out.

    >>> from ipaddress import ip_network
    >>> from netlab.netfilter.iptables.targets import Drop
    >>> str(rule("X", Comment("why"), Destination(ip_network("192.0.2.1")), target=Drop()))
    '-A X -d 192.0.2.1/32 -m comment --comment why -j DROP'
    """
    kept = [match for match in matches if match is not None]
    header = [match for match in kept if type(match) in _HEADER]
    if len(header) > 1:
        header.sort(key=lambda match: _HEADER[type(match)])
    others = [match for match in kept if type(match) not in _HEADER]
    return Rule(chain, (*header, *others), target)


TABLE_NAMES: Final = frozenset({"raw", "mangle", "nat", "filter", "security"})
"""The tables of iptables; iptables-nft keeps each in an nftables table of the same name."""


@dataclass(frozen=True, slots=True)
class Chain:
    """A chain and its rules, in order."""

    name: str
    rules: tuple[Rule, ...]
    policy: str | None = None
    """Verdict at the end of a built-in chain; None for a chain that rules jump to."""

    def __str__(self) -> str:
        """Return the line that declares the chain."""
        return f":{word(self.name)} {self.policy or '-'} [0:0]"


@dataclass(frozen=True, slots=True)
class Table:
    """A table and its chains; no two have the same name."""

    name: str
    chains: tuple[Chain, ...]

    def chain(self, name: str) -> Chain | None:
        """Return the chain called ``name``, or None."""
        return next((chain for chain in self.chains if chain.name == name), None)


@dataclass(frozen=True, slots=True)
class Ruleset:
    """All tables of one address family; no two have the same name."""

    family: Family
    tables: tuple[Table, ...]

    def table(self, name: str) -> Table | None:
        """Return the table called ``name``, or None."""
        return next((table for table in self.tables if table.name == name), None)
