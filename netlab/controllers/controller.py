"""What a controller is: objects that it watches, and a step that looks at one.

A controller never changes anything itself. Its step reads what is stored and returns the changes
that it wants, as values; ``netlab.controllers.reconcile`` carries them out.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from netlab.apiserver.changes import Outcome
from netlab.apiserver.indexes import Indexes
from netlab.kube.objects import Key, Object, controller_of


class Objects(Protocol):
    """What is stored, to be read only."""

    @property
    def index(self) -> Indexes:
        """Ways to objects that cost as much as what they find."""

    def get(self, key: Key, /) -> Object | None:
        """Return the object at ``key``, or None."""

    def list_(self, resource: str, namespace: str = "", /) -> list[Object]:
        """Return the objects of a resource, of one namespace or of all."""

    def select(self, resource: str, namespace: str, labels: Mapping[str, str], /) -> list[Object]:
        """Return the objects of one namespace that carry all of ``labels``; none for no labels."""

    def owned(self, uid: str, resource: str, /) -> list[Object]:
        """Return the objects of a resource that have the object ``uid`` among their owners."""


class Changed(NamedTuple):
    """One change of one object."""

    key: Key
    old: Object | None
    """None for a new object."""
    new: Object | None
    """None for one that is gone."""

    @property
    def states(self) -> Iterator[Object]:
        """The states before and after, as far as there are."""
        return (state for state in (self.old, self.new) if state is not None)


Trigger = Callable[[Objects, Changed], Iterable[Key]]
"""Leads from a changed object to those that have to be looked at again.

Its work is in proportion to the change and not to the size of the lab.
"""

Step = Callable[[Objects, Key, float], Outcome]
"""Looks at the object at a key, at a time in wall clock seconds; it may be gone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Controller:
    """One line of the table of controllers."""

    name: str
    """As messages call it."""
    watches: Mapping[str, Trigger]
    """By resource; ``EVERY`` stands for all of them."""
    step: Step


EVERY = "*"


def itself(objects: Objects, changed: Changed) -> Iterator[Key]:
    """Look at the changed object."""
    del objects
    yield changed.key


def owner(resource: str) -> Trigger:
    """Return what leads from an object to its controller, if that is of ``resource``."""

    def trigger(objects: Objects, changed: Changed) -> Iterator[Key]:
        for state in changed.states:
            reference = controller_of(state)
            key = objects.index.holder(reference["uid"]) if reference is not None else None
            if key is not None and key.resource == resource:
                yield key

    return trigger


def owner_or_selecting(resource: str) -> Trigger:
    """Return what leads from a pod to its controller and to those whose selector may pick it."""
    to_owner = owner(resource)

    def trigger(objects: Objects, changed: Changed) -> Iterator[Key]:
        yield from to_owner(objects, changed)
        for state in changed.states:
            yield from objects.index.selecting(resource, state)

    return trigger
