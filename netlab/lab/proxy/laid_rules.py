"""The rules that namespaces hold: read back, changed, and remembered from one change to the next.

What a namespace was last given is taken for what it holds, until that is forgotten; then it is read
back from the kernel. A refused text makes it forgotten: nobody knows what else has happened there.

A namespace is *in step* when it holds what was wanted the last time, and who wants it can say what
has changed since; then nothing has to be compared.
"""

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from netlab.kernel.requests import LoadTables, ReadTables, Restore, SaveRules
from netlab.model.addresses import Family
from netlab.model.names import NetnsName
from netlab.netfilter.parse import parse, unreadable_table
from netlab.netfilter.rules import Ruleset
from netlab.proxy.nftables.listing import parse_listing
from netlab.proxy.node_rules import HeldRules, RuleChange, Wanted, change

Call = Callable[[object], Awaitable[Any]]

_NOTHING: Final = HeldRules(iptables=Ruleset(Family.IPV4, ()))


@dataclass(frozen=True, slots=True, kw_only=True)
class Laid:
    """What came of bringing namespaces to their rules."""

    changes: Mapping[NetnsName, RuleChange]
    """Of each namespace that had to change."""
    refusals: Mapping[NetnsName, str]
    """Why, for each of them that refused."""
    were_read: frozenset[NetnsName]
    """The namespaces whose rules were not taken for what was last given."""
    found: Mapping[NetnsName, HeldRules]
    """What namespaces hold now, of those that were compared and did not refuse."""


class LaidRules:
    """The rules of a lab's namespaces.

    Args:
        call: Sends a request to the launcher.
    """

    def __init__(self, call: Call) -> None:
        self._call = call
        self._in_step: set[NetnsName] = set()
        self._held: dict[NetnsName, HeldRules] = {}
        """What namespaces that are not in step hold, where that is known."""
        self._new: set[NetnsName] = set()
        self._forgotten: set[NetnsName] = set()
        """While rules are brought: what is found, or left, may not be there any more."""

    def in_step(self) -> Collection[NetnsName]:
        """Return the namespaces that hold what was wanted the last time."""
        return frozenset(self._in_step)

    def forget(self, names: Collection[NetnsName]) -> None:
        """Have the rules of these namespaces read back before they are next compared."""
        self._forgotten.update(names)
        self._in_step.difference_update(names)
        for name in names:
            self._held.pop(name, None)

    def start_empty(self, names: Collection[NetnsName]) -> None:
        """Take note of namespaces that were just made and hold no rule."""
        self.forget(names)
        self._held.update(dict.fromkeys(names, _NOTHING))
        self._new |= set(names)

    def fall_out_of_step(self, holds: Callable[[NetnsName], HeldRules]) -> None:
        """Have everything compared the next time; ``holds`` says what a namespace in step holds."""
        self._held.update({name: holds(name) for name in self._in_step})
        self._in_step.clear()

    async def bring(self, want: Mapping[NetnsName, Wanted]) -> Laid:
        """Bring namespaces to their rules, side by side.

        Raises:
            NetlabError: iptables or nft is missing, or a namespace is.
        """
        self._forgotten.clear()
        self._in_step &= want.keys()
        changes = {name: want[name].step for name in self._in_step}
        # Until its text is loaded nobody knows what a kernel holds.
        self._in_step = {name for name, one in changes.items() if not one}
        compared = want.keys() - changes.keys()
        were_read, self._new = self._new, set()
        # While one is read, another may be forgotten.
        unreadable: dict[NetnsName, str] = {}
        while unknown := sorted(compared - self._held.keys() - unreadable.keys()):
            unreadable |= await self._read(unknown)
            were_read |= set(unknown)
        compared -= unreadable.keys()
        found = {name: change(want[name].whole(), self._held[name]) for name in compared}
        self._held.clear()
        changes |= {name: one for name, (one, _) in found.items()}
        refusals = unreadable | await self._load(changes)
        self._in_step |= changes.keys() - refusals.keys() - self._forgotten
        return Laid(
            changes={name: one for name, one in changes.items() if one},
            refusals=refusals,
            were_read=frozenset(were_read),
            found={name: held for name, (_, held) in found.items() if name not in refusals},
        )

    async def tidy(self, texts: Mapping[NetnsName, str]) -> Mapping[NetnsName, str]:
        """Delete what was left behind, and return why, for each namespace that refused.

        Args:
            texts: For ``nft -f``, of namespaces in step.

        Raises:
            NetlabError: nft is missing, or a namespace is.
        """
        self._in_step -= texts.keys()
        refusals = await self._call(LoadTables(texts=texts)) if texts else {}
        self._in_step |= texts.keys() - refusals.keys() - self._forgotten
        return refusals

    async def _read(self, names: Sequence[NetnsName]) -> dict[NetnsName, str]:
        """Read the rules of namespaces, and return why, for each whose rules cannot be read.

        To take those for none would lay jumps a second time.
        """
        unreadable = {}
        texts = await self._call(SaveRules(netns=tuple(names)))
        tables = await self._call(ReadTables(netns=tuple(names)))
        for name, text in texts.items():
            if why := unreadable_table(text):
                unreadable[name] = why
                continue
            rules = parse(text, Family.IPV4)
            table = parse_listing(tables[name]).table if tables[name] else None
            self._held[name] = HeldRules(iptables=rules, nftables=table, is_read=True)
        return unreadable

    async def _load(self, changes: Mapping[NetnsName, RuleChange]) -> dict[NetnsName, str]:
        """Load the texts of each namespace up to one that it refuses."""
        refusals: dict[NetnsName, str] = {}
        for request, texts in (
            (LoadTables, {name: one.tables for name, one in changes.items()}),
            (Restore, {name: one.iptables for name, one in changes.items()}),
            (LoadTables, {name: one.removal for name, one in changes.items()}),
        ):
            due = {name: text for name, text in texts.items() if text and name not in refusals}
            if due:
                refusals |= await self._call(request(texts=due))
        return refusals
