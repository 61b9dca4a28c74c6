"""The look for KUBE-PROXY-CANARY: has somebody thrown the rules away?

kube-proxy keeps an empty chain of that name in three tables. A firewall that starts anew removes
every chain, this one too; its absence says that the rest is gone as well. The look is made beside
the passes, so that no change waits for it.

Source: Kubernetes, ``pkg/util/iptables/iptables.go`` (Monitor).
"""

from collections.abc import Awaitable, Callable, Iterable
from typing import Any, Final

from netlab.control.runtime import create_task
from netlab.errors import NetlabError
from netlab.kernel.requests import FindLost
from netlab.model.names import NetnsName
from netlab.proxy.fixed import canary

CANARY_PERIOD_S: Final = 30.0
"""kube-proxy's sync period."""
CANARIES: Final = tuple((table, canary().name) for table in ("mangle", "filter", "nat"))
"""Table and name of each chain that is looked for."""


class CanaryWatch:
    """A look at the nodes' canaries every now and then.

    Args:
        call: Sends a request to the launcher.
        lost: Told which namespaces have lost theirs.
        period_s: Seconds from the beginning of one look to that of the next.
    """

    def __init__(
        self,
        call: Callable[[object], Awaitable[Any]],
        lost: Callable[[set[NetnsName]], None],
        period_s: float = CANARY_PERIOD_S,
    ) -> None:
        self._call = call
        self._lost = lost
        self._period_s = period_s
        self._next_at = 0.0
        self._looking: Any = None

    def look_when_due(self, names: Iterable[NetnsName], now: float) -> float:
        """Begin a look if it is time for one, and return when the next one is due.

        Args:
            names: The nodes' namespaces, their rules laid.
            now: Wall clock seconds.
        """
        if self._next_at == 0.0:
            self._next_at = now + self._period_s
        if now >= self._next_at:
            self._next_at = now + self._period_s
            if self._looking is None or self._looking.done():
                self._looking = create_task(self._look(tuple(names)))
        return self._next_at

    async def _look(self, names: tuple[NetnsName, ...]) -> None:
        lost: set[NetnsName] = set()
        for name in names:
            # One at a time: what else the launcher is asked for comes in between.
            try:
                lost |= await self._call(FindLost(netns=(name,), chains=CANARIES))
            except NetlabError:
                # Whatever keeps it from looking meets the repair too, which reports it.
                lost.add(name)
        if lost:
            self._lost(lost)
