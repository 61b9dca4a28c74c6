"""One owner's rules in all namespaces: read back, changed, and remembered between changes.

Each owner has a syncer of its own; what one may touch is said by the names of its chains (see
``netlab.netfilter.ruleset_owner``), so they need not know of each other.

A *place* is a namespace in one address family. What it was last given is taken for what it holds,
until that is forgotten; then it is read back from the kernel. A refused text makes it forgotten:
nobody knows what else has happened there.

A place is *synced* when it holds what was wanted the last time, and who wants it can say what has
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
    """What came of bringing places to their rules."""

    changes: Mapping[NetnsFamily, RulesetChange]
    """Of each place that had to change."""
    refusals: Mapping[NetnsFamily, str]
    """Why, for each of them that refused."""
    read_back: frozenset[NetnsFamily]
    """The places whose rules were not taken for what was last given."""
    found: Mapping[NetnsFamily, HeldRules]
    """What places hold now, of those that were compared and did not refuse."""


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
        """The places of the last sync, and those that refused to be emptied."""
        self._synced: set[NetnsFamily] = set()
        self._held: dict[NetnsFamily, HeldRules] = {}
        """What places that are not synced hold, where that is known."""
        self._rulesets: Mapping[NetnsFamily, Ruleset] = {}
        """What ``sync_rulesets`` was given last."""
        self._new: set[NetnsFamily] = set()
        self._forgotten: set[NetnsFamily] = set()
        """While rules are brought: what is found, or left, may not be there any more."""

    def synced(self) -> Collection[NetnsFamily]:
        """Return the places that hold what was wanted the last time."""
        return frozenset(self._synced)

    def forget(self, places: Collection[NetnsFamily]) -> None:
        """Have the rules of these places read back before they are next compared."""
        self._forgotten.update(places)
        self._synced.difference_update(places)
        for place in places:
            self._held.pop(place, None)

    def mark_empty(self, places: Collection[NetnsFamily]) -> None:
        """Take note of places that were just made and hold no rule."""
        self.forget(places)
        self._held.update({place: _NOTHING[place.family] for place in places})
        self._new |= set(places)

    def compare_again(self, holds: Callable[[NetnsFamily], HeldRules]) -> None:
        """Have everything compared the next time; ``holds`` says what a synced place holds."""
        self._held.update({place: holds(place) for place in self._synced})
        self._synced.clear()

    async def sync(self, want: Mapping[NetnsFamily, Desired]) -> SyncResult:
        """Bring places to their rules, side by side.

        A namespace that is named in one family only loses what it was given in the other.

        Raises:
            NetlabError: iptables or nft is missing, or a namespace is.
        """
        emptied = self._emptied(want)
        want = emptied | dict(want)
        self._forgotten.clear()
        self._synced &= want.keys()
        changes = {place: want[place].delta for place in self._synced}
        # Until its text is loaded nobody knows what a kernel holds.
        self._synced = {place for place, one in changes.items() if not one}
        compared = want.keys() - changes.keys()
        read_back, self._new = self._new, set()
        # While one is read, another may be forgotten.
        unreadable: dict[NetnsFamily, str] = {}
        full = {place: want[place].full() for place in compared}
        while unknown := sorted(compared - self._held.keys() - unreadable.keys()):
            unreadable |= await self._read({place: full[place] for place in unknown})
            read_back |= set(unknown)
        compared -= unreadable.keys()
        found = {place: change(full[place], self._held[place], self._owner) for place in compared}
        self._held.clear()
        changes |= {place: one for place, (one, _) in found.items()}
        refusals = unreadable | await self._load(changes)
        self._synced |= changes.keys() - refusals.keys() - self._forgotten - emptied.keys()
        self._wanted = frozenset(want.keys() - (emptied.keys() - refusals.keys()))
        return SyncResult(
            changes={place: one for place, one in changes.items() if one},
            refusals=refusals,
            read_back=frozenset(read_back),
            found={place: held for place, (_, held) in found.items() if place not in refusals},
        )

    async def sync_rulesets(self, rulesets: Mapping[NetnsFamily, Ruleset]) -> SyncResult:
        """Bring places to rules of iptables that are few: all are compared, each time.

        Raises:
            NetlabError: iptables is missing, or a namespace is.
        """
        held, self._rulesets = self._rulesets, dict(rulesets)
        self.compare_again(lambda place: HeldRules(iptables=held[place]))
        return await self.sync(
            {
                place: Desired(
                    full=partial(NamespaceRules, iptables=ruleset), delta=RulesetChange()
                )
                for place, ruleset in rulesets.items()
            }
        )

    async def delete_stale_chains(
        self, texts: Mapping[NetnsFamily, str]
    ) -> Mapping[NetnsFamily, str]:
        """Delete what was left behind, and return why, for each place that refused.

        Args:
            texts: For ``nft -f``, of synced places.

        Raises:
            NetlabError: nft is missing, or a namespace is.
        """
        self._synced -= texts.keys()
        refusals = await self._call(LoadTables(texts=texts)) if texts else {}
        self._synced |= texts.keys() - refusals.keys() - self._forgotten
        return refusals

    def _emptied(self, want: Mapping[NetnsFamily, Desired]) -> dict[NetnsFamily, Desired]:
        """Return no rules for each place in a family that a namespace had and has no more."""
        names = {place.netns for place in want}
        gone = {place for place in self._wanted - want.keys() if place.netns in names}
        nothing = {place: NamespaceRules(iptables=Ruleset(place.family, ())) for place in gone}
        return {
            place: Desired(full=partial(nothing.__getitem__, place), delta=RulesetChange())
            for place in gone
        }

    async def _read(self, want: Mapping[NetnsFamily, NamespaceRules]) -> dict[NetnsFamily, str]:
        """Read the rules of places, and return why, for each whose rules cannot be read.

        To take those for none would lay jumps a second time.
        """
        unreadable = {}
        texts = await self._call(SaveRules(places=tuple(want)))
        tables: Mapping[NetnsFamily, str] = {}
        if self._owner.has_table:
            tables = await self._call(ReadTables(places=tuple(want)))
        for place, text in texts.items():
            if why := unreadable_table(text):
                unreadable[place] = why
                continue
            rules = parse_against(text, want[place].iptables)
            table = parse_listing(tables[place]).table if tables.get(place) else None
            self._held[place] = HeldRules(iptables=rules, nftables=table, is_read=True)
        return unreadable

    async def _load(self, changes: Mapping[NetnsFamily, RulesetChange]) -> dict[NetnsFamily, str]:
        """Load the texts of each place up to one that it refuses."""
        refusals: dict[NetnsFamily, str] = {}
        for request, texts in (
            (LoadTables, {place: one.tables for place, one in changes.items()}),
            (Restore, {place: one.iptables for place, one in changes.items()}),
            (LoadTables, {place: one.removal for place, one in changes.items()}),
        ):
            due = {place: text for place, text in texts.items() if text and place not in refusals}
            if due:
                refusals |= await self._call(request(texts=due))
        return refusals
