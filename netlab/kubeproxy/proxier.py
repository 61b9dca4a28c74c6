"""kube-proxy of every node: keeps the kernel's rules equal to what Services and endpoints ask for.

Theory of operation
-------------------
The store tells which Services and EndpointSlices change. At the next sync those are read, every
node compiles the Services they belong to anew, and what changes by that is one text for
``iptables-restore``, or for ``nft``. That is a partial sync. In a full one the node's rules are
read back from the kernel and compared with all that it should hold, so that whatever somebody else
did to them is put right: after a refused text (the kernel then holds what it held, or nobody knows
what), when the node's Node object changes, when its canary is gone, and every hour. Last,
conntrack's UDP entries that lead to endpoints which serve no more are removed.

A *ruleset* is that of a namespace in one address family; each is refused, read and
brought up to date on its own.

A chain of an nftables table that no Service needs any more is emptied first and deleted a little
later: see ``netlab.netfilter.nftables.sync``.
"""

import time
from collections.abc import Callable, Collection, Iterable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Final, TypeVar

from netlab.apiserver.store import Event, Store
from netlab.kube.kinds.service.view import ProxyNode, endpoint_slice_of, service_of
from netlab.kube.objects import Key, Object
from netlab.kube.resources import RESOURCES, key_of
from netlab.kube.unreadable import UNREADABLE, UnreadableObjects
from netlab.kubeproxy.conntrack import udp_services
from netlab.kubeproxy.conntrack_work import UdpDue
from netlab.kubeproxy.desired import node_proxy, proxy_nodes
from netlab.kubeproxy.health import ProxyHealth
from netlab.kubeproxy.metrics import ProxyMetrics, rules_written
from netlab.kubeproxy.names import KUBE_PROXY
from netlab.kubeproxy.service_map import Name, ServiceEndpoints, ServiceMap
from netlab.model.addresses import Family
from netlab.model.kube_proxy import ProxyMode
from netlab.model.names import NetnsFamily, NetnsName, host_netns
from netlab.model.topology import Topology
from netlab.netfilter.ruleset_change import Desired
from netlab.netns_agent.requests import CleanUdp
from netlab.netns_agent.ruleset_sync import Call, RulesetSync, SyncResult

if TYPE_CHECKING:
    from netlab.kubeproxy.node_proxy import NodeProxy

T = TypeVar("T")
_CHANGES: Final = ("services", "endpointslices")
RETRY_S: Final = 1.0
STALE_CHAINS_S: Final = 1.0
"""Until chains that were emptied are deleted."""
FULL_PERIOD_S: Final = 3600.0


class KubeProxy:
    """The rules of all nodes.

    Args:
        lab: Name.
        store: Where Services and EndpointSlices are.
        call: Sends a request to the netns agent.
        clock: Wall clock seconds.
        full_period_s: Seconds between full syncs that nothing else asks for.
    """

    def __init__(
        self,
        lab: str,
        store: Store,
        call: Call,
        clock: Callable[[], float],
        full_period_s: float = FULL_PERIOD_S,
    ) -> None:
        self._lab = lab
        self._store = store
        self._call = call
        self._clock = clock
        self._full_period_s = full_period_s
        self._full_at = clock() + full_period_s
        self._rulesets = RulesetSync(KUBE_PROXY, call)
        self._services = ServiceMap()
        self._unread = {key_of(obj): None for kind in _CHANGES for obj in store.list_(kind)}
        self._nodes_changed = True
        self._udp = {family: UdpDue[NetnsFamily](self._services, family) for family in Family}
        self._is_due = True
        self._queued_at: float | None = clock()
        self._topology: Topology | None = None
        self._stale_chains_at: float | None = None
        self.nodes: dict[NetnsFamily, NodeProxy] = {}
        """Every node in every family, as of the last sync."""
        self.mode = ProxyMode.IPTABLES
        """As of the last sync."""
        self.unreadable = UnreadableObjects()
        """Objects that are left out: they cannot be read, or not be compiled."""
        self._failing: set[Key] = set()
        """Services that can be read and not be compiled."""
        self.metrics: dict[NetnsFamily, ProxyMetrics] = {}
        self.refusals: dict[NetnsFamily, str] = {}
        """Why the last restore failed, for each ruleset whose last restore did."""
        store.subscribe(self._on_event)

    def forget(self, names: Collection[NetnsName]) -> None:
        """Have the rules of these namespaces read back before they are next compared."""
        self._forget(NetnsFamily(name, family) for name in names for family in Family)

    def mark_empty(self, names: Collection[NetnsName]) -> None:
        """Take note of namespaces that were just made and hold no rule."""
        self._rulesets.mark_empty(
            [NetnsFamily(name, family) for name in names for family in Family]
        )
        if names:
            self._queue()

    def full_sync_when_due(self, now: float) -> float:
        """Have everything read back if it is time to, and return when it will be again."""
        if now >= self._full_at:
            self._full_at = now + self._full_period_s
            self._forget(self._rulesets.synced())
        return self._full_at

    def rules_held(self, key: NetnsFamily) -> Mapping[str, int]:
        """Return how many rules of iptables a ruleset holds, by table; empty when nobody knows."""
        if key not in self._rulesets.synced():
            return {}
        tables = self.nodes[key].rules().iptables.tables
        return {table.name: sum(len(chain.rules) for chain in table.chains) for table in tables}

    def health(self, key: NetnsFamily) -> ProxyHealth:
        """Return whether the rules of a ruleset follow the objects."""
        synced_at = self.metrics[key].synced_at
        waiting = self._queued_at if key not in self.refusals else synced_at
        return ProxyHealth(updated_at=synced_at, queued_at=waiting)

    async def sync(self, topology: Topology) -> int:
        """Bring the rules of every node up to date.

        Returns:
            How many rulesets were changed.

        Raises:
            NetlabError: iptables or nft is missing, or a namespace is.
        """
        if not (self._is_due or self.refusals or topology is not self._topology):
            return 0
        started = time.perf_counter()
        self._is_due = False
        try:
            want = self._follow(topology)
        except BaseException:
            # Some nodes may have followed and others not: the next sync compiles everything.
            self._topology = None
            self._queue()
            raise
        try:
            result = await self._rulesets.sync(want)
            self._adopt(result)
            self._count(result, time.perf_counter() - started)
            await self._clean_udp()
        except BaseException:
            self._queue()
            raise
        if not self._is_due:
            self._queued_at = None
        return len(result.changes.keys() - result.refusals.keys())

    async def delete_stale_chains_when_due(self, now: float) -> float | None:
        """Delete chains that changes have left empty if it is time to.

        Returns:
            When it will be; None when there is nothing to delete.

        Raises:
            NetlabError: nft is missing, or a namespace is.
        """
        if self._stale_chains_at is None or now < self._stale_chains_at:
            return self._stale_chains_at
        self._stale_chains_at = None
        keys = self.nodes.keys() & self._rulesets.synced()
        texts = {key: self.nodes[key].stale_chains_text() for key in keys}
        refusals = await self._rulesets.delete_stale_chains(
            {key: text for key, text in texts.items() if text}
        )
        for key in refusals:
            self.metrics[key].cleanup_failures += 1
        if refusals:
            self._queue()
        return now if refusals else None

    def _follow(self, topology: Topology) -> dict[NetnsFamily, Desired]:
        """Compile what has changed, and return what every ruleset must hold by that.

        A Service that cannot be compiled is left out by its name, and the others go on.
        """
        changed = self._take_changes()
        try:
            return self._compile(topology, changed)
        except UNREADABLE:
            if not self._leave_out_failing(topology):
                raise
        # How far nodes had followed nobody knows: all is compiled anew and read back.
        self._rulesets.forget(self._rulesets.synced())
        self._topology = None
        return self._compile(topology, self._services.take_changes())

    def _leave_out_failing(self, topology: Topology) -> bool:
        """Leave out each Service that does not compile by itself; tell whether there is one."""
        nodes = proxy_nodes(self._lab, topology, self._store).values()
        for name in self._services.names():
            key, served = RESOURCES["services"].key(*name), self._services.get(name)
            alone = partial(_compile_alone, served, topology, nodes)
            if self.unreadable.read(key, alone) is None:
                self._failing.add(key)
                self._services.set_service(name, None)
        return bool(self._failing)

    def _compile(self, topology: Topology, changed: list[Name]) -> dict[NetnsFamily, Desired]:
        if topology is not self._topology:
            self._rulesets.compare_again(lambda key: self.nodes[key].holds())
        if self._nodes_changed or topology is not self._topology:
            self._use_nodes(topology)
        for family, udp in self._udp.items():
            udp.changed(changed, self._nodes_of(family))
        deltas = {key: node.update(changed) for key, node in self.nodes.items()}
        return {
            key: Desired(full=node.rules, delta=deltas[key]) for key, node in self.nodes.items()
        }

    def _nodes_of(self, family: Family) -> set[NetnsFamily]:
        return {key for key in self.nodes if key.family is family}

    def _take_changes(self) -> list[Name]:
        """Read the objects that have changed; return the Services that are others by that."""
        if self._unread:
            # What could not be compiled may be with a change of its endpoints.
            self._unread |= dict.fromkeys(self._failing)
            self._failing.clear()
        while self._unread:
            key = next(iter(self._unread))
            obj, name = self._store.get(key), Name(key.namespace, key.name)
            self.unreadable.forget(key)
            if key.resource == "services":
                service = self._read(key, obj, service_of)
                self._services.set_service(name, service)
            else:
                self._services.set_slice(name, self._read(key, obj, endpoint_slice_of))
            del self._unread[key]
        return self._services.take_changes()

    def _read(self, key: Key, obj: Object | None, reader: Callable[[Object], T]) -> T | None:
        return self.unreadable.read(key, partial(reader, obj)) if obj is not None else None

    def _use_nodes(self, topology: Topology) -> None:
        """Take the nodes as they are now; those that are others compile everything."""
        old = self.nodes if topology is self._topology else {}
        self.nodes = {}
        nodes = proxy_nodes(self._lab, topology, self._store)
        for key in (NetnsFamily(name, family) for family in topology.families for name in nodes):
            known, node = old.get(key), nodes[key.netns]
            if known is not None and known.node != node:
                self._rulesets.forget([key])
                known = None
            made = known or node_proxy(topology, node, key.family, self._services)
            self.nodes[key] = made
        self._nodes_changed, self._topology, self.mode = False, topology, topology.proxy.mode
        self.metrics = {
            key: self.metrics.get(key) or ProxyMetrics(family=key.family) for key in self.nodes
        }

    def _on_event(self, event: Event) -> None:
        now = self._clock()
        if event.key.resource == "nodes":
            self._nodes_changed = True
            self.forget([host_netns(self._lab, event.key.name)])
        elif event.key.resource in _CHANGES:
            self._unread[event.key] = None
            for metrics in self.metrics.values():
                metrics.changed(event.key.resource, now)
            self._queue()

    def _forget(self, keys: Iterable[NetnsFamily]) -> None:
        self._rulesets.forget(list(keys))
        self._queue()

    def _queue(self) -> None:
        self._is_due = True
        if self._queued_at is None:
            self._queued_at = self._clock()

    def _adopt(self, result: SyncResult) -> None:
        """Take note of what rulesets hold by now, and of what is to be deleted there."""
        self.refusals = dict(result.refusals)
        for family, udp in self._udp.items():
            udp.all_changed(self._nodes_of(family) & result.read_back)
        for key, held in result.found.items():
            if key in self.nodes:
                self.nodes[key].adopt(held)
        if all(not node.has_stale_chains for node in self.nodes.values()):
            self._stale_chains_at = None
        elif self._stale_chains_at is None:
            # Syncs one after another must not put it off for ever.
            self._stale_chains_at = self._clock() + STALE_CHAINS_S

    def _count(self, result: SyncResult, duration_s: float) -> None:
        now = self._clock()
        for key, metrics in self.metrics.items():
            is_full = key in result.read_back
            if key in result.refusals:
                metrics.failed(is_full=is_full)
            else:
                metrics.synced(duration_s, now, is_full=is_full)
                done = result.changes.get(key)
                metrics.written = rules_written(done.iptables if done is not None else "")

    async def _clean_udp(self) -> None:
        for family, udp in self._udp.items():
            keys = self._nodes_of(family) - self.refusals.keys()
            due, services = udp.due(keys)
            if due:
                started = time.perf_counter()
                deleted = await self._call(CleanUdp(keys=tuple(due), services=services))
                for key in due:
                    self.metrics[key].conntrack.observe(time.perf_counter() - started)
                    self.metrics[key].deleted_connections += deleted[key]
            udp.done(keys)


def _compile_alone(
    served: ServiceEndpoints | None, topology: Topology, nodes: Iterable[ProxyNode]
) -> bool:
    """Compile a Service as if there were no other, on every node, and return True."""
    if served is not None:
        services = ServiceMap.of([served.service], served.slices)
        for family in topology.families:
            udp_services([served], family)
            for node in nodes:
                node_proxy(topology, node, family, services).rules()
    return True
