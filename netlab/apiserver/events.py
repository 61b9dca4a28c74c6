"""Store what happened as Events, few enough to keep.

As in client-go, what happens again to one object is counted in one Event; many alike, such as the
pods that a ReplicaSet makes, are combined after ten; and what one source tells of one object is cut
to 25 at once and one each five minutes after that, warnings apart from the rest.

Source: Kubernetes, ``client-go/tools/record/events_cache.go``.
"""

from collections import OrderedDict
from dataclasses import dataclass, field, replace
from typing import Final

from netlab.apiserver.store import Event, Store
from netlab.kube.events import Record, event_name, event_of, repeated
from netlab.kube.objects import Key, Object, uid_of
from netlab.kube.resources import key_of

_ALIKE: Final = 10
_ALIKE_S: Final = 600.0
_BURST: Final = 25.0
_REFILL_S: Final = 300.0
_REMEMBERED: Final = 4096
"""Objects, at most."""
_COMBINED: Final = "(combined from similar events): "

_About = tuple[str, ...]


@dataclass(slots=True)
class _Alike:
    """What was told of late that differs in its message alone."""

    at: float
    names: tuple[str, ...] = ()


@dataclass(slots=True)
class _Bucket:
    """How much a source may still tell of an object."""

    at: float
    tokens: float = _BURST


@dataclass(slots=True)
class _Told:
    """What was told of one object of late."""

    alike: dict[_About, _Alike] = field(default_factory=dict)
    buckets: dict[_About, _Bucket] = field(default_factory=dict)

    def has_token(self, about: _About, now: float) -> bool:
        """Tell whether a source may tell one more thing; it counts as told."""
        bucket = self.buckets.setdefault(about, _Bucket(now))
        bucket.tokens = min(_BURST, bucket.tokens + (now - bucket.at) / _REFILL_S)
        bucket.at = now
        if bucket.tokens < 1:
            return False
        bucket.tokens -= 1
        return True

    def combined_name(self, what: Record, about: _About, now: float) -> str:
        """Return the name of the Event that tells ``what``: its own, or of all that are alike."""
        alike = self.alike.setdefault(about, _Alike(now))
        if now - alike.at > _ALIKE_S:
            alike.names = ()
        alike.at = now
        name = event_name(what)
        if name in alike.names:
            return name
        if len(alike.names) < _ALIKE:
            alike.names = (*alike.names, name)
            return name
        return event_name(replace(what, message=""))


class Recorder:
    """Stores Events for one store.

    Args:
        store: Where they are kept.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._told: OrderedDict[str, _Told] = OrderedDict()
        """By the uid of the object; the one of which nothing was told for longest comes first."""
        store.subscribe(self._on_event)

    def record(
        self, event: Record, now: float, *, suffix: str = ""
    ) -> tuple[Key, Object | None, Object] | None:
        """Store that something happened, or that it happened again.

        Args:
            event: What happened.
            now: Wall clock seconds.
            suffix: Ends the message.

        Returns:
            Key, old and new state of the Event; None if too much is told of the object.
        """
        told = self._told_of(uid_of(event.object))
        about = (event.component, event.host, event.type)
        if not told.has_token(about, now):
            return None
        what = replace(event, message=event.message + suffix)
        name = told.combined_name(what, (*about, event.reason), now)
        if name != event_name(what):
            what = replace(what, message=_COMBINED + what.message)
        first = event_of(what, now, name=name)
        old = self._store.get(key_of(first))
        if old is None:
            return key_of(first), None, self._store.create(first)
        again = {**repeated(old, now), "message": first["message"]}
        return key_of(first), old, self._store.update(again)

    def _told_of(self, uid: str) -> _Told:
        told = self._told.setdefault(uid, _Told())
        self._told.move_to_end(uid)
        if len(self._told) > _REMEMBERED:
            self._told.popitem(last=False)
        return told

    def _on_event(self, event: Event) -> None:
        """Forget what is gone."""
        if event.type == "DELETED":
            self._told.pop(uid_of(event.object), None)
