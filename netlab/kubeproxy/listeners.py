"""kube-proxy's ports on every node, served by the control plane's event loop.

The sockets are opened by the netns agent, inside each node's namespace; they stay there while the
control plane serves them. Health check ports come and go with their Services.
"""

from collections.abc import Awaitable, Callable
from socket import socket
from typing import Protocol

from aiohttp import web

from netlab.errors import NetlabError
from netlab.kubeproxy.health import Answer
from netlab.kubeproxy.servers import Listener
from netlab.model.names import NetnsName
from netlab.netns_agent.requests import Listen


class Answers(Protocol):
    """Which ports are to be open, and what they answer."""

    def listeners(self) -> set[Listener]:
        """Return every port that is to be open now."""

    def answer(self, listener: Listener, path: str) -> Answer:
        """Return what a port answers to a path."""


class NodeListeners:
    """The open ports of all nodes of a lab.

    Args:
        listen: Sends a ``Listen`` request to the netns agent and returns the socket's descriptor.
        answers: What is asked.
    """

    def __init__(self, listen: Callable[[object], Awaitable[int]], answers: Answers) -> None:
        self._listen = listen
        self._answers = answers
        self._open: dict[Listener, web.ServerRunner] = {}
        self.refusals: list[str] = []
        """Why ports could not be opened, a sentence each."""

    async def sync(self, made: set[NetnsName]) -> None:
        """Open the ports that are to be open, and close all others.

        Args:
            made: Namespaces that are new; a socket of their predecessor's is of no use.
        """
        wanted = self._answers.listeners()
        self.refusals = []
        for listener in list(self._open):
            if listener not in wanted or listener.netns in made:
                await self._open.pop(listener).cleanup()
        for listener in sorted(wanted - self._open.keys()):
            await self._open_one(listener)

    async def _open_one(self, listener: Listener) -> None:
        try:
            number = await self._listen(
                Listen(netns=listener.netns, address=listener.address, port=listener.port)
            )
        except NetlabError as error:
            self.refusals.append(f"{listener.netns}: no listening on port {listener.port}: {error}")
            return

        async def answer(request: web.BaseRequest) -> web.Response:
            found = self._answers.answer(listener, request.path)
            return web.Response(
                status=found.status, headers=dict(found.headers), body=found.body.encode()
            )

        runner = web.ServerRunner(web.Server(answer, access_log=None), shutdown_timeout=0.1)
        await runner.setup()
        await web.SockSite(runner, socket(fileno=number)).start()
        self._open[listener] = runner
