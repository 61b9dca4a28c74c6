"""The lab's namespaces, links, addresses and routes: kept equal to the plan."""

from collections.abc import Awaitable, Callable, Iterable
from functools import partial
from typing import Any

from netlab.apiserver.store import Store
from netlab.kube.resources import key_of
from netlab.kube.unreadable import UnreadableObjects
from netlab.kubelet.container_spec import placement_of
from netlab.model.links import LabState, NetnsState
from netlab.model.names import NetnsName
from netlab.model.topology import Topology
from netlab.model.vips import Vip
from netlab.netns_agent.requests import Apply, ReadLab
from netlab.plan.build import build_lab
from netlab.plan.diff import diff
from netlab.plan.ops import CreateNetns, DeleteNetns, Op


class Network:
    """What the kernel holds for a lab, as far as the control plane knows.

    Args:
        lab: Name.
        store: Whose pods need namespaces.
        call: Sends a request to the netns agent.
        vips: Returns the addresses of LoadBalancer Services.
    """

    def __init__(
        self,
        lab: str,
        store: Store,
        call: Callable[[object], Awaitable[Any]],
        vips: Callable[[], tuple[Vip, ...]] = tuple,
    ) -> None:
        self._wanted_vips = vips
        self.vips: tuple[Vip, ...] = ()
        """Addresses of LoadBalancer Services that the kernel holds."""
        self._lab = lab
        self._store = store
        self._call = call
        self._have: LabState = {}
        self._whole: set[NetnsName] = set()
        """Namespaces that have all their links, and are not being deleted."""
        self.unreadable = UnreadableObjects()

    def state_of(self, name: NetnsName) -> NetnsState:
        """Return what a namespace holds, as far as is known; nothing for one that is not there."""
        return self._have.get(name, NetnsState())

    def has(self, name: NetnsName) -> bool:
        """Tell whether a namespace is there, with its links."""
        return name in self._whole

    async def read(self) -> set[NetnsName]:
        """Take what the kernel holds for what was applied; return the namespaces that exist."""
        self._whole.clear()
        self._have = await self._call(ReadLab(lab=self._lab))
        return set(self._have)

    def plan(self, topology: Topology) -> list[Op]:
        """Return what is to be done for the topology and the pods as they are now."""
        return diff(self._have, self._want(topology, self._wanted_vips()))

    async def sync(self, topology: Topology) -> list[Op]:
        """Carry out what is to be done, and return it.

        Raises:
            KernelError: An operation was refused; what the kernel holds must be read again.
        """
        vips = self._wanted_vips()
        want = self._want(topology, vips)
        operations = diff(self._have, want)
        if operations:
            self._whole -= {op.netns for op in operations if isinstance(op, DeleteNetns)}
            await self._call(Apply(operations=tuple(operations)))
            self._have = want
        self._whole = set(want)
        self.vips = vips
        return operations

    def _want(self, topology: Topology, vips: Iterable[Vip]) -> LabState:
        pods = {key_of(pod): pod for pod in self._store.list_("pods")}
        self.unreadable.keep(pods.keys())
        placements = [
            self.unreadable.read(key, partial(placement_of, pod)) for key, pod in pods.items()
        ]
        return build_lab(self._lab, topology, filter(None, placements), vips)


def created(operations: list[Op]) -> set[NetnsName]:
    """Return the namespaces that ``operations`` make."""
    return {op.netns for op in operations if isinstance(op, CreateNetns)}
