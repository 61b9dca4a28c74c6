"""Watches: the changes of a selection of objects as lines of JSON, as they happen."""

import asyncio
import contextlib
import json
from collections.abc import AsyncGenerator, Callable, Iterator
from typing import Final

from netlab.apiserver.forms import Formed
from netlab.apiserver.listing import parse_version, selected
from netlab.apiserver.request import Clock, Request, is_true
from netlab.apiserver.store import Event, Store
from netlab.kube.objects import Object
from netlab.kube.selectors import Predicate
from netlab.kube.status import StatusError, bad_request, failure_status

DEFAULT_TIMEOUT_S: Final = 1800.0
BOOKMARK_S: Final = 60.0
_MAX_DIGITS: Final = 9
_IDLE_S: Final = 10.0
"""How long a watch sleeps before it looks whether its client is still there."""


def watch(
    store: Store, request: Request, clock: Clock, is_gone: Callable[[], bool]
) -> AsyncGenerator[bytes, None]:
    """Return the lines of a watch, which end when its time is over or its client is gone.

    Args:
        store: What to watch.
        request: A GET with ``watch``; ``resourceVersion`` says after which change to begin, and
            without one the watch begins with all objects there are.
        clock: Wall clock seconds, for the ages in tables.
        is_gone: Whether the client has left.

    Raises:
        StatusError: The request cannot be understood (``BadRequest``).
    """
    timeout_s = _seconds(request.query.get("timeoutSeconds", ""))
    lines = _Lines(store, request, selected(request), clock)
    return _stream(store, lines, timeout_s, is_gone)


async def _stream(
    store: Store, lines: "_Lines", timeout_s: float, is_gone: Callable[[], bool]
) -> AsyncGenerator[bytes, None]:
    events: asyncio.Queue[Event] = asyncio.Queue()

    def told(event: Event) -> None:
        # A watch of Services is not woken by each of a thousand pods.
        if lines.concerns(event):
            events.put_nowait(event)

    unsubscribe = store.subscribe(told)
    try:
        try:
            for line in lines.first():
                yield line
        except StatusError as refusal:
            yield _line("ERROR", failure_status(refusal))
            return
        async for line in _follow(events, lines, timeout_s, is_gone):
            yield line
    finally:
        unsubscribe()


async def _follow(
    events: asyncio.Queue[Event], lines: "_Lines", timeout_s: float, is_gone: Callable[[], bool]
) -> AsyncGenerator[bytes, None]:
    """Yield the lines of each change, and from time to time a bookmark."""
    loop = asyncio.get_running_loop()
    end = loop.time() + timeout_s
    bookmark_at = loop.time() + BOOKMARK_S
    while (left_s := end - loop.time()) > 0 and not is_gone():
        event = None
        with contextlib.suppress(TimeoutError):
            event = await asyncio.wait_for(events.get(), min(_IDLE_S, left_s))
        if event is not None:
            for line in lines.of(event):
                yield line
        elif loop.time() >= bookmark_at and lines.has_bookmarks:
            bookmark_at = loop.time() + BOOKMARK_S
            yield lines.bookmark()


class _Lines:
    """The lines of one watch, in the form that its client asked for."""

    def __init__(self, store: Store, request: Request, matches: Predicate, clock: Clock) -> None:
        self._store = store
        self._query = request.query
        self._target = request.target
        self._matches = matches
        self._form = Formed(request, clock)
        self.has_bookmarks = is_true(request.query.get("allowWatchBookmarks", ""))

    def first(self) -> Iterator[bytes]:
        """Yield what a client that asks from a version on, or from nothing, does not know yet.

        Raises:
            StatusError: The version is none, or what came after it is forgotten.
        """
        version = self._query.get("resourceVersion", "")
        initial = is_true(self._query.get("sendInitialEvents", ""))
        if version in {"", "0"} or initial:
            target = self._target
            for obj in self._store.list_(target.resource.plural, target.namespace):
                if self._matches(obj):
                    yield self._line("ADDED", obj)
            if initial:
                yield self.bookmark({"k8s.io/initial-events-end": "true"})
            return
        for event in self._store.events_since(parse_version(version)):
            yield from self.of(event)

    def concerns(self, event: Event) -> bool:
        """Tell whether an event is of an object that may be watched."""
        key, target = event.key, self._target
        return key.resource == target.resource.plural and (
            not target.namespace or key.namespace == target.namespace
        )

    def of(self, event: Event) -> Iterator[bytes]:
        """Yield the line of an event; to enter or leave the selection is to come or go."""
        if not self.concerns(event):
            return
        had = event.previous is not None and self._matches(event.previous)
        has = event.type != "DELETED" and self._matches(event.object)
        if had or has:
            change = "MODIFIED" if had and has else "ADDED" if has else "DELETED"
            yield self._line(change, event.object)

    def bookmark(self, annotations: dict[str, str] | None = None) -> bytes:
        """Return the line that tells how far the client has come."""
        resource = self._target.resource
        metadata: Object = {"resourceVersion": str(self._store.version)}
        if annotations:
            metadata["annotations"] = annotations
        empty = {"kind": resource.kind, "apiVersion": resource.api_version, "metadata": metadata}
        return _line("BOOKMARK", self._form.bookmark(empty))

    def _line(self, change: str, obj: Object) -> bytes:
        return _line(change, self._form.event(obj))


def _line(change: str, obj: Object) -> bytes:
    return json.dumps({"type": change, "object": obj}, separators=(",", ":")).encode() + b"\n"


def _seconds(text: str) -> float:
    if not text:
        return DEFAULT_TIMEOUT_S
    if not text.isdecimal() or len(text) > _MAX_DIGITS:
        shown = text[:_MAX_DIGITS]
        raise bad_request(f'timeoutSeconds: Invalid value: "{shown}": must be a number')
    return float(text)
