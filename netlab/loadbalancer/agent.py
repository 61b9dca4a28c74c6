"""The load balancer of a lab: what its host holds follows Services, nodes and nodes' health.

Theory of operation
-------------------
A sync reads the Services of type LoadBalancer and the nodes, decides which nodes are to be asked
whether they are fit to be sent to, and asks those that are due. Nobody waits for an answer: when it
has come, another sync takes note of it. By what is known

* each address of a passthrough balancer leads to the healthy nodes, as a route that the network's
  agent lays with all others (``vips``);
* the rules on the balancer's host let the ports of Services through;
* HAProxy runs with a configuration that names the healthy nodes.

All three stay in the kernel when the control plane ends; only who is healthy stands still then. The
next control plane begins with what it finds there: nodes that are sent to count as healthy.
"""

import asyncio
from collections.abc import Callable, Collection, Iterable, Iterator
from functools import partial
from socket import socket
from typing import Final

from netlab.apiserver.store import Event, Store
from netlab.errors import KernelError, NetlabError
from netlab.kube.resources import key_of
from netlab.kube.unreadable import UnreadableObjects
from netlab.loadbalancer.balancer import (
    BalancedNode,
    Balancer,
    balanced_nodes,
    balancer_of,
)
from netlab.loadbalancer.haproxy import haproxy_configuration, served_addresses
from netlab.loadbalancer.haproxy_process import HaproxyProcess
from netlab.loadbalancer.health import NodeHealth, Target
from netlab.loadbalancer.health_request import ask_health
from netlab.loadbalancer.nexthops import spread
from netlab.loadbalancer.rules import BALANCER, forward_ruleset
from netlab.model.addresses import Address, Family, family_of
from netlab.model.links import NetnsState, NextHop
from netlab.model.names import LB, NetnsFamily, NetnsName, host_netns
from netlab.model.processes import ProcessId
from netlab.model.topology import LoadBalancerClass, Topology
from netlab.model.vips import Vip
from netlab.netfilter.iptables.rules import Ruleset
from netlab.netns_agent.calls import Calls
from netlab.netns_agent.requests import Connect
from netlab.netns_agent.ruleset_sync import RulesetSync

_START_S: Final = 0.05
_RETRY_S: Final = 1.0
"""After HAProxy could not be started."""


class LoadBalancer:
    """The load balancer of a lab.

    Args:
        lab: Name.
        store: Where Services and Nodes are.
        call: Sends requests to the netns agent.
        haproxy: The proxy's process.
        may_ask: Whether nodes may be asked: their health ports are served by this very process, and
            a control plane that starts anew has not opened them yet.
        wake: Has an agent's sync called soon, by its name.
    """

    def __init__(
        self,
        lab: str,
        store: Store,
        *,
        call: Calls,
        haproxy: HaproxyProcess,
        may_ask: Callable[[], bool],
        wake: Callable[[str], None],
    ) -> None:
        self._netns = host_netns(lab, LB)
        self._store = store
        self._call = call
        self.haproxy = haproxy
        self.unreadable = UnreadableObjects()
        """Services and nodes that are left out."""
        self._may_ask = may_ask
        self._wake = wake
        self._has_new_endpoints = False
        self._topology: Topology | None = None
        self._health = NodeHealth()
        self._results: dict[Target, str] = {}
        self._asked: dict[Target, asyncio.Task[None]] = {}
        self._rulesets = RulesetSync(BALANCER, call)
        self._vips: tuple[Vip, ...] = ()
        self._known: set[tuple[Address, Address]] = set()
        """Addresses of balancers and of nodes that they led to before the start."""
        self._served: dict[str, set[str]] | None = None
        """Addresses of nodes that HAProxy sent to then, by balancer; None before it was asked."""
        self._held: tuple[Vip, ...] = ()
        """Those that the balancer's host holds already."""
        store.subscribe(self._on_event)

    def adopt(self, state: NetnsState) -> None:
        """Begin with what the balancer's host holds already."""
        self._vips = vips_in(state)
        self._known = {(vip.address, way.gateway) for vip in self._vips for way in vip.nexthops}

    def follow(
        self, topology: Topology, created: Collection[NetnsName], vips: tuple[Vip, ...]
    ) -> None:
        """Take note that the lab's namespaces follow a topology and addresses now.

        Args:
            topology: What they follow.
            created: Namespaces that are new: the balancer's holds no rule then.
            vips: What ``vips`` returned when the network was last brought up to date.
        """
        is_new = topology is not self._topology or self._netns in created
        self._topology = topology
        if self._netns in created:
            self._rulesets.mark_empty(self._places())
        if is_new or vips != self._held:
            self._held = vips
            self._wake("loadbalancer")

    def resync(self, names: Collection[NetnsName]) -> None:
        """Have the rules of these namespaces read back before they are next compared."""
        if self._netns in names:
            self._rulesets.forget(self._places())
            self._wake("loadbalancer")

    def _places(self) -> list[NetnsFamily]:
        return [NetnsFamily(self._netns, family) for family in Family]

    def vips(self) -> tuple[Vip, ...]:
        """Return the addresses that the balancer's host holds, and where they lead."""
        return self._vips

    def is_waiting(self) -> bool:
        """Return whether a node has not been asked yet whether it is healthy."""
        return any(health.is_healthy is None for health in self._health.targets.values())

    def exited(self, process: ProcessId) -> None:
        """Take note that a process of HAProxy's has ended."""
        if self.haproxy.exited(process):
            self._wake("loadbalancer")

    async def sync(self, now: float) -> float | None:
        """Bring all up to date; see ``netlab.control_plane.agents.Agent``.

        Raises:
            NetlabError: The rules of the balancer's host are refused.
        """
        topology = self._topology
        if topology is None:
            return None
        if self._served is None:
            self._served = served_addresses(await self.haproxy.adopt())
        self.unreadable.clear()
        balancers, nodes = self._balancers(topology), self._nodes()
        results, self._results = self._results, {}
        options = topology.load_balancer.health_check
        health = self._health.with_results(results, now, options)
        known = [target for one in balancers for target in self._known_targets(one, nodes)]
        health = health.watch(_targets(balancers, nodes), now, known)
        self._health = health.hasten(now) if self._has_new_endpoints else health
        self._has_new_endpoints = False
        if not self._may_ask():
            return now + _START_S
        self._ask(now, options.timeout_s)
        self._spread(balancers, nodes)
        await self._sync_rules(topology, balancers)
        await self._proxy(balancers, nodes)
        again = self._health.next_at()
        return min(again or now + _RETRY_S, now + _RETRY_S) if self.haproxy.failure else again

    def _on_event(self, event: Event) -> None:
        # One of the nodes that are out may have an endpoint now.
        if event.key.resource == "endpointslices" and self._health.targets:
            self._has_new_endpoints = True
            self._wake("loadbalancer")

    def _balancers(self, topology: Topology) -> list[Balancer]:
        default = topology.load_balancer.default_class
        read = self.unreadable.read
        found = (
            read(key_of(one), partial(balancer_of, one, default))
            for one in self._store.list_("services")
        )
        return [balancer for balancer in found if balancer is not None]

    def _nodes(self) -> tuple[BalancedNode, ...]:
        read = self.unreadable.read
        found = (
            read(key_of(one), partial(balanced_nodes, [one])) for one in self._store.list_("nodes")
        )
        return tuple(node for nodes in found for node in nodes or ())

    def _known_targets(self, balancer: Balancer, nodes: Iterable[BalancedNode]) -> Iterator[Target]:
        """Yield what was healthy when this control plane started."""
        served = (self._served or {}).get(balancer.key, set())
        for node in nodes:
            for own in node.addresses:
                led_to = any((address, own) in self._known for address in balancer.addresses)
                if led_to or str(own) in served:
                    yield Target(node.name, own, balancer.health_port)

    def _ask(self, now: float, timeout_s: float) -> None:
        for target in self._health.due(now):
            if target not in self._asked:
                task = asyncio.ensure_future(self._ask_health(target, timeout_s))
                self._asked[target] = task
                task.add_done_callback(partial(self._forget, target))

    def _forget(self, target: Target, task: asyncio.Task[None]) -> None:
        del self._asked[target]
        # A fault of ours is for the log.
        task.result()

    async def _ask_health(self, target: Target, timeout_s: float) -> None:
        host = str(target.address)
        request = Connect(netns=self._netns, address=host, port=target.port)
        try:
            result = await ask_health(
                socket(fileno=await self._call.descriptor(request)), host, timeout_s
            )
        except NetlabError as error:
            result = str(error)
        self._results[target] = result
        self._wake("loadbalancer")

    def _spread(self, balancers: Iterable[Balancer], nodes: Iterable[BalancedNode]) -> None:
        vips = tuple(vip for one in balancers for vip in self._vips_of(one, list(nodes)))
        if vips != self._vips:
            self._vips = vips
            self._wake("network")

    def _vips_of(self, balancer: Balancer, nodes: list[BalancedNode]) -> list[Vip]:
        if balancer.kind is LoadBalancerClass.PROXY:
            return [Vip(address=address, is_local=True) for address in balancer.addresses]
        vips = []
        for address in balancer.addresses:
            family = family_of(address)
            own = {
                one: Target(node.name, one, balancer.health_port)
                for node in nodes
                for one in node.addresses
                if family.holds(one)
            }
            healthy = [one for one, target in own.items() if self._health.is_healthy(target)]
            vips.append(Vip(address=address, nexthops=spread(list(own), healthy)))
        return vips

    async def _sync_rules(self, topology: Topology, balancers: list[Balancer]) -> None:
        # Without a balancer no address leads anywhere, and nothing needs a rule.
        result = await self._rulesets.sync_rulesets(
            {
                NetnsFamily(self._netns, family): forward_ruleset(balancers, networks.vips, family)
                if balancers
                else Ruleset(family, ())
                for family, networks in zip(topology.families, topology.networks, strict=True)
            }
        )
        if result.refusals:
            why = "; ".join(f"{key}: {why}" for key, why in result.refusals.items())
            raise KernelError(why)

    async def _proxy(self, balancers: list[Balancer], nodes: tuple[BalancedNode, ...]) -> None:
        proxied = [one for one in balancers if one.kind is LoadBalancerClass.PROXY]
        held = {vip.address for vip in self._held if vip.is_local}
        if not all(address in held for one in proxied for address in one.addresses):
            # There is no port to be had on an address that is not there yet.
            return
        if self.is_waiting():
            return
        fit = {one.key: [node for node in nodes if self._is_healthy(one, node)] for one in proxied}
        await self.haproxy.follow(haproxy_configuration(proxied, fit) if proxied else None)

    def _is_healthy(self, balancer: Balancer, node: BalancedNode) -> bool:
        families = {family_of(address) for address in balancer.addresses}
        targets = [
            Target(node.name, address, balancer.health_port)
            for address in node.addresses
            if family_of(address) in families
        ]
        return bool(targets) and all(self._health.is_healthy(target) for target in targets)


def _targets(balancers: Iterable[Balancer], nodes: Collection[BalancedNode]) -> list[Target]:
    """Return what is to be asked: each node's port once, however many balancers want to know."""
    found = {
        Target(node.name, address, balancer.health_port): None
        for balancer in balancers
        for node in nodes
        for address in node.addresses
        if any(family_of(address) is family_of(one) for one in balancer.addresses)
    }
    return list(found)


def vips_in(state: NetnsState) -> tuple[Vip, ...]:
    """Return the addresses of Services that a host holds, as routes or as addresses of its own."""
    led = [
        Vip(
            address=route.destination.network_address,
            nexthops=(
                route.nexthops if route.gateway is None else (NextHop(gateway=route.gateway),)
            ),
        )
        for route in state.routes
        if route.destination.prefixlen == route.destination.max_prefixlen
        if route.gateway is not None or route.nexthops
    ]
    own = [
        Vip(address=one.ip, is_local=True)
        for link in state.links
        for one in link.addresses
        if one.network.prefixlen == one.max_prefixlen
    ]
    return (*led, *own)
