"""kube-proxy of every node: keeps the kernel's rules equal to what Services and endpoints ask for.

Theory of operation
-------------------
When an object that rules come from has changed, the ruleset of each node is compiled anew and
compared with what that node was last given; the difference is one text for ``iptables-restore``.
That is a partial sync. In a full one the node's rules are read back from the kernel first, so that
whatever somebody else did to them is put right: after a refused text (the kernel then holds what it
held, or nobody knows what), when the node's Node object changes, when its canary is gone, and every
hour. Last, conntrack's UDP entries that lead to endpoints which serve no more are removed.
"""

import time
from collections.abc import Awaitable, Callable, Collection, Mapping
from typing import Any, Final

from netlab.control.store import Event, Store
from netlab.kernel.requests import CleanUdp, Restore, SaveRules
from netlab.lab.proxy_metrics import ProxyMetrics, rules_written
from netlab.lab.wanted_rules import ProxyObjects, proxy_nodes, read_objects, wanted_rules
from netlab.model.names import NetnsName, host_netns
from netlab.model.packets import Family
from netlab.model.services import ProxyNode
from netlab.model.topology import Topology
from netlab.netfilter.parse import parse
from netlab.netfilter.render import render
from netlab.netfilter.rules import Ruleset
from netlab.netfilter.sync import sync_text
from netlab.proxy.health import ProxyHealth
from netlab.proxy.udp import UdpServices, udp_services

Call = Callable[[object], Awaitable[Any]]

_CHANGES: Final = {"services", "endpointslices"}
_NOTHING: Final = Ruleset(Family.IPV4, ())
RETRY_S: Final = 1.0
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
        self._loaded: dict[NetnsName, Ruleset] = {}
        self._was_read: set[NetnsName] = set()
        self._cleaned: dict[NetnsName, UdpServices] = {}
        self._is_due = True
        self._queued_at: float | None = clock()
        self._topology: Topology | None = None
        self.objects = ProxyObjects(zones={})
        """What the rules of the last sync come from."""
        self.nodes: dict[NetnsName, ProxyNode] = {}
        """Every node, by its namespace, as of the last sync."""
        self.metrics: dict[NetnsName, ProxyMetrics] = {}
        self.refusals: dict[NetnsName, str] = {}
        """Why the last restore failed, for each namespace whose last restore did."""
        store.subscribe(self._told)

    def forget(self, names: Collection[NetnsName]) -> None:
        """Have the rules of these namespaces read back before they are next compared."""
        for name in names:
            self._loaded.pop(name, None)
            self._cleaned.pop(name, None)
        self._queue()

    def start_empty(self, names: Collection[NetnsName]) -> None:
        """Take note of namespaces that were just made and hold no rule."""
        self._loaded.update(dict.fromkeys(names, _NOTHING))
        self._was_read |= set(names)
        self._queue()

    def full_sync_when_due(self, now: float) -> float:
        """Have everything read back if it is time to, and return when it will be again."""
        if now >= self._full_at:
            self._full_at = now + self._full_period_s
            self.forget(list(self._loaded))
        return self._full_at

    def loaded(self, name: NetnsName) -> Ruleset | None:
        """Return what a namespace was last given; None when that is not known."""
        return self._loaded.get(name)

    def wanted_text(self, topology: Topology, host: str) -> str | None:
        """Return the whole text that a node, or the router, is to hold; None for other hosts."""
        want = wanted_rules(self._lab, topology, read_objects(self._store))
        rules = want.get(host_netns(self._lab, host))
        return render(rules) if rules is not None else None

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
            NetlabError: iptables is missing, or a namespace is.
        """
        if not (self._is_due or self.refusals or topology is not self._topology):
            return 0
        started = time.perf_counter()
        self._is_due, self._topology = False, topology
        self.objects = read_objects(self._store)
        self._use_nodes(proxy_nodes(self._lab, topology, self.objects))
        want = wanted_rules(self._lab, topology, self.objects)
        await self._read(sorted(want.keys() - self._loaded.keys()))
        texts = {name: sync_text(want[name], self._loaded[name]) for name in want}
        texts = {name: text for name, text in texts.items() if text}
        self.refusals = await self._call(Restore(texts=texts)) if texts else {}
        for name in texts:
            if name in self.refusals:
                del self._loaded[name]
            else:
                self._loaded[name] = want[name]
        self._count(texts, time.perf_counter() - started)
        await self._clean_udp()
        if not self._is_due:
            self._queued_at = None
        return len(texts) - len(self.refusals)

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

    async def _read(self, names: list[NetnsName]) -> None:
        if names:
            texts = await self._call(SaveRules(netns=tuple(names)))
            for name, text in texts.items():
                self._loaded[name] = parse(text, Family.IPV4)
            self._was_read |= set(names)

    def _count(self, texts: Mapping[NetnsName, str], duration_s: float) -> None:
        now = self._clock()
        for name, metrics in self.metrics.items():
            is_full = name in self._was_read
            if name in self.refusals:
                metrics.failed(is_full=is_full)
            else:
                metrics.synced(duration_s, now, is_full=is_full)
                metrics.written = rules_written(texts.get(name, ""))
        self._was_read.clear()

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
