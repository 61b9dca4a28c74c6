"""The control plane of one lab.

Theory of operation
-------------------
It is crash-only: it starts by reading the kernel back, so a start is the same as a repair. Two
child processes do its work in the kernel, the agent of the namespaces on the network and the
container runtime on containers. What follows the objects are agents, each with a loop of its own
(see ``netlab.control_plane.agents``), which meet in the store alone:

* the controllers change objects because of objects;
* the network: namespaces, links, addresses and routes follow topology and pods;
* the kubelet starts the containers of pods that have a namespace, and ends those that are to end;
  a pod is ready once it serves;
* kube-proxy: rules follow Services and EndpointSlices, on nodes that have a namespace;
* the load balancer asks nodes whether they are fit to be sent to; its rules and HAProxy follow, and
  so do the network's routes for its addresses;
* the API server's sockets follow the router.

So a pod serves before a connection is led to it. One order more is kept, by ``rules_follow``: a pod
that is being deleted learns that it must end when no rule leads to it any more.

It answers on the lab's Unix socket with the Kubernetes API and with ``/netlab/v1``.
"""

import asyncio
import importlib
import os
import random  # noqa: TID251 (the edge: where uids come from)
import time
from functools import partial
from socket import socket
from typing import TYPE_CHECKING

from netlab.apiserver import pki
from netlab.apiserver.bootstrap import bootstrap, fill_in_defaults, publish_authority
from netlab.apiserver.service_accounts import ServiceAccountTokens
from netlab.apiserver.store import Store
from netlab.cni.address_translation import (
    CLOUD,
    IP_MASQ_AGENT,
    cloud_rules,
    masquerade_rules,
)
from netlab.cni.portmap import PORTMAP, portmap_rules
from netlab.control_plane import machine_shutdown
from netlab.control_plane.addons import store_addons
from netlab.control_plane.agents import Agent, AgentLoops
from netlab.control_plane.api_certificates import api_addresses
from netlab.control_plane.haproxy_runtime import HaproxyRuntime
from netlab.control_plane.host_port_conntrack import HostPortConntrack
from netlab.control_plane.network import Network, created
from netlab.control_plane.outside_dns import OutsideDns
from netlab.controllers.reconcile import Reconciler
from netlab.kube.objects import Object
from netlab.kube.unreadable import UnreadableObjects
from netlab.kubelet import node_status
from netlab.kubelet.agent import Kubelet
from netlab.kubelet.images import images_of
from netlab.kubelet.node_lease import renew_leases
from netlab.kubelet.prober import Prober
from netlab.kubelet.runtime.requests import Exited
from netlab.kubelet.server import ExecProcess, Server
from netlab.kubelet.sources import Sources
from netlab.kubelet.termination import Termination
from netlab.kubeproxy.agent import KubeProxyAgent
from netlab.kubeproxy.proxier import KubeProxy
from netlab.linux import channel, processes
from netlab.loadbalancer.agent import LoadBalancer
from netlab.loadbalancer.haproxy_process import HaproxyProcess
from netlab.model import rundir
from netlab.model.names import LB, host_netns
from netlab.model.topology import Topology
from netlab.netns_agent.calls import Calls
from netlab.netns_agent.requests import Connect
from netlab.netns_agent.rules_agent import RulesAgent
from netlab.topology.parse import parse_topology

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from netlab.control_plane.api_serving import ApiServing
    from netlab.model.names import NetnsFamily, NetnsName
    from netlab.netfilter.iptables.rules import Ruleset


class ControlPlane:
    """The agents of a lab's control plane, and what they wait for of each other."""

    def __init__(self, lab: str, netns_agent_end: socket, container_runtime_end: socket) -> None:
        self.lab = lab
        self.started_at = time.time()  # noqa: TID251 (the edge: clocks live here)
        self.clock = time.time  # noqa: TID251
        self.topology = self._read_topology()
        self.store = Store(
            rundir.store_file(lab),
            clock=self.clock,
            random=random.SystemRandom(),
        )
        self.loops = AgentLoops(self.store, self.clock)
        to_netns_agent = self._calls(netns_agent_end)
        to_container_runtime = self._calls(container_runtime_end)
        self.reconciler = Reconciler(self.store)
        runtime = HaproxyRuntime(lab, to_container_runtime)
        self.load_balancer = LoadBalancer(
            lab,
            self.store,
            call=to_netns_agent,
            haproxy=HaproxyProcess(runtime, runtime.find),
            may_ask=lambda: self.proxy_agent.is_serving,
            wake=self.loops.wake,
        )
        self.network = Network(lab, self.store, to_netns_agent, self.load_balancer.vips)
        self.outside_dns = OutsideDns(
            lab,
            self.store,
            to_netns_agent.descriptor,
            wake=partial(self.loops.wake, "outside-dns"),
        )
        key = pki.service_account_key(rundir.service_account_key_file(lab))
        self.tokens = ServiceAccountTokens(key, self.store, self.clock)
        prober = Prober(lab, partial(_connect, to_netns_agent), self._execute)
        self.kubelet = Kubelet(
            lab,
            self.store,
            to_container_runtime,
            termination=Termination(prober, self.rules_follow),
            has_namespace=self.network.has,
            wake=partial(self.loops.wake, "kubelet"),
        )
        self.kubelet_server = Server(
            lab,
            self._sources,
            self.kubelet.processes,
            runtime=to_container_runtime,
            netns_agent=to_netns_agent,
        )
        self.kube_proxy = KubeProxy(lab, self.store, to_netns_agent, self.clock)
        self.proxy_agent = KubeProxyAgent(
            self.kube_proxy,
            to_netns_agent,
            wake=partial(self.loops.wake, "kube-proxy"),
            lost=self._rules_lost,
        )
        self._host_port_conntrack = HostPortConntrack(lab, to_netns_agent)
        self.rules_agents = {
            name: RulesAgent(
                owner,
                to_netns_agent,
                partial(rules, lab),
                wake=partial(self.loops.wake, name),
                changed=changed,
            )
            for name, owner, rules, changed in (
                ("ip-masq-agent", IP_MASQ_AGENT, masquerade_rules, None),
                ("cloud", CLOUD, cloud_rules, None),
                ("portmap", PORTMAP, self._host_ports, self._clean_host_ports),
            )
        }
        self.listen = to_netns_agent.descriptor
        self._unreadable_nodes = UnreadableObjects()
        self._network_operations = 0
        self._must_read = True
        self._api: ApiServing | None = None
        self._api_topology: Topology | None = None
        self._created_for_api: set[NetnsName] = set()
        self._add_agents()

    def _add_agents(self) -> None:
        agents = (
            Agent(name="controllers", sync=self._reconcile, wakes_on=None),
            Agent(name="network", sync=self._sync_network, wakes_on={"pods"}, gather_s=0),
            Agent(
                name="kubelet",
                sync=self._sync_kubelet,
                wakes_on={"pods", "configmaps", "secrets"},
                is_busy=self.kubelet.is_starting,
            ),
            Agent(
                name="kube-proxy",
                sync=self._sync_kube_proxy,
                wakes_on={"services", "endpointslices", "nodes"},
            ),
            Agent(
                name="loadbalancer",
                sync=self.load_balancer.sync,
                wakes_on={"services", "nodes"},
                is_busy=self.load_balancer.is_waiting,
            ),
            *(
                Agent(name=name, sync=agent.sync, wakes_on={"pods"} if name == "portmap" else ())
                for name, agent in self.rules_agents.items()
            ),
            Agent(name="apiserver", sync=self._sync_api),
            Agent(name="node-leases", sync=self._renew_leases, wakes_on={"nodes"}),
            Agent(name="outside-dns", sync=self.outside_dns.sync, wakes_on={"services"}),
        )
        for each in agents:
            self.loops.add(each)

    def _host_ports(self, lab: str, topology: Topology) -> "Mapping[NetnsFamily, Ruleset]":
        return portmap_rules(lab, topology, self.store.list_("pods"))

    async def _clean_host_ports(self, topology: Topology, keys: "Collection[NetnsFamily]") -> None:
        await self._host_port_conntrack.clean(topology, self.store.list_("pods"), keys)

    async def _execute(self, pod: Object, container: str, argv: tuple[str, ...]) -> ExecProcess:
        return await self.kubelet_server.exec(pod, container, argv, tty=False)

    def _sources(self) -> Sources:
        return Sources(
            topology=self.topology,
            find=self.store.get,
            services=partial(self.store.list_, "services"),
            images=images_of(self.topology),
            token=self.tokens.for_pod,
        )

    def serve_in_lab(self, api: "ApiServing") -> None:
        """Have the API served on the router from now on."""
        self._api = api
        self.loops.wake("apiserver")

    def use_topology(self, topology: Topology) -> None:
        """Take a new topology; the agents bring the lab to it."""
        self.topology = topology
        self._prepare_objects()
        self.resync()

    def resync(self) -> None:
        """Have the kernel read back, and what it holds compared with what it should hold.

        Containers that wait for their restart are started at once.
        """
        self._must_read = True
        self.kubelet.retry_now()
        self.loops.wake("network")

    @property
    def failure(self) -> str:
        """Why agents could not finish their last sync; empty when all did."""
        return "; ".join(self.loops.failures())

    @property
    def operations(self) -> int:
        """Changes made to the kernel since the start."""
        return self._network_operations + sum(each.operations for each in self._rules_agents())

    @property
    def refusals(self) -> "dict[NetnsFamily, str]":
        """Why namespaces refused their rules, for each that did."""
        found = dict(self.kube_proxy.refusals)
        for each in self.rules_agents.values():
            found |= each.refusals
        return found

    def left_out(self) -> dict[str, str]:
        """Return why agents leave objects out, by agent and object."""
        agents = {
            "network": self.network.unreadable,
            "kubelet": self.kubelet.unreadable,
            "kube-proxy": self.kube_proxy.unreadable,
            "load balancer": self.load_balancer.unreadable,
            "outside DNS": self.outside_dns.unreadable,
            "node leases": self._unreadable_nodes,
        }
        gone = {f"store: {key}": why for key, why in self.store.left_out.items()}
        return (
            gone
            | self.reconciler.problems
            | {
                f"{agent}: {key}": why
                for agent, unreadable in agents.items()
                for key, why in unreadable.reasons().items()
            }
        )

    async def begin(self) -> None:
        """Take over what an earlier control plane left: the kernel's state and the processes."""
        fill_in_defaults(self.store)
        self._prepare_objects()
        await self.kubelet.adopt()

    def _prepare_objects(self) -> None:
        bootstrap(self.store, self.topology.service_networks, api_addresses(self.topology))
        # Pods have it among their files. ``up`` makes it meanwhile: where it is late, it follows.
        authority = pki.Pki(rundir.pki_directory(self.lab)).authority
        if authority.exists():
            publish_authority(self.store, authority.read_text())
        store_addons(self.store, self.topology)
        node_status.store_nodes(self.store, self.topology, self.clock())
        node_status.remove_unplaced(self.store, self.topology)

    async def rules_follow(self) -> None:
        """Wait until every node holds the rules that follow from the objects as they are now."""
        await self.loops.caught_up("controllers", self.store.version)
        await self.loops.caught_up(
            "kube-proxy", self.store.version, lambda: not self.kube_proxy.refusals
        )

    async def _reconcile(self, now: float) -> float | None:
        return self.reconciler.reconcile(now)

    async def _sync_kubelet(self, now: float) -> float | None:
        return await self.kubelet.sync(self._sources(), now)

    async def _renew_leases(self, now: float) -> float:
        return renew_leases(self.store, now, self._unreadable_nodes)

    async def _sync_kube_proxy(self, now: float) -> float | None:
        # Of two hooks of one priority the kernel runs first which was registered last. In nftables
        # mode kube-proxy and the masquerade agent have one each: their order is the same each time.
        await self.loops.at_rest("ip-masq-agent")
        return await self.proxy_agent.sync(now)

    async def _sync_network(self, _now: float) -> None:
        topology, must_read = self.topology, self._must_read
        if must_read:
            self._rules_forgotten(await self.network.read())
            self._must_read = False
            if self._api_topology is None:
                self.load_balancer.adopt(self.network.state_of(host_netns(self.lab, LB)))
        try:
            operations = await self.network.sync(topology)
        except BaseException:
            self._must_read = True
            raise
        made = created(operations)
        self._network_operations += len(operations)
        for each in self._rules_agents():
            each.follow(topology, made)
        self.load_balancer.follow(topology, made, self.network.vips)
        self.outside_dns.follow(topology, made)
        if operations or must_read:
            self.loops.wake("kubelet")
        if made or topology is not self._api_topology:
            self._created_for_api |= made
            self._api_topology = topology
            self.loops.wake("apiserver")

    def _rules_agents(self) -> list[RulesAgent | KubeProxyAgent]:
        return [*self.rules_agents.values(), self.proxy_agent]

    def _rules_forgotten(self, names: "Collection[NetnsName]") -> None:
        """Have everybody's rules of these namespaces read back."""
        for each in (*self._rules_agents(), self.load_balancer):
            each.resync(names)

    def _rules_lost(self, names: "Collection[NetnsName]") -> None:
        # Who has thrown kube-proxy's rules away has not stopped at those.
        print(f"{', '.join(sorted(names))}: rules were removed", flush=True)  # noqa: T201 (the log)
        self._rules_forgotten(names)

    async def _sync_api(self, now: float) -> None:
        if self._api is not None and self._api_topology is not None:
            await self._api.sync(self._api_topology, self._created_for_api, now)
            self._created_for_api = set()

    def _calls(self, end: socket) -> Calls:
        return Calls(
            end,
            send=channel.send,
            receive=channel.receive,
            on_message=self._on_message,
            gone=_child_gone,
        )

    def _on_message(self, message: Exited) -> None:
        if self.load_balancer.haproxy.owns(message.process):
            self.load_balancer.exited(message.process)
        elif not self.kubelet_server.exited(message):
            self.kubelet.exited(message)
            self.loops.wake("kubelet")

    def _read_topology(self) -> Topology:
        path = rundir.topology_file(self.lab)
        return parse_topology(path.read_bytes(), str(path)).topology


async def _connect(netns_agent: Calls, netns: "NetnsName", address: str, port: int) -> int:
    return await netns_agent.descriptor(Connect(netns=netns, address=address, port=port))


def _child_gone() -> None:
    # Without its children nothing can be done; the next ``up`` starts all anew.
    print("a child of the control plane has ended; so does it", flush=True)  # noqa: T201 (the log)
    os._exit(70)


async def _serve(lab: str, netns_agent_end: socket, container_runtime_end: socket) -> None:
    plane = ControlPlane(lab, netns_agent_end, container_runtime_end)
    machine_shutdown.listen(lab)
    await plane.begin()
    loops = asyncio.ensure_future(plane.loops.run())
    # The web server's libraries load while the network is built the network: it takes as long.
    serving = await asyncio.to_thread(importlib.import_module, "netlab.control_plane.serving")
    await serving.serve(plane)
    await loops


def run(lab: str, netns_agent_end: socket, container_runtime_end: socket) -> None:
    """Run the control plane of ``lab`` until it is killed.

    Args:
        lab: Name.
        netns_agent_end: Our end of the channel to the agent of the namespaces.
        container_runtime_end: Our end of the channel to the container runtime.
    """
    processes.set_title(f"netlab control plane of lab {lab}")
    asyncio.run(_serve(lab, netns_agent_end, container_runtime_end))
