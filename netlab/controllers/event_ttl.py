"""Forget Events after an hour, and the oldest when there are too many.

Source: Kubernetes, kube-apiserver's ``--event-ttl``; the number is netlab's, which has no disk.
"""

from collections.abc import Iterator, Sequence
from typing import Final

from netlab.apiserver.changes import Outcome, Remove
from netlab.controllers.controller import Changed, Controller, Objects
from netlab.kube.objects import Key, Object, metadata_of
from netlab.kube.resources import key_of
from netlab.kube.timestamps import seconds

TTL_S: Final = 3600.0
MAX_EVENTS: Final = 2000

_ALL: Final = Key("events", "", "")


def step(events: Sequence[Object], now: float) -> Outcome:
    """Return the removal of Events that are too old, or too many.

    Args:
        events: All there are.
        now: Wall clock seconds.
    """
    newest_first = sorted(((_last(event), key_of(event)) for event in events), reverse=True)
    kept = [at for at, _ in newest_first[:MAX_EVENTS] if at + TTL_S > now]
    gone = newest_first[len(kept) :]
    wake_at = kept[-1] + TTL_S if kept else None
    return Outcome(changes=[Remove(key=key) for _, key in gone], wake_at=wake_at)


def sync(objects: Objects, key: Key, now: float) -> Outcome:
    """Look at all Events."""
    return step(objects.list_(key.resource), now)


def _new(objects: Objects, changed: Changed) -> Iterator[Key]:
    del objects
    if changed.old is None:
        yield _ALL


CONTROLLER: Final = Controller(name="event-ttl", watches={"events": _new}, step=sync)


def _last(event: Object) -> float:
    at = event.get("lastTimestamp") or event.get("eventTime")
    return seconds(at or metadata_of(event)["creationTimestamp"])
