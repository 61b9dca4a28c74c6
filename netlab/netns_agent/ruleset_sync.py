"""One owner's rules in all namespaces: read back, changed, and remembered between changes.

Each owner has a syncer of its own; what one may touch is said by the names of its chains (see
``netlab.netfilter.ruleset_owner``), so they need not know of each other.

A *ruleset* is that of a namespace in one address family. What it was last given is taken for what
it holds, until that is forgotten; then it is read back from the kernel. A refused text makes it
forgotten: nobody knows what else has happened there.

A ruleset is *synced* when it holds what was wanted the last time, and who wants it can say what has
changed since; then nothing has to be compared.
"""

from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from netlab.model.addresses import Family
from netlab.model.names import NetnsFamily
from netlab.netfilter.iptables.parse import parse_against, unreadable_table
from netlab.netfilter.iptables.rules import Ruleset
from netlab.netfilter.nftables.parse import parse_listing
from netlab.netfilter.ruleset_change import (
    Desired,
    HeldRules,
    NamespaceRules,
    RulesetChange,
    change,
)
from netlab.netfilter.ruleset_owner import RulesetOwner
from netlab.netns_agent.requests import LoadTables, ReadTables, Restore, SaveRules

Call = Callable[[object], Awaitable[Any]]

_NOTHING: Final = {family: HeldRules(iptables=Ruleset(family, ())) for family in Family}


@dataclass(frozen=True, slots=True, kw_only=True)
class SyncResult:
    """What came of a sync."""

    changes: Mapping[NetnsFamily, RulesetChange]
    """Of each ruleset that had to change."""
    refusals: Mapping[NetnsFamily, str]
    """Why, for each of them that refused."""
    read_back: frozenset[NetnsFamily]
    """The rulesets that were not taken for what was last given."""
    found: Mapping[NetnsFamily, HeldRules]
    """What rulesets hold now, of those that were compared and did not refuse."""


class RulesetSync:
    """The rules of one owner.

    Args:
        owner: Whose.
        call: Sends a request to the agent of the namespaces.
    """

    def __init__(self, owner: RulesetOwner, call: Call) -> None:
        self._owner = owner
        self._call = call
        self._wanted: frozenset[NetnsFamily] = frozenset()
        """The rulesets of the last sync, and those that refused to be emptied."""
        self._synced: set[NetnsFamily] = set()
        self._held: dict[NetnsFamily, HeldRules] = {}
        """What rulesets that are not synced hold, where that is known."""
        self._rulesets: Mapping[NetnsFamily, Ruleset] = {}
        """What ``sync_rulesets`` was given last."""
        self._new: set[NetnsFamily] = set()
        self._forgotten: set[NetnsFamily] = set()
        """While rules are brought: what is found, or left, may not be there any more."""

    def synced(self) -> Collection[NetnsFamily]:
        """Return the rulesets that hold what was wanted the last time."""
        return frozenset(self._synced)

    def forget(self, keys: Collection[NetnsFamily]) -> None:
        """Have these rulesets read back before they are next compared."""
        self._forgotten.update(keys)
        self._synced.difference_update(keys)
        for key in keys:
            self._held.pop(key, None)

    def mark_empty(self, keys: Collection[NetnsFamily]) -> None:
        """Take note of rulesets that were just made and are empty."""
        self.forget(keys)
        self._held.update({key: _NOTHING[key.family] for key in keys})
        self._new |= set(keys)

    def compare_again(self, holds: Callable[[NetnsFamily], HeldRules]) -> None:
        """Have everything compared the next time; ``holds`` says what a synced ruleset holds."""
        self._held.update({key: holds(key) for key in self._synced})
        self._synced.clear()

    async def sync(self, want: Mapping[NetnsFamily, Desired]) -> SyncResult:
        """Bring rulesets to what is wanted, side by side.

        A namespace that is named in one family only loses what it was given in the other.

        Raises:
            NetlabError: iptables or nft is missing, or a namespace is.
        """
        emptied = self._emptied(want)
        want = emptied | dict(want)
        self._forgotten.clear()
        self._synced &= want.keys()
        changes = {key: want[key].delta for key in self._synced}
        # Until its text is loaded nobody knows what a kernel holds.
        self._synced = {key for key, one in changes.items() if not one}
        compared = want.keys() - changes.keys()
        read_back, self._new = self._new, set()
        # While one is read, another may be forgotten.
        unreadable: dict[NetnsFamily, str] = {}
        full = {key: want[key].full() for key in compared}
        while unknown := sorted(compared - self._held.keys() - unreadable.keys()):
            unreadable |= await self._read({key: full[key] for key in unknown})
            read_back |= set(unknown)
        compared -= unreadable.keys()
        found = {key: change(full[key], self._held[key], self._owner) for key in compared}
        self._held.clear()
        changes |= {key: one for key, (one, _) in found.items()}
        refusals = unreadable | await self._load(changes)
        self._synced |= changes.keys() - refusals.keys() - self._forgotten - emptied.keys()
        self._wanted = frozenset(want.keys() - (emptied.keys() - refusals.keys()))
        return SyncResult(
            changes={key: one for key, one in changes.items() if one},
            refusals=refusals,
            read_back=frozenset(read_back),
            found={key: held for key, (_, held) in found.items() if key not in refusals},
        )

    async def sync_rulesets(self, rulesets: Mapping[NetnsFamily, Ruleset]) -> SyncResult:
        """Bring rulesets of iptables that are small to what is wanted: all are compared, each time.

        Raises:
            NetlabError: iptables is missing, or a namespace is.
        """
        held, self._rulesets = self._rulesets, dict(rulesets)
        self.compare_again(lambda key: HeldRules(iptables=held[key]))
        return await self.sync(
            {
                key: Desired(full=partial(NamespaceRules, iptables=ruleset), delta=RulesetChange())
                for key, ruleset in rulesets.items()
            }
        )

    async def delete_stale_chains(
        self, texts: Mapping[NetnsFamily, str]
    ) -> Mapping[NetnsFamily, str]:
        """Delete what was left behind, and return why, for each ruleset that refused.

        Args:
            texts: For ``nft -f``, of synced rulesets.

        Raises:
            NetlabError: nft is missing, or a namespace is.
        """
        self._synced -= texts.keys()
        refusals = await self._call(LoadTables(texts=texts)) if texts else {}
        self._synced |= texts.keys() - refusals.keys() - self._forgotten
        return refusals

    def _emptied(self, want: Mapping[NetnsFamily, Desired]) -> dict[NetnsFamily, Desired]:
        """Return no rules for each one in a family that a namespace had and has no more."""
        names = {key.netns for key in want}
        gone = {key for key in self._wanted - want.keys() if key.netns in names}
        nothing = {key: NamespaceRules(iptables=Ruleset(key.family, ())) for key in gone}
        return {
            key: Desired(full=partial(nothing.__getitem__, key), delta=RulesetChange())
            for key in gone
        }

    async def _read(self, want: Mapping[NetnsFamily, NamespaceRules]) -> dict[NetnsFamily, str]:
        """Read rulesets, and return why, for each that cannot be read.

        To take those for none would lay jumps a second time.
        """
        unreadable = {}
        texts = await self._call(SaveRules(keys=tuple(want)))
        tables: Mapping[NetnsFamily, str] = {}
        if self._owner.has_table:
            tables = await self._call(ReadTables(keys=tuple(want)))
        for key, text in texts.items():
            if why := unreadable_table(text):
                unreadable[key] = why
                continue
            rules = parse_against(text, want[key].iptables)
            table = parse_listing(tables[key]).table if tables.get(key) else None
            self._held[key] = HeldRules(iptables=rules, nftables=table, is_read=True)
        return unreadable

    async def _load(self, changes: Mapping[NetnsFamily, RulesetChange]) -> dict[NetnsFamily, str]:
        """Load the texts of each ruleset up to one that it refuses."""
        refusals: dict[NetnsFamily, str] = {}
        for request, texts in (
            (LoadTables, {key: one.tables for key, one in changes.items()}),
            (Restore, {key: one.iptables for key, one in changes.items()}),
            (LoadTables, {key: one.removal for key, one in changes.items()}),
        ):
            due = {key: text for key, text in texts.items() if text and key not in refusals}
            if due:
                refusals |= await self._call(request(texts=due))
        return refusals
