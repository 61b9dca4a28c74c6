"""Requests that are passed on to a pod: ``services/NAME/proxy`` and ``pods/NAME/proxy``.

The API server speaks HTTP with the pod over a connection of its own to the pod's address, and the
client has the answer as it comes. What names the client to the API server is not the pod's to know.
"""

import asyncio
import socket
import ssl
from collections.abc import Awaitable, Callable, Mapping
from typing import Final

from aiohttp import (
    BaseConnector,
    ClientError,
    ClientRequest,
    ClientSession,
    ClientTimeout,
    DummyCookieJar,
    web,
)
from aiohttp.client_proto import ResponseHandler
from aiohttp.tracing import Trace
from multidict import CIMultiDict
from yarl import URL

from netlab.apiserver.proxy_target import ProxyTarget, proxy_target
from netlab.apiserver.store import Store
from netlab.apiserver.streaming.upgrades import is_websocket
from netlab.errors import NetlabError
from netlab.kube.objects import Object
from netlab.kube.status import StatusError, bad_request

Connect = Callable[[Object, str, int], Awaitable[int]]
"""Connects to an address and port of a pod; returns the descriptor, or raises NetlabError."""

_PATH: Final = "/api/v1/namespaces/{namespace}/{resource:services|pods}/{name}/proxy"
_HOP_BY_HOP: Final = frozenset(
    {
        *("connection", "keep-alive", "proxy-authenticate", "proxy-authorization", "te"),
        *("trailer", "transfer-encoding", "upgrade"),
    }
)
"""Of one connection, and not of the request (RFC 9110, 7.6.1)."""
_BLOCK: Final = 1 << 16


class _Connector(BaseConnector):
    """Connects to one pod, whatever the URL says.

    Args:
        target: The pod, and its port.
        connect: Opens a connection to it.
    """

    def __init__(self, target: ProxyTarget, connect: Connect) -> None:
        super().__init__(force_close=True)
        self._target = target
        self._connect_to = connect

    async def _create_connection(
        self,
        req: ClientRequest,
        traces: list[Trace],
        timeout: ClientTimeout,  # noqa: ASYNC109 (as aiohttp has it)
    ) -> ResponseHandler:
        del req, traces, timeout
        loop = asyncio.get_running_loop()
        target = self._target
        descriptor = await self._connect_to(target.pod, target.address, target.port)
        _, protocol = await loop.create_connection(
            lambda: ResponseHandler(loop),
            sock=socket.socket(fileno=descriptor),
            ssl=_any_certificate() if target.is_tls else None,
            server_hostname="" if target.is_tls else None,
        )
        return protocol


class ProxyRoutes:
    """Passes requests on to pods.

    Args:
        store: Has Services, their endpoints, and pods.
        connect: Opens a connection to a pod.
    """

    def __init__(self, store: Store, connect: Connect) -> None:
        self._store = store
        self._connect = connect

    def routes(self) -> list[web.RouteDef]:
        """Return the routes, for every method."""
        return [
            web.route("*", _PATH, _add_slash),
            web.route("*", _PATH + "/{path:.*}", self._pass_on),
        ]

    async def _pass_on(self, request: web.Request) -> web.StreamResponse:
        match = request.match_info
        target = proxy_target(self._store, match["resource"], match["namespace"], match["name"])
        if is_websocket(request):
            raise bad_request("the proxy of a lab passes no WebSocket on: use port-forward")
        _, _, path = request.raw_path.partition("/proxy/")
        connector = _Connector(target, self._connect)
        session = ClientSession(
            connector=connector,
            cookie_jar=DummyCookieJar(),
            auto_decompress=False,
            timeout=ClientTimeout(),
        )
        prefix = request.raw_path[: -len(path)] if path else request.raw_path
        async with session:
            try:
                return await _exchange(session, request, _url(target, path), prefix)
            except (ClientError, OSError, NetlabError) as error:
                raise _failed(error) from error


async def _add_slash(request: web.Request) -> web.StreamResponse:
    """Send a browser to where the links of the pages that it sees are right."""
    query = f"?{request.query_string}" if request.query_string else ""
    return web.Response(status=301, headers={"Location": f"{request.path}/{query}"})


async def _exchange(
    session: ClientSession, request: web.Request, url: URL, prefix: str
) -> web.StreamResponse:
    headers = _end_to_end(request.headers)
    headers.popall("Authorization", None)
    headers.popall("Host", None)
    headers.add("X-Forwarded-For", request.remote or "127.0.0.1")
    body = request.content if request.can_read_body else None
    async with session.request(
        request.method, url, headers=headers, data=body, allow_redirects=False
    ) as answer:
        found = _end_to_end(answer.headers)
        place = found.get("Location", "")
        if place.startswith("/"):
            found["Location"] = prefix.rstrip("/") + place
        response = web.StreamResponse(status=answer.status, reason=answer.reason, headers=found)
        await response.prepare(request)
        async for block in answer.content.iter_chunked(_BLOCK):
            await response.write(block)
        await response.write_eof()
    return response


def _url(target: ProxyTarget, path: str) -> URL:
    scheme = "https" if target.is_tls else "http"
    host = f"[{target.address}]" if ":" in target.address else target.address
    return URL(f"{scheme}://{host}:{target.port}/{path}", encoded=True)


def _end_to_end(headers: Mapping[str, str]) -> CIMultiDict[str]:
    """Return the headers without those of the one connection."""
    named = {word.strip().lower() for word in headers.get("Connection", "").split(",")}
    left_out = _HOP_BY_HOP | named
    return CIMultiDict(
        (name, value) for name, value in headers.items() if name.lower() not in left_out
    )


def _any_certificate() -> ssl.SSLContext:
    """Return what takes a pod for itself, as the API server's proxy does."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def _failed(error: Exception) -> StatusError:
    message = f"error trying to reach service: {error}"
    return StatusError(message, code=503, reason="ServiceUnavailable")
