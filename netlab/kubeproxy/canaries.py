"""The look for canaries: has somebody thrown the rules away?

In iptables mode kube-proxy keeps an empty chain KUBE-PROXY-CANARY in three tables. A firewall that
starts anew removes every chain, this one too; its absence says that the rest is gone as well. In
nftables mode it has a table of its own, which goes whole or is emptied whole: one of its chains
that is there whatever Services there are, and empty or gone, says so. The look is made beside the
passes, so that no change waits for it.

Source: Kubernetes, ``pkg/util/iptables/iptables.go`` (Monitor).
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from typing import Any, Final

from netlab.cni.masquerade import MASQ_AGENT
from netlab.errors import NetlabError
from netlab.kubeproxy.iptables.static import canary
from netlab.kubeproxy.nftables.static import MASQUERADING
from netlab.model.kube_proxy import ProxyMode
from netlab.model.names import NetnsFamily
from netlab.netns_agent.requests import FindLost

CANARY_PERIOD_S: Final = 30.0
"""kube-proxy's sync period."""
CANARIES: Final = {
    ProxyMode.IPTABLES: tuple((table, canary().name) for table in ("mangle", "filter", "nat")),
    ProxyMode.NFTABLES: (("nat", MASQ_AGENT),),
}
"""Table and name of each chain of iptables that is looked for."""
FILLED: Final[dict[ProxyMode, tuple[str, ...]]] = {
    ProxyMode.IPTABLES: (),
    ProxyMode.NFTABLES: (MASQUERADING,),
}
"""Chains of the nftables table in which a rule is looked for."""


class CanaryWatch:
    """A look at the nodes' canaries every now and then.

    Args:
        call: Sends a request to the netns agent.
        lost: Told where they were lost.
        period_s: Seconds from the beginning of one look to that of the next.
    """

    def __init__(
        self,
        call: Callable[[object], Awaitable[Any]],
        lost: Callable[[set[NetnsFamily]], None],
        period_s: float = CANARY_PERIOD_S,
    ) -> None:
        self._call = call
        self._lost = lost
        self._period_s = period_s
        self._next_at = 0.0
        self._looking: Any = None

    def look_when_due(self, keys: Iterable[NetnsFamily], mode: ProxyMode, now: float) -> float:
        """Begin a look if it is time for one, and return when the next one is due.

        Args:
            keys: The nodes' namespaces in each family, their rules laid.
            mode: Of kube-proxy.
            now: Wall clock seconds.
        """
        if self._next_at == 0.0:
            self._next_at = now + self._period_s
        if now >= self._next_at:
            self._next_at = now + self._period_s
            if self._looking is None or self._looking.done():
                self._looking = asyncio.ensure_future(self._look(tuple(keys), mode))
        return self._next_at

    async def _look(self, keys: tuple[NetnsFamily, ...], mode: ProxyMode) -> None:
        lost: set[NetnsFamily] = set()
        for key in keys:
            # One at a time: what else the netns agent is asked for comes in between.
            try:
                lost |= await self._call(
                    FindLost(keys=(key,), chains=CANARIES[mode], filled=FILLED[mode])
                )
            except NetlabError:
                # Whatever keeps it from looking meets the repair too, which reports it.
                lost.add(key)
        if lost:
            self._lost(lost)
