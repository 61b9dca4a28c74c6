"""The rules that namespaces hold: read back, changed, and remembered from one change to the next.

What a namespace was last given is taken for what it holds, until that is forgotten; then it is read
back from the kernel. A refused text makes it forgotten: nobody knows what else has happened there.
"""

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from netlab.kernel.requests import LoadTables, ReadTables, Restore, SaveRules
from netlab.model.names import NetnsName
from netlab.model.packets import Family
from netlab.netfilter.parse import parse
from netlab.netfilter.rules import Ruleset
from netlab.proxy.nftables.listing import parse_listing
from netlab.proxy.node_rules import HeldRules, NodeRules, RuleChange, change, tidying_text

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


class LaidRules:
    """The rules of a lab's namespaces.

    Args:
        call: Sends a request to the launcher.
    """

    def __init__(self, call: Call) -> None:
        self._call = call
        self._held: dict[NetnsName, HeldRules] = {}
        self._new: set[NetnsName] = set()

    def names(self) -> Collection[NetnsName]:
        """Return the namespaces whose rules are known."""
        return list(self._held)

    def of(self, name: NetnsName) -> HeldRules | None:
        """Return what a namespace holds; None when that is not known."""
        return self._held.get(name)

    def forget(self, names: Collection[NetnsName]) -> None:
        """Have the rules of these namespaces read back before they are next compared."""
        for name in names:
            self._held.pop(name, None)

    def start_empty(self, names: Collection[NetnsName]) -> None:
        """Take note of namespaces that were just made and hold no rule."""
        self._held.update(dict.fromkeys(names, _NOTHING))
        self._new |= set(names)

    async def bring(self, want: Mapping[NetnsName, NodeRules]) -> Laid:
        """Bring namespaces to their rules, side by side.

        Raises:
            NetlabError: iptables or nft is missing, or a namespace is.
        """
        self._held = {name: held for name, held in self._held.items() if name in want}
        unknown = sorted(want.keys() - self._held.keys())
        await self._read(unknown)
        were_read, self._new = frozenset({*unknown, *self._new}), set()
        changes = {name: change(rules, self._held[name]) for name, rules in want.items()}
        # What was read back may be right and yet hold chains that wait to be deleted.
        self._held.update({name: one.holds for name, one in changes.items() if not one})
        changes = {name: one for name, one in changes.items() if one}
        refusals = await self._load(changes)
        return Laid(changes=changes, refusals=refusals, were_read=were_read)

    def is_tidy(self) -> bool:
        """Tell whether no namespace holds a chain that waits to be deleted."""
        return all(one.tidied is None for one in self._held.values())

    async def tidy(self) -> Mapping[NetnsName, str]:
        """Delete the chains that wait for it, and return why, for each namespace that refused.

        Raises:
            NetlabError: nft is missing, or a namespace is.
        """
        texts = {name: text for name, one in self._held.items() if (text := tidying_text(one))}
        refusals = await self._call(LoadTables(texts=texts)) if texts else {}
        for name in texts:
            held = self._held[name]
            self._held[name] = replace(held, nftables=held.tidied, tidied=None)
        self.forget(refusals)
        return refusals

    async def _read(self, names: Sequence[NetnsName]) -> None:
        if not names:
            return
        texts = await self._call(SaveRules(netns=tuple(names)))
        tables = await self._call(ReadTables(netns=tuple(names)))
        for name, text in texts.items():
            rules = parse(text, Family.IPV4)
            table = parse_listing(tables[name]).table if tables[name] else None
            self._held[name] = HeldRules(iptables=rules, nftables=table, is_read=True)

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
        self._held.update({name: one.holds for name, one in changes.items()})
        self.forget(refusals)
        return refusals
