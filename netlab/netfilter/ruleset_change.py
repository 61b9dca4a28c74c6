"""One owner's rules in a namespace, and the way from those it holds to those it must hold.

Theory of operation
-------------------
The mode of kube-proxy is nowhere asked for: a namespace in nftables mode is one that must hold the
table ``kube-proxy``, and then none of iptables mode's chains; any other must not hold the table. So
a change of modes is a change like any other. Its texts are loaded one after another:

1. ``tables``: what is new in the table;
2. ``iptables``: rules that differ, and iptables mode's chains when they must go;
3. ``removal``: the table, when it must go.

Each is loaded only where the one before it was, so that the rules of one mode go only when those of
the other are there. In between both are there; the kernel takes the first NAT decision it meets.

Source: kube-proxy, ``cmd/kube-proxy/app/server_linux.go`` (platformCleanup), which removes the
other modes' rules first; nothing serves between the two then.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

from netlab.netfilter.iptables import leftovers
from netlab.netfilter.iptables.rules import Ruleset
from netlab.netfilter.iptables.sync import sync_text
from netlab.netfilter.nftables.sync import (
    Change,
    full_sync,
    partial_sync,
    removal_text,
    waiting_chains,
    without,
)
from netlab.netfilter.nftables.table import Table
from netlab.netfilter.ruleset_owner import RulesetOwner


@dataclass(frozen=True, slots=True, kw_only=True)
class NamespaceRules:
    """What a namespace must hold of one owner's."""

    iptables: Ruleset
    nftables: Table | None = None
    """kube-proxy's table; None when there must be none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldRules:
    """What a namespace holds, as far as is known."""

    iptables: Ruleset
    nftables: Table | None = None
    """None when there is none; chains that are empty and wait to be deleted are part of it."""
    is_read: bool = False
    """Whether it was read back, and may differ in how it is spelled from what was loaded."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RulesetChange:
    """Three texts, each empty when there is nothing to do."""

    tables: str = ""
    """For ``nft -f``."""
    iptables: str = ""
    """For ``iptables-restore --noflush``."""
    removal: str = ""
    """For ``nft -f``."""

    def __bool__(self) -> bool:
        """Tell whether there is anything to do."""
        return bool(self.tables or self.iptables or self.removal)


@dataclass(frozen=True, slots=True, kw_only=True)
class Desired:
    """The rules that a namespace must hold now, and how they differ from those before."""

    full: Callable[[], NamespaceRules]
    """All of them; asked for when nothing less will do."""
    delta: RulesetChange
    """What leads here from what was wanted the last time."""


def change(
    want: NamespaceRules, have: HeldRules, owner: RulesetOwner
) -> tuple[RulesetChange, HeldRules]:
    """Return what turns ``have`` into ``want``, and what is held when all of it is loaded.

    Rules that are not the owner's stay as they are.
    """
    table = _table_change(want.nftables, have)
    prefixes = () if want.iptables.tables else owner.chains
    removed = leftovers.leftovers_text(have.iptables, prefixes) if prefixes else ""
    left = leftovers.without_leftovers(have.iptables, prefixes) if removed else have.iptables
    found = RulesetChange(
        tables=table.text if table is not None else "",
        iptables=removed + sync_text(want.iptables, left, owner),
        removal=_removal(want, have),
    )
    nftables = table.holds if table is not None else None
    return found, HeldRules(iptables=want.iptables, nftables=nftables)


def _table_change(want: Table | None, have: HeldRules) -> Change | None:
    if want is None:
        return None
    if have.nftables is None:
        return full_sync(want)
    if have.is_read:
        return full_sync(want, have.nftables)
    waiting = waiting_chains(want, have.nftables)
    if without(have.nftables, waiting) == want:
        # What waits is no reason to write anything.
        return Change(text="", holds=replace(want, chains=(*want.chains, *waiting)))
    return partial_sync(want, have.nftables)


def _removal(want: NamespaceRules, have: HeldRules) -> str:
    if want.nftables is not None or have.nftables is None:
        return ""
    return removal_text(want.iptables.family)
