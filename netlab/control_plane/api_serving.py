"""The API over TLS: on loopback for kubectl, and on the router for pods.

The router stands for the machine of a managed control plane: the Service ``kubernetes`` leads to
its address on the nodes' network. That socket listens from the moment that the router is there, so
a pod that comes early waits for an answer and is not refused.
"""

import asyncio
from collections.abc import Awaitable, Callable
from socket import socket
from typing import TYPE_CHECKING

from aiohttp import web

from netlab.apiserver import secure_serving
from netlab.apiserver.bootstrap import API_PORT
from netlab.control_plane.api_certificates import api_addresses, certified_addresses, ensure_pki
from netlab.model import rundir
from netlab.model.names import ROUTER, NetnsName, host_netns
from netlab.model.topology import Topology
from netlab.netns_agent.requests import Listen

if TYPE_CHECKING:
    import ssl

    from netlab.model.addresses import Address


class ApiServing:
    """The API's TLS sockets.

    Args:
        lab: Name.
        runner: Of the application to serve.
        listen: Sends a ``Listen`` request to the netns agent and returns the socket's descriptor.

    It has its port on loopback from the start, so that ``up`` can tell it.
    """

    def __init__(
        self, lab: str, runner: web.AppRunner, listen: Callable[[object], Awaitable[int]]
    ) -> None:
        self._lab = lab
        self._on_loopback = secure_serving.listen_on_loopback(rundir.api_port_file(lab))
        self._runner = runner
        self._listen = listen
        self._context: ssl.SSLContext | None = None
        self._certified: tuple[Address, ...] = ()
        self._in_lab: dict[Address, web.SockSite] = {}

    async def open_on_loopback(self, topology: Topology, now: float) -> str:
        """Serve on loopback; certificates are made first where ``up`` has not.

        Returns:
            The certificate that clients trust, as PEM.
        """
        found = await asyncio.to_thread(ensure_pki, self._lab, topology, now)
        self._certified = certified_addresses(topology)
        self._context = secure_serving.tls_context(found)
        await web.SockSite(self._runner, self._on_loopback, ssl_context=self._context).start()
        return found.authority.read_text()

    async def sync(self, topology: Topology, made: set[NetnsName], now: float) -> None:
        """Serve on the router.

        Args:
            topology: Has the addresses.
            made: Namespaces that are new; a socket of their predecessor's is of no use.
            now: Wall clock seconds.

        Raises:
            KernelError: The router refuses a socket.
        """
        if self._context is None:
            return
        if certified_addresses(topology) != self._certified:
            found = await asyncio.to_thread(ensure_pki, self._lab, topology, now)
            # Connections from now on are shown the new certificate.
            self._context.load_cert_chain(found.server)
            self._certified = certified_addresses(topology)
        netns = host_netns(self._lab, ROUTER)
        wanted = api_addresses(topology)
        for address in list(self._in_lab):
            if netns in made or address not in wanted:
                await self._in_lab.pop(address).stop()
        for address in wanted:
            if address not in self._in_lab:
                request = Listen(netns=netns, address=str(address), port=API_PORT)
                listener = socket(fileno=await self._listen(request))
                site = web.SockSite(self._runner, listener, ssl_context=self._context)
                await site.start()
                self._in_lab[address] = site
