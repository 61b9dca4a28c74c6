"""Forget Events after an hour, and the oldest when there are too many.

Two thousand pods that find no node must not push out what tells of everything else, so there is a
limit for each reason, too.

Source: Kubernetes, kube-apiserver's ``--event-ttl``; the numbers are netlab's, which has no disk.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Final

from netlab.apiserver.changes import Outcome, Remove
from netlab.controllers.controller import Changed, Controller, Objects
from netlab.kube.objects import Key, Object, metadata_of
from netlab.kube.resources import key_of
from netlab.kube.timestamps import seconds

TTL_S: Final = 3600.0
MAX_EVENTS: Final = 4000
MAX_ALIKE: Final = 1000
"""Events of one reason."""

_ALL: Final = Key("events", "", "")


def step(events: Sequence[Object], now: float) -> Outcome:
    """Return the removal of Events that are too old, or too many.

    Args:
        events: All there are.
        now: Wall clock seconds.
    """
    alike: Counter[str] = Counter()
    kept: list[float] = []
    gone: list[Key] = []
    for event in sorted(events, key=_last, reverse=True):
        reason = str(event.get("reason", ""))
        alike[reason] += 1
        is_old = _last(event) + TTL_S <= now
        if is_old or len(kept) >= MAX_EVENTS or alike[reason] > MAX_ALIKE:
            gone.append(key_of(event))
        else:
            kept.append(_last(event))
    wake_at = kept[-1] + TTL_S if kept else None
    return Outcome(changes=[Remove(key=key) for key in gone], wake_at=wake_at)


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
    try:
        return seconds(at or metadata_of(event)["creationTimestamp"])
    except ValueError:
        # How old it is nobody can tell: it goes before all others.
        return 0.0
