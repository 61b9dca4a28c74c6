"""The control plane of one lab.

Theory of operation
-------------------
It is crash-only: it starts by reading the kernel back, so a start is the same as a repair. Two
child processes do its work in the kernel, the launcher on the network and the container runtime on
containers. The event loop runs passes (see ``netlab.lab.passes``). One pass:

1. the controllers reconcile objects;
2. pods that are to end are noted, and those that have ended are removed (``kubelet``);
3. namespaces, links, addresses and routes follow (``network``);
4. processes are started, and their pods are ready once they serve; all this changes objects, so
   back to 1;
5. when nothing changes any more, the rules follow (``kube_proxy``);
6. pods that were noted, and that no rule leads to any more, are asked to end.

From 4 to 5 a pod serves before a connection is led to it, and from 5 to 6 none is led to it before
it learns that it must end.

It answers on the lab's Unix socket with the Kubernetes API and with ``/netlab/v1``.
"""

import asyncio
import gc
import importlib
import os
import random  # noqa: TID251 (the edge: where uids come from)
import time
import traceback
from socket import socket
from typing import TYPE_CHECKING, Final

from netlab.apiserver import pki
from netlab.apiserver.bootstrap import bootstrap
from netlab.apiserver.service_accounts import ServiceAccountTokens
from netlab.apiserver.store import Store
from netlab.controllers.reconcile import Reconciler
from netlab.errors import NetlabError
from netlab.kubelet import node_status
from netlab.kubelet.agent import Kubelet
from netlab.kubelet.runtime.requests import Exited
from netlab.kubelet.server import Server
from netlab.kubeproxy.canaries import CanaryWatch
from netlab.kubeproxy.proxier import RETRY_S, KubeProxy
from netlab.lab.api_certificates import api_addresses
from netlab.lab.network import Network, created
from netlab.lab.passes import Passes
from netlab.linux import channel, processes
from netlab.model import rundir
from netlab.model.topology import Topology
from netlab.netns_agent import agent
from netlab.netns_agent.calls import Calls
from netlab.topology.parse import parse_topology

if TYPE_CHECKING:
    from netlab.kubeproxy.listeners import NodeDoors
    from netlab.lab.api_serving import ApiServing
    from netlab.model.names import NetnsFamily, NetnsName

_ROUNDS: Final = 8
"""Of steps 1 to 4 in one pass; rules are not kept waiting by pods that never come to rest."""


class ControlPlane:
    """The parts of a lab's control plane, and the pass that joins them."""

    def __init__(self, lab: str, launcher_end: socket, container_runtime_end: socket) -> None:
        self.lab = lab
        self.started_at = time.time()  # noqa: TID251 (the edge: clocks live here)
        self.clock = time.time  # noqa: TID251
        self.topology = self._read_topology()
        self.store = Store(
            rundir.store_file(lab),
            clock=self.clock,
            random=random.SystemRandom(),
        )
        to_launcher = self._calls(launcher_end)
        to_container_runtime = self._calls(container_runtime_end)
        self.reconciler = Reconciler(self.store)
        self.network = Network(lab, self.store, to_launcher)
        self.kubelet = Kubelet(lab, self.store, to_container_runtime)
        self.kubelet_server = Server(
            lab,
            lambda: self.topology,
            self.kubelet.processes,
            runtime=to_container_runtime,
            netns_agent=to_launcher,
        )
        self.kube_proxy = KubeProxy(lab, self.store, to_launcher, self.clock)
        self.passes = Passes(self._pass, self.clock)
        self._canaries = CanaryWatch(to_launcher, self._lost_rules)
        self.listen = to_launcher.descriptor
        self.failure: str = ""
        """Why the last pass could not be finished; empty when it was."""
        self.operations = 0
        """Changes made to the kernel since the start."""
        self._must_read = True
        self._doors: NodeDoors | None = None
        self._api: ApiServing | None = None
        key = pki.service_account_key(rundir.service_account_key_file(lab))
        self.tokens = ServiceAccountTokens(key, self.store, self.clock)

    def serve_in_lab(self, api: "ApiServing") -> None:
        """Have the API served on the router from now on."""
        self._api = api
        self.passes.changed()

    def open_node_doors(self, doors: "NodeDoors") -> None:
        """Have kube-proxy's ports served on every node from now on."""
        self._doors = doors
        self.passes.changed()

    def use_topology(self, topology: Topology) -> None:
        """Take a new topology; the next pass brings the lab to it."""
        self.topology = topology
        self._prepare_objects()
        self.resync()

    def resync(self) -> None:
        """Have the next pass read the kernel back first."""
        self._must_read = True
        self.passes.changed()

    async def begin(self) -> None:
        """Take over what an earlier control plane left: the kernel's state and the processes."""
        self._prepare_objects()
        await self.kubelet.adopt()

    def _prepare_objects(self) -> None:
        bootstrap(self.store, self.topology.service_networks, api_addresses(self.topology))
        node_status.store_nodes(self.store, self.topology, self.clock())
        node_status.remove_unplaced(self.store, self.topology)

    async def _pass(self) -> float | None:
        try:
            wake = await self._sync()
        except NetlabError as error:
            print(f"{type(error).__name__}: {error}", flush=True)  # noqa: T201 (the log)
            self.failure = str(error)
            self._must_read = True
            return self.clock() + RETRY_S
        except Exception as error:  # noqa: BLE001 (reported in status; the lab goes on)
            traceback.print_exc()
            self.failure = f"bug: {type(error).__name__}: {error}"
            self._must_read = True
            return self.clock() + RETRY_S
        self.failure = ""
        return wake

    async def _sync(self) -> float | None:
        # Passes that fail, or whose rules are refused, come again and again.
        self.kubelet.ask_to_end(self.clock(), are_rules_laid=False)
        if self._must_read:
            found = await self.network.read()
            self.kube_proxy.forget(found)
            self._must_read = False
        made: set[NetnsName] = set()
        wakes: list[float | None] = []
        for _ in range(_ROUNDS):
            now = self.clock()
            self.kubelet.report_ended(now)
            wakes = [self.reconciler.reconcile(now)]
            if wakes[0] is not None and wakes[0] <= now:
                self.passes.changed()
            before = self.store.version
            wakes.append(self.kubelet.end_pods(now))
            operations = await self.network.sync(self.topology)
            self.operations += len(operations)
            made |= created(operations)
            self.kube_proxy.start_empty(created(operations))
            wakes.append(await self.kubelet.start_pods(self.topology, now))
            if self.store.version == before:
                break
        wakes.append(await self._sync_proxies(made))
        self.kubelet.ask_to_end(self.clock(), are_rules_laid=not self.kube_proxy.refusals)
        return min((wake for wake in wakes if wake is not None), default=None)

    async def _sync_proxies(self, made: set["NetnsName"]) -> float:
        now = self.clock()
        full_at = self.kube_proxy.full_sync_when_due(now)
        self.operations += await self.kube_proxy.sync(self.topology)
        proxy = self.kube_proxy
        look_at = self._canaries.look_when_due(proxy.nodes, proxy.mode, now)
        tidy_at = await proxy.tidy_when_due(now)
        if self._doors is not None:
            await self._doors.sync(made)
        if self._api is not None:
            await self._api.sync(self.topology, made, now)
        retry_at = now + RETRY_S if self.kube_proxy.refusals or self.closed_ports() else full_at
        return min(full_at, look_at, retry_at, tidy_at or full_at)

    def closed_ports(self) -> list[str]:
        """Return why ports of kube-proxy's could not be opened, a sentence each."""
        return self._doors.refusals if self._doors is not None else []

    def _lost_rules(self, places: set["NetnsFamily"]) -> None:
        where = ", ".join(map(str, sorted(places)))
        print(f"{where}: rules were removed", flush=True)  # noqa: T201 (the log)
        self.kube_proxy.forget({place.netns for place in places})
        self.passes.changed()

    def _calls(self, end: socket) -> Calls:
        return Calls(
            end, send=channel.send, receive=channel.receive, told=self._told, gone=_child_gone
        )

    def _told(self, message: Exited) -> None:
        if not self.kubelet_server.exited(message):
            self.kubelet.exited(message)
            self.passes.changed()

    def _read_topology(self) -> Topology:
        path = rundir.topology_file(self.lab)
        return parse_topology(path.read_bytes(), str(path)).topology


def _child_gone() -> None:
    # Without its children nothing can be done; the next ``up`` starts all anew.
    print("a child of the control plane has ended; so does it", flush=True)  # noqa: T201 (the log)
    os._exit(70)


async def _serve(lab: str, launcher_end: socket, container_runtime_end: socket) -> None:
    plane = ControlPlane(lab, launcher_end, container_runtime_end)
    plane.store.subscribe(lambda _: plane.passes.changed())
    await plane.begin()
    passes = asyncio.ensure_future(plane.passes.run())
    # The web server's libraries load while the launcher builds the network: it takes as long.
    serving = await asyncio.to_thread(importlib.import_module, "netlab.lab.serving")
    await serving.serve(plane)
    await passes


def run(lab: str, container_runtime_end: socket) -> None:
    """Run the control plane of ``lab`` until it is killed.

    Args:
        lab: Name.
        container_runtime_end: Our end of the channel to the container runtime.
    """
    processes.set_title(f"netlab control plane of lab {lab}")
    # Objects and rules stay for long and hardly ever make a circle: looking for one less often
    # halves the time in which the rules of a large cluster are compiled.
    gc.set_threshold(50_000)
    asyncio.run(_serve(lab, agent.fork(), container_runtime_end))
