"""The Kubernetes REST API over a store.

The same application answers on every socket it is given: the lab's own Unix socket, or TCP.
"""

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

from aiohttp import web
from aiohttp.typedefs import Middleware

from netlab.apiserver import deleting, openapi, verbs
from netlab.apiserver.authentication import ROOT
from netlab.apiserver.bodies import decode, media_type_of
from netlab.apiserver.discovery import discovery
from netlab.apiserver.filters import USER
from netlab.apiserver.forms import Formed
from netlab.apiserver.paths import Target, parse_path
from netlab.apiserver.request import Answer, Request, is_true, not_allowed
from netlab.apiserver.reviews import answer_review, review_at
from netlab.apiserver.store import Store
from netlab.apiserver.watch import watch
from netlab.errors import NetlabError
from netlab.kube.objects import Object, annotations_of, owners_of
from netlab.kube.resources import RESOURCES, key_of
from netlab.kube.status import StatusError, bad_request, failure_status

MAX_BODY_BYTES: Final = 3 * 1024 * 1024
"""The limit of Kubernetes' own API server."""

_LOG: Final = logging.getLogger(__name__)

_Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def build_app(
    store: Store,
    *,
    clock: Callable[[], float],
    changed: Callable[[], None],
    filters: Sequence[Middleware] = (),
    routes: Sequence[web.RouteDef] = (),
) -> web.Application:
    """Return the application that serves a store.

    Args:
        store: The lab's objects; used from the event loop's thread only.
        clock: Wall clock seconds.
        changed: Called after each write, so that the controllers run soon.
        filters: What each request passes first; what they refuse is told as a Status.
        routes: What is answered elsewhere: parts of objects that are no objects.
    """
    app = web.Application(client_max_size=MAX_BODY_BYTES, middlewares=[_tell_failures, *filters])
    app.add_routes(routes)
    server = _Server(store, clock, changed)
    for path in ("/healthz", "/livez", "/readyz"):
        app.router.add_get(path, _healthy)
    app.router.add_get("/netlab/v1/annotated", server.annotated)
    app.router.add_get("/openapi/v2", _openapi_v2)
    app.router.add_get("/openapi/v3", _openapi_index)
    app.router.add_get("/openapi/v3/{path:.+}", _openapi_v3)
    for prefix in ("/version", "/api", "/apis"):
        app.router.add_route("*", prefix, server.serve)
        app.router.add_route("*", prefix + "/{rest:.*}", server.serve)
    return app


_TURN: Final = 50
"""Objects of a list that are made to text before others have their turn; some 10 ms."""
_SEPARATORS: Final = (",", ":")


class _Server:
    """Requests to the API, one after another."""

    def __init__(
        self, store: Store, clock: Callable[[], float], changed: Callable[[], None]
    ) -> None:
        self._store = store
        self._clock = clock
        self._changed = changed

    async def serve(self, http: web.Request) -> web.StreamResponse:
        target = parse_path(http.path)
        if target is None:
            return await _serve_document(http)
        request = await _read(http, target)
        if http.method == "GET" and is_true(request.query.get("watch", "")):
            return await self._watch(http, request)
        form = Formed(request, self._clock)
        answer = self._answer(http.method, request)
        if http.method != "GET":
            self._changed()
        elif len(answer.body.get("items") or ()) > _TURN:
            return web.Response(
                text=await _list_text(form, answer.body), content_type="application/json"
            )
        return _json(form.answer(answer.body), answer.code, answer.warnings)

    async def annotated(self, http: web.Request) -> web.Response:
        """Answer which objects carry an annotation: one question where there are many kinds."""
        annotation = http.query.get("annotation", "")
        found = [
            {**key._asdict(), "owned": bool(owners_of(obj))}
            for resource in RESOURCES
            for obj in self._store.list_(resource)
            if annotation in annotations_of(obj)
            for key in (key_of(obj),)
        ]
        return _json({"objects": found})

    def _answer(self, method: str, request: Request) -> Answer:
        now = self._clock()
        match method:
            case "GET" | "HEAD":
                return verbs.read(self._store, request)
            case "POST":
                return verbs.create(self._store, request, now)
            case "PUT":
                return verbs.replace(self._store, request, now)
            case "PATCH":
                return verbs.patch(self._store, request, now)
            case "DELETE":
                return deleting.remove(self._store, request, now)
            case _:
                raise not_allowed()

    async def _watch(self, http: web.Request, request: Request) -> web.StreamResponse:
        def is_gone() -> bool:
            return http.transport is None or http.transport.is_closing()

        lines = watch(self._store, request, self._clock, is_gone)
        response = web.StreamResponse(headers={"Content-Type": "application/json"})
        response.enable_chunked_encoding()
        try:
            # The head goes out at once: a client waits for it before it counts as watching.
            await response.prepare(http)
            async for line in lines:
                await response.write(line)
            await response.write_eof()
        except ConnectionResetError:
            _LOG.debug("a watch ended with its client")
        finally:
            await lines.aclose()
        return response


async def _list_text(form: Formed, body: Object) -> str:
    """Return a long list in the form that is asked for, as JSON; others have their turn meanwhile.

    What is stored is never changed in place, so the list stays what it was at the beginning.
    """
    head, field = "", ""
    parts: list[str] = []
    for start in range(0, len(body["items"]), _TURN):
        formed = form.answer({**body, "items": body["items"][start : start + _TURN]})
        if not parts:
            field = "rows" if "rows" in formed else "items"
            rest = {key: value for key, value in formed.items() if key != field}
            head = json.dumps(rest, separators=_SEPARATORS).removesuffix("}")
        parts.append(json.dumps(formed[field], separators=_SEPARATORS)[1:-1])
        await asyncio.sleep(0)
    return f'{head},"{field}":[{",".join(parts)}]}}'


async def _read(http: web.Request, target: Target) -> Request:
    return Request(
        target=target,
        query=dict(http.query),
        body=await http.read(),
        # Some clients send JSON without a type, which releases of aiohttp call by different names.
        content_type=media_type_of(http.headers.get("Content-Type", "")),
        accept=http.headers.get("Accept", ""),
        user_agent=http.headers.get("User-Agent", ""),
    )


async def _serve_document(http: web.Request) -> web.StreamResponse:
    """Answer what is asked of no resource: discovery, or what a client asks about itself."""
    kind = review_at(http.path)
    if kind is not None and http.method == "POST":
        body = decode(await http.read(), media_type_of(http.headers.get("Content-Type", "")))
        if not isinstance(body, dict):
            raise bad_request("the body of the request must be a JSON object")
        user = http.get(USER, ROOT)
        return _json(answer_review(kind, body, user.name, user.groups), 201)
    found = discovery(http.path, http.headers.get("Accept", ""))
    if found is None:
        raise _no_such_path()
    if http.method not in {"GET", "HEAD"}:
        raise not_allowed()
    document, media_type = found
    # As bytes: to a text aiohttp gives another media type, and kubectl 1.27 compares every letter.
    body = json.dumps(document, separators=_SEPARATORS).encode()
    return web.Response(body=body, headers={"Content-Type": media_type})


async def _openapi_v2(_: web.Request) -> web.Response:
    return web.Response(body=openapi.V2, headers={"Content-Type": openapi.V2_TYPE})


async def _openapi_index(_: web.Request) -> web.Response:
    return _json(openapi.index())


async def _openapi_v3(http: web.Request) -> web.Response:
    document = openapi.document(http.match_info["path"])
    if document is None:
        raise _no_such_path()
    return web.Response(body=document, content_type="application/json")


@web.middleware
async def _tell_failures(request: web.Request, handler: _Handler) -> web.StreamResponse:
    try:
        return await handler(request)
    except StatusError as refusal:
        return _json(failure_status(refusal), refusal.code)
    except web.HTTPException as refusal:
        told = StatusError(refusal.reason, code=refusal.status, reason="")
        return _json(failure_status(told), refusal.status)
    except NetlabError as error:
        _LOG.exception("a request failed")
        told = StatusError(str(error), code=500, reason="InternalError")
        return _json(failure_status(told), 500)


async def _healthy(_: web.Request) -> web.Response:
    return web.Response(text="ok")


def _json(body: Object, code: int = 200, warnings: Sequence[str] = ()) -> web.Response:
    text = json.dumps(body, separators=_SEPARATORS)
    response = web.Response(text=text, status=code, content_type="application/json")
    for warning in warnings:
        quoted = json.dumps(warning, ensure_ascii=True)
        response.headers.add("Warning", f"299 - {quoted}")
    return response


def _no_such_path() -> StatusError:
    return StatusError(
        "the server could not find the requested resource", code=404, reason="NotFound"
    )
