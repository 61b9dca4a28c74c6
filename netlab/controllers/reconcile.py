"""Run the controllers until nothing changes, a part at a time.

Theory of operation
-------------------
A change in the store makes *items* for the controllers that watch the object. ``reconcile`` takes
the first item, has its controller look at it, carries out the changes that come of it, which make
new items, and begins again. After some changes, or some milliseconds, it returns, so that the API
answers in between: a Deployment of a million replicas grows in steps. What one call changes is one
transaction of the store, and watchers see it at the end.

An object that a controller cannot read stops nothing else. It is left out, named in ``problems``,
and tried again after a wait or when it changes.
"""

from collections.abc import Mapping, Sequence
from time import thread_time
from typing import Final

from netlab.apiserver.changes import Change, Create, Delete, Remove, Update
from netlab.apiserver.events import Recorder
from netlab.apiserver.registry.deletion import delete, is_over
from netlab.apiserver.store import Event, Store
from netlab.controllers.controller import EVERY, Changed, Controller, Trigger
from netlab.controllers.table import CONTROLLERS
from netlab.controllers.work_queue import Item, WorkQueue
from netlab.errors import NetlabError
from netlab.kube.defaults import with_defaults
from netlab.kube.events import Record
from netlab.kube.kinds.table import kind_of
from netlab.kube.objects import Key, Object, name_of
from netlab.kube.resources import RESOURCES, key_of
from netlab.kube.unreadable import UNREADABLE

_CHANGES: Final = 50
"""Made in one call, after which the API has its turn; some 15 ms."""
_TURN_S: Final = 0.015
"""Processor time of one call, but for the last item, which is done to its end."""


class Reconciler:
    """The controllers of one store; it looks at everything once, then at what changes.

    Args:
        store: Whose objects it keeps true. One reconciler to a store.
        controllers: In the order in which they are to run.
    """

    def __init__(self, store: Store, controllers: Sequence[Controller] = CONTROLLERS) -> None:
        self.problems: dict[str, str] = {}
        """What is left out because it cannot be read, by controller and object, and why."""
        self._store = store
        self._controllers: Mapping[str, Controller] = {one.name: one for one in controllers}
        self._triggers = {
            resource: [
                (controller.name, trigger)
                for controller in controllers
                for watched, trigger in controller.watches.items()
                if watched in {resource, EVERY}
            ]
            for resource in RESOURCES
        }
        self._queue = WorkQueue(list(self._controllers))
        self._left_out: dict[Item, frozenset[str]] = {}
        """What an item's last step had to leave out, as ``problems`` names it."""
        self._unseen: set[str] = set()
        """Those of ``problems`` that are of a change which led to no item."""
        self._events = Recorder(store)
        self._is_running = False
        self._changes = 0
        store.subscribe(self._on_event)
        self._add_everything()

    def reconcile(self, now: float) -> float | None:
        """Bring objects to where the controllers want them, or a part of the way.

        Args:
            now: Wall clock seconds.

        Returns:
            When there is more to do, in wall clock seconds: ``now`` if some is left, later if time
            alone will make it; None for never.
        """
        self._queue.wake(now)
        self._changes = 0
        self._is_running = True
        is_done = False
        try:
            with self._store.transaction():
                is_done = self._run(now)
        except BaseException:
            # The store has undone the changes, so the work that is done is to be done again.
            self._add_everything()
            raise
        finally:
            self._is_running = False
        return self._queue.next_at if is_done else now

    def settle(self, now: float) -> float | None:
        """Bring all objects to where the controllers want them.

        Returns:
            When time alone will make more to do, in wall clock seconds; None for never.
        """
        while (at := self.reconcile(now)) is not None and at <= now:
            pass
        return at

    def _run(self, now: float) -> bool:
        """Return whether all items are done."""
        end = thread_time() + _TURN_S
        while self._changes < _CHANGES and thread_time() < end:
            item = self._queue.pop()
            if item is None:
                return True
            self._do(item, now)
        return False

    def _do(self, item: Item, now: float) -> None:
        name = f"{item.controller}: {item.key}"
        try:
            outcome = self._controllers[item.controller].step(self._store, item.key, now)
            self._leave_out(item, outcome.left_out)
            if outcome.wake_at is not None:
                self._queue.add_at(item, outcome.wake_at)
            for change in outcome.changes:
                self._carry_out(change, now)
        except NetlabError as error:
            self.problems[name] = str(error)
            self._queue.fail(item, now)
        except Exception as error:  # noqa: BLE001 (told in status; every other object goes on)
            self.problems[name] = f"{type(error).__name__}: {error}"
            self._queue.fail(item, now)
        else:
            self.problems.pop(name, None)
            self._queue.succeed(item)

    def _leave_out(self, item: Item, why: Mapping[Key, str]) -> None:
        for name in self._left_out.pop(item, ()):
            self.problems.pop(name, None)
        told = {f"{item.controller}: {key}": text for key, text in why.items()}
        if told:
            self._left_out[item] = frozenset(told)
            self.problems |= told

    def _carry_out(self, change: Change, now: float) -> None:
        match change:
            case Create():
                self._create(change, now)
            case Update(object=obj):
                self._update(obj)
            case Delete(key=key):
                found = self._store.get(key)
                if found is not None:
                    delete(self._store, key, now)
                    self._note(Changed(key, found, self._store.get(key)))
            case Remove(key=key):
                self._note(Changed(key, self._store.remove(key), None))
            case Record():
                self._record(change, now)

    def _create(self, change: Create, now: float) -> None:
        if name_of(change.object) and self._store.get(key_of(change.object)) is not None:
            return
        new = self._store.create(with_defaults(_prepared(self._store, change.object)))
        self._note(Changed(key_of(new), None, new))
        if change.event is not None:
            self._record(change.event, now, name_of(new))

    def _update(self, obj: Object) -> None:
        old = self._store.get(key_of(obj))
        if old is None:
            return
        self._note(Changed(key_of(obj), old, self._store.update(obj)))
        if is_over(obj):
            self._note(Changed(key_of(obj), self._store.remove(key_of(obj)), None))

    def _record(self, event: Record, now: float, name: str = "") -> None:
        changed = self._events.record(event, now, suffix=name)
        if changed is not None:
            self._note(Changed(*changed))

    def _add_everything(self) -> None:
        for resource in RESOURCES:
            for obj in self._store.list_(resource):
                self._note(Changed(key_of(obj), None, obj))

    def _on_event(self, event: Event) -> None:
        if not self._is_running:
            gone = event.type == "DELETED"
            self._note(Changed(event.key, event.previous, None if gone else event.object))

    def _note(self, changed: Changed) -> None:
        if changed.old is changed.new:
            return
        self._changes += 1
        for controller, trigger in self._triggers[changed.key.resource]:
            self._look_for_items(controller, trigger, changed)

    def _look_for_items(self, controller: str, trigger: Trigger, changed: Changed) -> None:
        name = f"{controller}: {changed.key}"
        if name in self._unseen:
            self._unseen.discard(name)
            self.problems.pop(name, None)
        why = ""
        # What could not be read before may be readable now.
        for seen in (changed, changed._replace(old=None)):
            try:
                for key in trigger(self._store, seen):
                    self._queue.add(Item(controller, key))
            except UNREADABLE as error:
                why = f"{type(error).__name__}: {error}"
            else:
                return
        self._unseen.add(name)
        self.problems[name] = why


def _prepared(store: Store, obj: Object) -> Object:
    """Return a new object with what the server alone decides, as for one that a client sends."""
    kind = kind_of(obj["kind"])
    if kind is None or kind.prepare_for_create is None:
        return obj
    return kind.prepare_for_create(store.identified(obj))
