"""Keeps the rules of an owner that are few: all are computed and compared each time."""

from collections.abc import Awaitable, Callable, Collection, Mapping
from typing import Any, Final

from netlab.model.addresses import Family
from netlab.model.names import NetnsFamily, NetnsName
from netlab.model.topology import Topology
from netlab.netfilter.iptables.rules import Ruleset
from netlab.netfilter.ruleset_owner import RulesetOwner
from netlab.netns_agent.ruleset_sync import RulesetSync

_RETRY_S: Final = 1.0


class RulesAgent:
    """One owner's rules in all namespaces.

    Args:
        owner: Whose.
        call: Sends a request to the agent of the namespaces.
        rules: What each ruleset must hold in a topology.
        wake: Has ``sync`` called soon.
        changed: Is told which rulesets were given new rules, and follows a topology.
    """

    def __init__(
        self,
        owner: RulesetOwner,
        call: Callable[[object], Awaitable[Any]],
        rules: Callable[[Topology], Mapping[NetnsFamily, Ruleset]],
        wake: Callable[[], None],
        changed: Callable[[Topology, Collection[NetnsFamily]], Awaitable[None]] | None = None,
    ) -> None:
        self.operations = 0
        """How many times a namespace was given new rules."""
        self.refusals: Mapping[NetnsFamily, str] = {}
        """Why the last restore failed, for each ruleset whose last restore did."""
        self._rulesets = RulesetSync(owner, call)
        self._rules = rules
        self._wake = wake
        self._changed = changed
        self._topology: Topology | None = None

    def follow(self, topology: Topology, created: Collection[NetnsName]) -> None:
        """Take note that the lab's namespaces follow a topology now.

        Args:
            topology: What they follow.
            created: Namespaces that are new, and hold no rule.
        """
        if topology is not self._topology or created:
            self._topology = topology
            self._rulesets.mark_empty(_in_both_families(created))
            self._wake()

    def resync(self, names: Collection[NetnsName]) -> None:
        """Have the rules of these namespaces read back before they are next compared."""
        self._rulesets.forget(_in_both_families(names))
        self._wake()

    async def sync(self, now: float) -> float | None:
        """Bring the rules up to date; see ``netlab.control_plane.agents.Agent``.

        Raises:
            NetlabError: iptables is missing, or a namespace is.
        """
        if self._topology is None:
            return None
        result = await self._rulesets.sync_rulesets(self._rules(self._topology))
        self.refusals = result.refusals
        given = result.changes.keys() - result.refusals.keys()
        self.operations += len(given)
        if given and self._changed is not None:
            await self._changed(self._topology, given)
        return now + _RETRY_S if self.refusals else None


def _in_both_families(names: Collection[NetnsName]) -> list[NetnsFamily]:
    return [NetnsFamily(name, family) for name in names for family in Family]
