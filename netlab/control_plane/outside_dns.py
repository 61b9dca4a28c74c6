"""The name server of the outside world, on the router: for clients, nodes and the cluster's DNS.

It listens on the router's addresses from the moment that the router is there. The server itself is
loaded when the first question comes: most labs never ask one.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Collection, Iterable
from functools import partial
from socket import socket
from typing import TYPE_CHECKING, Final

from netlab.apiserver.store import Store
from netlab.dns.outside_zone import DOMAIN, OutsideZone
from netlab.kube.kinds.service.load_balancer import addresses_of
from netlab.kube.objects import Object, name_of, namespace_of, spec_of
from netlab.kube.resources import key_of
from netlab.kube.unreadable import UnreadableObjects
from netlab.model.addresses import Address
from netlab.model.names import ROUTER, NetnsName, host_netns
from netlab.model.topology import Topology
from netlab.netns_agent.requests import Listen

if TYPE_CHECKING:
    from netlab.dns.server import Server

PORT: Final = 53
_Socket = tuple[Address, bool]
"""Where it is bound, and whether it is for datagrams."""


class OutsideDns:
    """Serves names of the outside world; see ``netlab.control_plane.agents.Agent`` for ``sync``.

    Args:
        lab: Name.
        store: Where Services are.
        listen: Sends a ``Listen`` request to the netns agent and returns the socket's descriptor.
        wake: Has ``sync`` called soon.
    """

    def __init__(
        self,
        lab: str,
        store: Store,
        listen: Callable[[object], Awaitable[int]],
        wake: Callable[[], None],
    ) -> None:
        self._netns = host_netns(lab, ROUTER)
        self._store = store
        self.unreadable = UnreadableObjects()
        """Services that are left out."""
        self._listen = listen
        self._wake = wake
        self._topology: Topology | None = None
        self._zone = OutsideZone({})
        self._open: dict[_Socket, socket] = {}
        self._server: Server | None = None

    def follow(self, topology: Topology, created: Collection[NetnsName]) -> None:
        """Take note that the lab's namespaces follow a topology now.

        Args:
            topology: What they follow.
            created: Namespaces that are new; sockets of their predecessors are of no use.
        """
        if self._netns in created:
            for which in list(self._open):
                self._close(which)
        if topology is not self._topology or self._netns in created:
            self._topology = topology
            self._wake()

    async def sync(self, now: float) -> None:
        """Bring names and sockets up to date.

        Raises:
            KernelError: The router refuses a socket.
        """
        del now
        if self._topology is None:
            return
        self.unreadable.clear()
        services = self._store.list_("services")
        self._zone.set(outside_names(self._topology, services, self.unreadable))
        wanted = {
            (address, is_udp)
            for networks in self._topology.networks
            for address in (networks.nodes[1], networks.clients[1])
            for is_udp in (True, False)
        }
        for which in self._open.keys() - wanted:
            self._close(which)
        for which in sorted(wanted - self._open.keys(), key=str):
            await self._open_one(which)

    async def _open_one(self, which: _Socket) -> None:
        address, is_udp = which
        request = Listen(netns=self._netns, address=str(address), port=PORT, is_udp=is_udp)
        opened = socket(fileno=await self._listen(request))
        self._open[which] = opened
        if self._server is not None:
            await self._serve(which, opened)
        else:
            asyncio.get_running_loop().add_reader(opened, self._begin)

    def _close(self, which: _Socket) -> None:
        opened = self._open.pop(which)
        if self._server is not None:
            self._server.close(opened)
        else:
            asyncio.get_running_loop().remove_reader(opened)
            opened.close()

    def _begin(self) -> None:
        """Load the server, now that somebody asks."""
        from netlab.dns.resolver import Resolver  # noqa: PLC0415
        from netlab.dns.server import Server  # noqa: PLC0415

        self._server = Server(Resolver(self._zone, forwards=False), (), time.monotonic)
        for which, opened in self._open.items():
            asyncio.get_running_loop().remove_reader(opened)
            task = asyncio.ensure_future(self._serve(which, opened))
            task.add_done_callback(asyncio.Task.result)

    async def _serve(self, which: _Socket, opened: socket) -> None:
        assert self._server is not None  # noqa: S101 (who calls has made it)
        if which[1]:
            self._server.serve_udp(opened)
        else:
            await self._server.serve_tcp(opened)


def outside_names(
    topology: Topology, services: Iterable[Object], unreadable: UnreadableObjects
) -> dict[str, tuple[str, ...]]:
    """Return the addresses of each name of the outside world: clients, nodes and balancers."""
    names = {client.name: client.addresses for client in topology.clients}
    names |= {node.name: node.external_ips for node in topology.nodes}
    for service in services:
        found = unreadable.read(key_of(service), partial(addresses_of, service))
        if found and spec_of(service).get("type") == "LoadBalancer":
            names[f"{name_of(service)}.{namespace_of(service)}.elb"] = found
    return {f"{name}.{DOMAIN}": tuple(map(str, found)) for name, found in names.items()}
