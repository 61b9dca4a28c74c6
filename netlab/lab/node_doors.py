"""kube-proxy's own port on every node: ``127.0.0.1:10249`` with ``/proxyMode`` and ``/healthz``.

The sockets are opened by the launcher, inside each node's namespace; they stay there while the
control plane's event loop serves them.
"""

from collections.abc import Awaitable, Callable
from socket import socket
from typing import Final

from aiohttp import web

from netlab.kernel.requests import Listen
from netlab.model.names import NetnsName, host_netns
from netlab.model.topology import Topology

_PORT: Final = 10249


class NodeDoors:
    """The port of every node of a lab.

    Args:
        lab: Name.
        listen: Sends a ``Listen`` request to the launcher and returns the socket's descriptor.
    """

    def __init__(self, lab: str, listen: Callable[[object], Awaitable[int]]) -> None:
        self._lab = lab
        self._listen = listen
        self._runner: web.AppRunner | None = None
        self._sites: dict[NetnsName, web.SockSite] = {}

    async def sync(self, topology: Topology, made: set[NetnsName]) -> None:
        """Serve on every node of ``topology`` and on no other.

        Args:
            topology: Whose nodes.
            made: Namespaces that are new; a socket of their predecessor's is of no use.
        """
        wanted = {host_netns(self._lab, node.name) for node in topology.nodes}
        for name in self._sites.keys() - (wanted - made):
            await self._sites.pop(name).stop()
        for name in sorted(wanted - self._sites.keys()):
            number = await self._listen(Listen(netns=name, address="127.0.0.1", port=_PORT))
            site = web.SockSite(await self._application(), socket(fileno=number))
            await site.start()
            self._sites[name] = site

    async def _application(self) -> web.AppRunner:
        if self._runner is None:
            app = web.Application()
            app.router.add_get("/proxyMode", _proxy_mode)
            app.router.add_get("/healthz", _healthz)
            self._runner = web.AppRunner(app, access_log=None)
            await self._runner.setup()
        return self._runner


async def _proxy_mode(request: web.Request) -> web.Response:
    del request
    return web.Response(text="iptables")


async def _healthz(request: web.Request) -> web.Response:
    del request
    return web.Response(text="ok")
