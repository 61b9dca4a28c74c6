"""A table of nftables as values: chains, and the sets and maps that chains look up.

Its rules are values too: ``netlab.netfilter.nftables.rules``.
"""

import re
from dataclasses import dataclass
from typing import Final

from netlab.model.addresses import Family
from netlab.netfilter.nftables.families import ip
from netlab.netfilter.nftables.rules import Rule, VerdictStatement

TABLE: Final = "kube-proxy"
TABLE_COMMENT: Final = "rules for kube-proxy"
COMMENT_BYTES: Final = 127
"""What the kernel's user data leaves for one comment."""

_UNSAFE: Final = re.compile(r"[^A-Za-z0-9_./:@ >-]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Hook:
    """Where a base chain meets packets."""

    type: str
    """``filter`` or ``nat``."""
    name: str
    priority: int
    """The lower, the earlier; the kernel's own DNAT is at -100, SNAT at 100."""
    policy: str = "accept"
    """What becomes of a packet at the chain's end; kube-proxy lets it go on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Chain:
    """A list of rules; with a hook it is a base chain, else it is entered by a jump or goto."""

    name: str
    rules: tuple[Rule, ...] = ()
    hook: Hook | None = None
    comment: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Element:
    """One member of a set, or one entry of a map."""

    key: str
    """Parts joined by `` . ``."""
    verdict: VerdictStatement | None = None
    """Where a map's key leads; None in a set."""
    comment: str = ""

    def __str__(self) -> str:
        comment = f' comment "{self.comment}"' if self.comment else ""
        verdict = f" : {self.verdict}" if self.verdict is not None else ""
        return f"{self.key}{comment}{verdict}"


@dataclass(frozen=True, slots=True, kw_only=True)
class NamedSet:
    """A set, or a map from keys to verdicts."""

    name: str
    type: str
    """Of the key."""
    elements: tuple[Element, ...] = ()
    is_map: bool = False
    timeout_s: int | None = None
    """Members come from packets and leave after so long without another; None for fixed ones."""
    comment: str = ""

    @property
    def kind(self) -> str:
        """``set`` or ``map``."""
        return "map" if self.is_map else "set"


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """Everything kube-proxy keeps in nftables for one address family."""

    family: Family
    chains: tuple[Chain, ...] = ()
    sets: tuple[NamedSet, ...] = ()

    @property
    def path(self) -> str:
        """Family and name, as ``nft`` addresses the table."""
        return f"{ip(self.family)} {TABLE}"


def as_comment(text: str) -> str:
    """Return ``text`` as it can stand between quotes: nft knows no escape inside them.

    >>> as_comment('web" ; flush ruleset')
    'web_ _ flush ruleset'
    """
    return _UNSAFE.sub("_", text)[:COMMENT_BYTES]
