"""Store what happened as Events, few enough to keep."""

from dataclasses import replace
from typing import Final

from netlab.apiserver.store import Store
from netlab.kube.events import Record, event_of, repeated
from netlab.kube.objects import Key, Object
from netlab.kube.resources import RESOURCES, key_of

_RESOURCE: Final = "events"


def record(
    store: Store, event: Record, now: float, *, suffix: str = ""
) -> tuple[Key, Object | None, Object] | None:
    """Store that something happened, or that it happened again.

    Args:
        store: Where Events are kept.
        event: What happened.
        now: Wall clock seconds.
        suffix: Ends the message.

    Returns:
        Key, old and new state of the Event; None where Events are not served.
    """
    if _RESOURCE not in RESOURCES:
        return None
    what = replace(event, message=event.message + suffix)
    first = event_of(what, now)
    key = key_of(first)
    old = store.get(key)
    new = store.create(first) if old is None else store.update(repeated(old, now))
    return key, old, new
