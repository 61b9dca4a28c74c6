"""What each request passes before it is answered: who asks, and may they."""

import socket
from collections.abc import Awaitable, Callable
from typing import Final

from aiohttp import web
from aiohttp.typedefs import Middleware

from netlab.apiserver.authentication import ROOT, authenticate, check_addressed
from netlab.apiserver.tokens import ServiceAccountToken

_Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

USER: Final = "user"
"""The key of a request's ``authentication.User``."""
_KUBERNETES: Final = ("/api", "/apis", "/openapi", "/version", "/healthz", "/livez", "/readyz")
_PUBLIC: Final = frozenset({"/healthz", "/livez", "/readyz", "/version"})
"""Paths that need no user."""


def with_authentication(
    read_token: Callable[[str], ServiceAccountToken | None],
) -> Middleware:
    """Return the filter that lets known users through, and says who they are.

    Over TLS the Kubernetes API alone is served; what else netlab answers is for root.
    """

    @web.middleware
    async def authenticated(request: web.Request, handler: _Handler) -> web.StreamResponse:
        if _is_unix(request):
            request[USER] = ROOT
            return await handler(request)
        check_addressed(request.host, request.headers.get("Origin", ""))
        if request.path.rstrip("/") not in _PUBLIC:
            request[USER] = authenticate(
                request.get_extra_info("peercert"),
                request.headers.get("Authorization", ""),
                read_token,
            )
        if not request.path.startswith(_KUBERNETES):
            raise web.HTTPNotFound(reason="the server could not find the requested resource")
        return await handler(request)

    return authenticated


def _is_unix(request: web.Request) -> bool:
    transport = request.transport
    end = transport.get_extra_info("socket") if transport is not None else None
    return end is not None and end.family == socket.AF_UNIX
