"""kube-proxy of every node: keeps the kernel's rules equal to what Services and endpoints ask for.

Theory of operation
-------------------
When an object that rules come from has changed, the rules of each node are compiled anew and
compared with what that node was last given; the difference is one text for ``iptables-restore``, or
for ``nft``. That is a partial sync. In a full one the node's rules are read back from the kernel
first, so that whatever somebody else did to them is put right: after a refused text (the kernel
then holds what it held, or nobody knows what), when the node's Node object changes, when its canary
is gone, and every hour. Last, conntrack's UDP entries that lead to endpoints which serve no more
are removed.

A chain of an nftables table that no Service needs any more is emptied first and deleted a little
later: see ``netlab.proxy.nftables.sync``.
"""

import time
from collections.abc import Callable, Collection
from typing import Final

from netlab.control.store import Event, Store
from netlab.kernel.requests import CleanUdp
from netlab.lab.laid_rules import Call, Laid, LaidRules
from netlab.lab.proxy_metrics import ProxyMetrics, rules_written
from netlab.lab.wanted_rules import ProxyObjects, proxy_nodes, read_objects, wanted_rules
from netlab.model.names import NetnsName, host_netns
from netlab.model.packets import Family
from netlab.model.services import ProxyNode
from netlab.model.topology import ProxyMode, Topology
from netlab.proxy.health import ProxyHealth
from netlab.proxy.node_rules import HeldRules, NodeRules
from netlab.proxy.udp import UdpServices, udp_services

_CHANGES: Final = {"services", "endpointslices"}
RETRY_S: Final = 1.0
TIDY_S: Final = 1.0
"""Until chains that were emptied are deleted."""
FULL_PERIOD_S: Final = 3600.0


class KubeProxy:
    """The rules of all nodes, and the router's.

    Args:
        lab: Name.
        store: Where Services and EndpointSlices are.
        call: Sends a request to the launcher.
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
        self._laid = LaidRules(call)
        self._cleaned: dict[NetnsName, UdpServices] = {}
        self._is_due = True
        self._queued_at: float | None = clock()
        self._topology: Topology | None = None
        self._tidy_at: float | None = None
        self.objects = ProxyObjects(zones={})
        """What the rules of the last sync come from."""
        self.nodes: dict[NetnsName, ProxyNode] = {}
        """Every node, by its namespace, as of the last sync."""
        self.mode = ProxyMode.IPTABLES
        """As of the last sync."""
        self.metrics: dict[NetnsName, ProxyMetrics] = {}
        self.refusals: dict[NetnsName, str] = {}
        """Why the last restore failed, for each namespace whose last restore did."""
        store.subscribe(self._told)

    def forget(self, names: Collection[NetnsName]) -> None:
        """Have the rules of these namespaces read back before they are next compared."""
        self._laid.forget(names)
        for name in names:
            self._cleaned.pop(name, None)
        self._queue()

    def start_empty(self, names: Collection[NetnsName]) -> None:
        """Take note of namespaces that were just made and hold no rule."""
        self._laid.start_empty(names)
        if names:
            self._queue()

    def full_sync_when_due(self, now: float) -> float:
        """Have everything read back if it is time to, and return when it will be again."""
        if now >= self._full_at:
            self._full_at = now + self._full_period_s
            self.forget(self._laid.names())
        return self._full_at

    def held(self, name: NetnsName) -> HeldRules | None:
        """Return what a namespace was last given; None when that is not known."""
        return self._laid.of(name)

    def wanted(self, topology: Topology, host: str) -> NodeRules | None:
        """Return the rules that a node, or the router, is to hold; None for other hosts."""
        want = wanted_rules(self._lab, topology, read_objects(self._store))
        return want.get(host_netns(self._lab, host))

    def health(self, name: NetnsName) -> ProxyHealth:
        """Return whether the rules of a node follow the objects."""
        synced_at = self.metrics[name].synced_at
        waiting = self._queued_at if name not in self.refusals else synced_at
        return ProxyHealth(updated_at=synced_at, queued_at=waiting)

    async def sync(self, topology: Topology) -> int:
        """Bring the rules of every namespace up to date.

        Returns:
            How many namespaces were given new rules.

        Raises:
            NetlabError: iptables or nft is missing, or a namespace is.
        """
        if not (self._is_due or self.refusals or topology is not self._topology):
            return 0
        started = time.perf_counter()
        self._is_due, self._topology, self.mode = False, topology, topology.proxy_mode
        self.objects = read_objects(self._store)
        self._use_nodes(proxy_nodes(self._lab, topology, self.objects))
        want = wanted_rules(self._lab, topology, self.objects)
        laid = await self._laid.bring(want)
        self.refusals = dict(laid.refusals)
        if self._laid.is_tidy():
            self._tidy_at = None
        elif self._tidy_at is None:
            # Syncs one after another must not put it off for ever.
            self._tidy_at = self._clock() + TIDY_S
        self._count(laid, time.perf_counter() - started)
        await self._clean_udp()
        if not self._is_due:
            self._queued_at = None
        return len(laid.changes) - len(laid.refusals)

    async def tidy_when_due(self, now: float) -> float | None:
        """Delete chains that changes have left empty if it is time to.

        Returns:
            When it will be; None when there is nothing to delete.

        Raises:
            NetlabError: nft is missing, or a namespace is.
        """
        if self._tidy_at is None or now < self._tidy_at:
            return self._tidy_at
        self._tidy_at = None
        refusals = await self._laid.tidy()
        for name in refusals:
            self.metrics[name].cleanup_failures += 1
        if refusals:
            self._queue()
        return now if refusals else None

    def _told(self, event: Event) -> None:
        now = self._clock()
        if event.key.resource == "nodes":
            self.forget([host_netns(self._lab, event.key.name)])
        elif event.key.resource in _CHANGES:
            for metrics in self.metrics.values():
                metrics.changed(event.key.resource, now)
            self._queue()

    def _queue(self) -> None:
        self._is_due = True
        if self._queued_at is None:
            self._queued_at = self._clock()

    def _use_nodes(self, nodes: dict[NetnsName, ProxyNode]) -> None:
        self.nodes = nodes
        self.metrics = {name: self.metrics.get(name) or ProxyMetrics() for name in nodes}

    def _count(self, laid: Laid, duration_s: float) -> None:
        now = self._clock()
        for name, metrics in self.metrics.items():
            is_full = name in laid.were_read
            if name in laid.refusals:
                metrics.failed(is_full=is_full)
            else:
                metrics.synced(duration_s, now, is_full=is_full)
                done = laid.changes.get(name)
                metrics.written = rules_written(done.iptables if done is not None else "")

    async def _clean_udp(self) -> None:
        services = udp_services(self.objects.services, self.objects.slices, Family.IPV4)
        due = [
            name
            for name in self.nodes
            if name not in self.refusals and self._cleaned.get(name) != services
        ]
        if due and services:
            started = time.perf_counter()
            deleted = await self._call(CleanUdp(netns=tuple(due), services=services))
            for name in due:
                self.metrics[name].conntrack.observe(time.perf_counter() - started)
                self.metrics[name].deleted_connections += deleted[name]
        self._cleaned.update(dict.fromkeys(due, services))
