"""Full syncs of one node as a lab has them: by the lab's own code and its netns agent."""

import asyncio

from netlab.kubeproxy.names import KUBE_PROXY
from netlab.kubeproxy.node_proxy import NodeProxy
from netlab.linux import channel
from netlab.model.addresses import Family
from netlab.model.names import NetnsFamily, NetnsName
from netlab.netfilter.ruleset_change import Desired, RulesetChange
from netlab.netns_agent import agent
from netlab.netns_agent.requests import ReadTables, Request
from netlab.netns_agent.ruleset_sync import RulesetSync


class FullSync:
    """What keeps the rules of one namespace; made before anything large, since it forks."""

    def __init__(self, netns: str) -> None:
        self._place = NetnsFamily(NetnsName(netns), Family.IPV4)
        self._netns_agent = agent.fork()
        self._rulesets = RulesetSync(KUBE_PROXY, self._call)
        self._loop = asyncio.new_event_loop()
        # As in a lab, the netns agent has asked the kernel something before.
        self._loop.run_until_complete(self._call(ReadTables(places=(self._place,))))

    def sync(self, proxy: NodeProxy, *, is_new: bool = False) -> str:
        """Bring the namespace to the rules of ``proxy``, and return what had to be written.

        Unless it is new, and empty by that, it is read back first.
        """
        (self._rulesets.mark_empty if is_new else self._rulesets.forget)([self._place])
        want = Desired(full=proxy.rules, delta=RulesetChange())
        laid = self._loop.run_until_complete(self._rulesets.sync({self._place: want}))
        for reason in laid.refusals.values():
            raise RuntimeError(reason)
        change = laid.changes.get(self._place, RulesetChange())
        return change.tables + change.iptables

    async def _call(self, request: Request) -> object:
        channel.send(self._netns_agent, (1, request))
        answer, _ = channel.receive(self._netns_agent)
        if answer.error is not None:
            raise answer.error
        return answer.value
