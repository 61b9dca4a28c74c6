"""kube-proxy's loop: rules, canaries and ports of every node, one after another.

It follows the topology that the lab's namespaces follow already: there is nothing to be done in a
namespace that is not there yet.
"""

from collections.abc import Awaitable, Callable, Collection
from typing import Any, Protocol

from netlab.kubeproxy.canaries import CanaryWatch
from netlab.kubeproxy.proxier import RETRY_S, KubeProxy
from netlab.model.names import NetnsName
from netlab.model.topology import Topology


class Listeners(Protocol):
    """kube-proxy's ports on every node."""

    refusals: list[str]

    async def sync(self, made: set[NetnsName]) -> None:
        """Open the ports that are to be open, and close all others."""


class KubeProxyAgent:
    """What keeps kube-proxy of all nodes up to date.

    Args:
        proxier: Keeps the rules.
        call: Sends a request to the agent of the namespaces.
        wake: Has ``sync`` called soon.
        lost: Told which namespaces have lost their rules to somebody.
    """

    def __init__(
        self,
        proxier: KubeProxy,
        call: Callable[[object], Awaitable[Any]],
        wake: Callable[[], None],
        lost: Callable[[Collection[NetnsName]], None],
    ) -> None:
        self.operations = 0
        """How many times a namespace was given new rules."""
        self.is_serving = False
        """Whether its ports have been opened."""
        self._proxier = proxier
        self._wake = wake
        self._canaries = CanaryWatch(call, lambda places: lost({place.netns for place in places}))
        self._listeners: Listeners | None = None
        self._topology: Topology | None = None
        self._created: set[NetnsName] = set()

    def serve(self, listeners: Listeners) -> None:
        """Have kube-proxy's ports served on every node from now on."""
        self._listeners = listeners
        self._wake()

    def follow(self, topology: Topology, created: Collection[NetnsName]) -> None:
        """Take note that the lab's namespaces follow a topology now.

        Args:
            topology: What they follow.
            created: Namespaces that are new: they hold no rule and no open port.
        """
        if topology is not self._topology or created:
            self._topology = topology
            self._created.update(created)
            self._proxier.mark_empty(created)
            self._wake()

    def resync(self, names: Collection[NetnsName]) -> None:
        """Have the rules of these namespaces read back before they are next compared."""
        self._proxier.forget(names)
        self._wake()

    async def sync(self, now: float) -> float | None:
        """Bring rules and ports up to date; see ``netlab.control_plane.agents.Agent``.

        Raises:
            NetlabError: iptables or nft is missing, or a namespace is.
        """
        if self._topology is None:
            return None
        proxier = self._proxier
        full_at = proxier.full_sync_when_due(now)
        self.operations += await proxier.sync(self._topology)
        look_at = self._canaries.look_when_due(proxier.nodes, proxier.mode, now)
        stale_chains_at = await proxier.delete_stale_chains_when_due(now)
        if self._listeners is not None:
            created, self._created = self._created, set()
            await self._listeners.sync(created)
            self.is_serving = True
        retry_at = now + RETRY_S if proxier.refusals or self.closed_ports() else full_at
        return min(full_at, look_at, retry_at, stale_chains_at or full_at)

    def closed_ports(self) -> list[str]:
        """Return why ports of kube-proxy's could not be opened, a sentence each."""
        return self._listeners.refusals if self._listeners is not None else []
