"""What a controller wants done, as values; ``netlab.controllers.reconcile`` carries them out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from netlab.kube.events import Record
from netlab.kube.objects import Key, Object


@dataclass(frozen=True, slots=True, kw_only=True)
class Create:
    """Store a new object; admission fills in its defaults."""

    object: Object
    event: Record | None = None
    """Told once it is stored; the name it then has ends the message."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Update:
    """Store a new state of an object."""

    object: Object


@dataclass(frozen=True, slots=True, kw_only=True)
class Delete:
    """Delete an object as the API would: a pod that runs ends gracefully."""

    key: Key


@dataclass(frozen=True, slots=True, kw_only=True)
class Remove:
    """Take an object away at once."""

    key: Key


Change = Create | Update | Delete | Remove | Record


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What one step of a controller came to."""

    changes: Sequence[Change] = ()
    wake_at: float | None = None
    """Wall clock seconds at which time alone may change the outcome, or None."""
    left_out: Mapping[Key, str] = field(default_factory=dict)
    """Objects that could not be read among those that the step looked at, and why."""


def update_if_changed(old: Object, new: Object) -> tuple[Change, ...]:
    """Return the update that leads from ``old`` to ``new``, or nothing if they are equal."""
    return () if new == old else (Update(object=new),)
