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

A chain of an nftables table that no Service needs any more is emptied first and deleted a little
later: see ``netlab.proxy.nftables.sync``.
"""

import time
from collections.abc import Callable, Collection, Mapping
from functools import partial
from typing import TYPE_CHECKING, Final

from netlab.control.store import Event, Store
from netlab.kernel.requests import CleanUdp
from netlab.lab.proxy.laid_rules import Call, Laid, LaidRules
from netlab.lab.proxy.metrics import ProxyMetrics, rules_written
from netlab.lab.proxy.wanted_rules import node_proxy, own_rules, proxy_nodes, wanted_rules
from netlab.model.addresses import Family
from netlab.model.names import NetnsName, host_netns
from netlab.model.resources import key_of
from netlab.model.services import endpoint_slice_of, service_of
from netlab.model.topology import ProxyMode, Topology
from netlab.proxy.health import ProxyHealth
from netlab.proxy.node_rules import HeldRules, NodeRules, RuleChange, Wanted
from netlab.proxy.service_map import Name, ServiceMap
from netlab.proxy.udp_due import UdpDue

if TYPE_CHECKING:
    from netlab.netfilter.rules import Ruleset
    from netlab.proxy.node_proxy import NodeProxy

_CHANGES: Final = ("services", "endpointslices")
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
        self._services = ServiceMap()
        self._unread = {key_of(obj): None for kind in _CHANGES for obj in store.list_(kind)}
        self._nodes_changed = True
        self._own: dict[NetnsName, Ruleset] = {}
        """Rules that are not kube-proxy's."""
        self._udp = UdpDue[NetnsName](self._services, Family.IPV4)
        self._is_due = True
        self._queued_at: float | None = clock()
        self._topology: Topology | None = None
        self._tidy_at: float | None = None
        self.nodes: dict[NetnsName, NodeProxy] = {}
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
            self.forget(self._laid.in_step())
        return self._full_at

    def rules_held(self, name: NetnsName) -> Mapping[str, int]:
        """Return how many rules of iptables a node holds, by table; empty when nobody knows."""
        if name not in self._laid.in_step():
            return {}
        tables = self._whole(name).iptables.tables
        return {table.name: sum(len(chain.rules) for chain in table.chains) for table in tables}

    def wanted(self, topology: Topology, host: str) -> NodeRules | None:
        """Return the rules that a node, or the router, is to hold; None for other hosts."""
        want = wanted_rules(self._lab, topology, self._store)
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
        self._is_due = False
        try:
            want = self._follow(topology)
        except BaseException:
            # Some nodes may have followed and others not: the next sync compiles everything.
            self._topology = None
            raise
        laid = await self._laid.bring(want)
        self.refusals = dict(laid.refusals)
        self._udp.all_changed(self.nodes.keys() & laid.were_read)
        for name, held in laid.found.items():
            if name in self.nodes:
                self.nodes[name].take_over(held)
        if all(node.is_tidy for node in self.nodes.values()):
            self._tidy_at = None
        elif self._tidy_at is None:
            # Syncs one after another must not put it off for ever.
            self._tidy_at = self._clock() + TIDY_S
        self._count(laid, time.perf_counter() - started)
        await self._clean_udp()
        if not self._is_due:
            self._queued_at = None
        return len(laid.changes.keys() - laid.refusals.keys())

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
        names = self.nodes.keys() & self._laid.in_step()
        texts = {name: self.nodes[name].tidy() for name in names}
        refusals = await self._laid.tidy({name: text for name, text in texts.items() if text})
        for name in refusals:
            self.metrics[name].cleanup_failures += 1
        if refusals:
            self._queue()
        return now if refusals else None

    def _follow(self, topology: Topology) -> dict[NetnsName, Wanted]:
        """Compile what has changed, and return what every namespace must hold by that."""
        changed = self._take_changes()
        if topology is not self._topology:
            self._laid.fall_out_of_step(self._holds)
        if self._nodes_changed or topology is not self._topology:
            self._use_nodes(topology)
        self._udp.changed(changed, self.nodes)
        steps = {name: node.update(changed) for name, node in self.nodes.items()}
        return {
            name: Wanted(whole=partial(self._whole, name), step=steps.get(name, RuleChange()))
            for name in self._own
        }

    def _holds(self, name: NetnsName) -> HeldRules:
        own, node = self._own[name], self.nodes.get(name)
        return node.holds(own) if node is not None else HeldRules(iptables=own)

    def _whole(self, name: NetnsName) -> NodeRules:
        own, node = self._own[name], self.nodes.get(name)
        return node.rules(own) if node is not None else NodeRules(iptables=own)

    def _take_changes(self) -> list[Name]:
        """Read the objects that have changed; return the Services that are others by that."""
        while self._unread:
            key = next(iter(self._unread))
            obj, name = self._store.get(key), Name(key.namespace, key.name)
            if key.resource == "services":
                self._services.set_service(name, service_of(obj) if obj is not None else None)
            else:
                piece = endpoint_slice_of(obj) if obj is not None else None
                self._services.set_slice(name, piece)
            del self._unread[key]
        return self._services.take_changes()

    def _use_nodes(self, topology: Topology) -> None:
        """Take the nodes as they are now; those that are others compile everything."""
        old = self.nodes if topology is self._topology else {}
        self._own = own_rules(self._lab, topology)
        self.nodes = {}
        for name, node in proxy_nodes(self._lab, topology, self._store).items():
            known = old.get(name)
            if known is not None and known.node != node:
                self._laid.forget([name])
                known = None
            self.nodes[name] = known or node_proxy(topology, node, self._services)
        self._nodes_changed, self._topology, self.mode = False, topology, topology.proxy.mode
        self.metrics = {name: self.metrics.get(name) or ProxyMetrics() for name in self.nodes}

    def _told(self, event: Event) -> None:
        now = self._clock()
        if event.key.resource == "nodes":
            self._nodes_changed = True
            self.forget([host_netns(self._lab, event.key.name)])
        elif event.key.resource in _CHANGES:
            self._unread[event.key] = None
            for metrics in self.metrics.values():
                metrics.changed(event.key.resource, now)
            self._queue()

    def _queue(self) -> None:
        self._is_due = True
        if self._queued_at is None:
            self._queued_at = self._clock()

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
        names = [name for name in self.nodes if name not in self.refusals]
        due, services = self._udp.due(names)
        if due:
            started = time.perf_counter()
            deleted = await self._call(CleanUdp(netns=tuple(due), services=services))
            for name in due:
                self.metrics[name].conntrack.observe(time.perf_counter() - started)
                self.metrics[name].deleted_connections += deleted[name]
        self._udp.done(names)
