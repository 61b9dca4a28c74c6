"""Watches: the changes of a selection of objects as lines of JSON, as they happen."""

import asyncio
import contextlib
import json
from collections.abc import AsyncGenerator, Callable, Iterator
from typing import Final

from netlab.apiserver.handlers import Request, selection
from netlab.apiserver.store import Event, Store
from netlab.kube.objects import Object
from netlab.kube.selectors import Predicate, parse_selectors
from netlab.kube.status import StatusError, bad_request, failure_status

DEFAULT_TIMEOUT_S: Final = 1800.0
BOOKMARK_S: Final = 60.0
_IDLE_S: Final = 1.0
"""How long a watch sleeps before it looks whether its client is still there."""


def is_true(text: str) -> bool:
    """Return whether a query value is true as Go reads it."""
    return text.lower() in {"1", "t", "true"}


def watch(
    store: Store, request: Request, is_gone: Callable[[], bool]
) -> AsyncGenerator[bytes, None]:
    """Return the lines of a watch, which end when its time is over or its client is gone.

    Args:
        store: What to watch.
        request: A GET with ``watch``; ``resourceVersion`` says after which change to begin, and
            without one the watch begins with all objects there are.
        is_gone: Whether the client has left.

    Raises:
        StatusError: The request cannot be understood (``BadRequest``).
    """
    matches = parse_selectors(*selection(request))
    timeout_s = _seconds(request.query.get("timeoutSeconds", ""))
    return _stream(store, request, matches, timeout_s, is_gone)


async def _stream(
    store: Store,
    request: Request,
    matches: Predicate,
    timeout_s: float,
    is_gone: Callable[[], bool],
) -> AsyncGenerator[bytes, None]:
    events: asyncio.Queue[Event] = asyncio.Queue()
    unsubscribe = store.subscribe(events.put_nowait)
    try:
        try:
            for line in _begin(store, request, matches):
                yield line
        except StatusError as refusal:
            yield _line("ERROR", failure_status(refusal))
            return
        bookmarks = is_true(request.query.get("allowWatchBookmarks", ""))
        async for line in _follow(events, request, matches, timeout_s, is_gone):
            if line:
                yield line
            elif bookmarks:
                yield _bookmark(store, request)
    finally:
        unsubscribe()


async def _follow(
    events: asyncio.Queue[Event],
    request: Request,
    matches: Predicate,
    timeout_s: float,
    is_gone: Callable[[], bool],
) -> AsyncGenerator[bytes, None]:
    """Yield a line for each change, and an empty one when it is time for a bookmark."""
    loop = asyncio.get_running_loop()
    end = loop.time() + timeout_s
    bookmark_at = loop.time() + BOOKMARK_S
    while (left_s := end - loop.time()) > 0 and not is_gone():
        event = None
        with contextlib.suppress(TimeoutError):
            event = await asyncio.wait_for(events.get(), min(_IDLE_S, left_s))
        if event is not None:
            for line in _lines(event, request, matches):
                yield line
        elif loop.time() >= bookmark_at:
            bookmark_at = loop.time() + BOOKMARK_S
            yield b""


def _begin(store: Store, request: Request, matches: Predicate) -> Iterator[bytes]:
    """Yield what a client that asks from a version on, or from nothing, does not know yet."""
    query = request.query
    version = query.get("resourceVersion", "")
    initial = is_true(query.get("sendInitialEvents", ""))
    if version in {"", "0"} or initial:
        target = request.target
        for obj in store.list_(target.resource.plural, target.namespace):
            if matches(obj):
                yield _line("ADDED", obj)
        if initial:
            yield _bookmark(store, request, {"k8s.io/initial-events-end": "true"})
        return
    if not version.isdecimal():
        raise bad_request(f'Invalid value: "{version}": resourceVersion must be a number')
    for event in store.events_since(int(version)):
        yield from _lines(event, request, matches)


def _lines(event: Event, request: Request, matches: Predicate) -> Iterator[bytes]:
    """Yield the line of an event; entering or leaving the selection looks like coming or going."""
    target = request.target
    if event.key.resource != target.resource.plural:
        return
    if target.namespace and event.key.namespace != target.namespace:
        return
    had = event.previous is not None and matches(event.previous)
    has = event.type != "DELETED" and matches(event.object)
    if had or has:
        change = "MODIFIED" if had and has else "ADDED" if has else "DELETED"
        yield _line(change, event.object)


def _bookmark(store: Store, request: Request, annotations: dict[str, str] | None = None) -> bytes:
    resource = request.target.resource
    metadata: Object = {"resourceVersion": str(store.version)}
    if annotations:
        metadata["annotations"] = annotations
    told = {"kind": resource.kind, "apiVersion": resource.api_version, "metadata": metadata}
    return _line("BOOKMARK", told)


def _line(change: str, obj: Object) -> bytes:
    return json.dumps({"type": change, "object": obj}, separators=(",", ":")).encode() + b"\n"


def _seconds(text: str) -> float:
    if not text:
        return DEFAULT_TIMEOUT_S
    if not text.isdecimal():
        raise bad_request(f'Invalid value: "{text}": timeoutSeconds must be a number')
    return float(text)
