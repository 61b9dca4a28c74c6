"""The lab's objects, each with its version, and the history of their changes.

Theory of operation
-------------------
All objects are in memory; a file repeats them. Every change takes the next number of one counter,
the resource version. Changes gather in a transaction: at its end they are written to the file in
one commit and told to the subscribers in order; if it fails none of them has happened. An
object that was stored is never changed in place, so events and readers share it without a copy,
and objects share the parts that are equal.

The store has one user at a time: it is made for one thread.
"""

import uuid
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, Literal, Protocol

from netlab.apiserver.indexes import Indexes
from netlab.apiserver.sharing import sharing
from netlab.apiserver.sqlite import StoreFile
from netlab.apiserver.stored_objects import why_unusable
from netlab.kube.manifests import as_decoded
from netlab.kube.objects import Key, Object, labels_of, metadata_of, name_of, uid_of, with_metadata
from netlab.kube.resources import RESOURCES, key_of, resource_of
from netlab.kube.status import already_exists, conflict, expired, not_found
from netlab.kube.timestamps import timestamp

HISTORY_EVENTS: Final = 8192
"""Events kept for watchers that come back; about eight for each pod of a large lab."""
HISTORY_BYTES: Final = 4 * 1024 * 1024
"""Of the JSON of those events, at most; in memory they are some five times as large. A state of the
Endpoints of a thousand pods alone has 150 KB."""

_SUFFIX_LETTERS: Final = "bcdfghjklmnpqrstvwxz2456789"
"""No vowels and no look-alikes, as Kubernetes has it in generated names."""


class Random(Protocol):
    """Where uids and generated names come from; ``random.Random`` is one."""

    def getrandbits(self, k: int, /) -> int:
        """Return ``k`` random bits."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One change of one object."""

    type: Literal["ADDED", "MODIFIED", "DELETED"]
    key: Key
    object: Object
    """The new state; for ``DELETED`` the last one, with the version of the deletion."""
    previous: Object | None
    version: int
    size: int = 0
    """Bytes of the new state's JSON, as far as it was written."""


class Store:
    """Every object of a lab.

    Args:
        path: The file to keep them in; what it holds is loaded. None keeps them in memory only.
        clock: Wall clock seconds, for creation timestamps.
        random: For uids and generated names.
    """

    def __init__(self, path: Path | None, *, clock: Callable[[], float], random: Random) -> None:
        self.index = Indexes()
        self._clock = clock
        self._random = random
        self._objects: dict[str, dict[Key, Object]] = {plural: {} for plural in RESOURCES}
        self._order: dict[str, list[Key]] = {}
        """The keys of each resource, sorted; of those that have not come or gone since."""
        self._latest: dict[str, Object] = {}
        """The object of each resource that was stored last: a new one is much like it."""
        self._subscribers: list[Callable[[Event], None]] = []
        self._history: deque[Event] = deque()
        self._history_bytes = 0
        self._pending: list[Event] = []
        self._in_transaction = False
        self.left_out: dict[str, str] = {}
        """What the file held that cannot be used, by its key as text, and why."""
        self._file = StoreFile(path) if path is not None else None
        self._version = 0
        if self._file is not None:
            self._version = self._file.read_version()
            self._load(self._file)
        self._forgotten = self._version

    @property
    def version(self) -> int:
        """The resource version of the last change."""
        return self._version

    @property
    def oldest_version(self) -> int:
        """The resource version after which every change is remembered."""
        return self._forgotten

    def get(self, key: Key) -> Object | None:
        """Return the object at ``key``, or None; it must not be changed in place."""
        return self._objects[key.resource].get(key)

    def require(self, key: Key) -> Object:
        """Return the object at ``key``.

        Raises:
            StatusError: There is none (``NotFound``).
        """
        obj = self.get(key)
        if obj is None:
            raise not_found(key)
        return obj

    def list_(self, resource: str, namespace: str = "") -> list[Object]:
        """Return the objects of a resource by namespace and name; empty means all namespaces."""
        table = self._objects[resource]
        keys = self._order.get(resource)
        if keys is None:
            keys = self._order[resource] = sorted(table)
        return [table[key] for key in keys if not namespace or key.namespace == namespace]

    def select(self, resource: str, namespace: str, labels: Mapping[str, str]) -> list[Object]:
        """Return the objects of one namespace that carry all of ``labels``; none for no labels."""
        table = self._objects[resource]
        found = (table[key] for key in self.index.with_labels(resource, namespace, labels))
        return [obj for obj in found if labels.items() <= labels_of(obj).items()]

    def owned(self, uid: str, resource: str) -> list[Object]:
        """Return the objects of a resource that have the object ``uid`` among their owners."""
        table = self._objects[resource]
        return [table[key] for key in self.index.owned(uid) if key.resource == resource]

    def create(self, manifest: Object) -> Object:
        """Store a new object, with versions, and with what ``identified`` gives it.

        Raises:
            StatusError: The name is taken (``AlreadyExists``).
        """
        obj = manifest if uid_of(manifest) else self.identified(manifest)
        key = key_of(obj)
        if self.get(key) is not None:
            raise already_exists(key)
        generation = {"generation": 1} if resource_of(obj).has_generation else {}
        created = timestamp(self._clock())
        identified = with_metadata(obj, creationTimestamp=created, **generation)
        with self.transaction():
            return self._record("ADDED", key, identified, None)

    def identified(self, manifest: Object) -> Object:
        """Return a new object with a name and a uid, whatever it says of one."""
        named = self.named(manifest)
        uid = uuid.UUID(int=self._random.getrandbits(128), version=4)
        return with_metadata(named, uid=str(uid))

    def named(self, manifest: Object) -> Object:
        """Return the object with a free name, made from ``generateName``, unless it has one."""
        prefix = metadata_of(manifest).get("generateName")
        if name_of(manifest) or not prefix:
            return manifest
        while True:
            letters = (_SUFFIX_LETTERS[self.choose(len(_SUFFIX_LETTERS))] for _ in range(5))
            named = with_metadata(manifest, name=prefix + "".join(letters))
            if self.get(key_of(named)) is None:
                return named

    def choose(self, count: int) -> int:
        """Return a random number from 0 to ``count`` - 1."""
        return self._random.getrandbits(64) % count

    def update(self, obj: Object) -> Object:
        """Store a new state of an object; a state equal to the present one changes nothing.

        A ``resourceVersion`` in it says which state it was made from. Uid and creation timestamp
        stay what they are; the generation grows when the spec differs.

        Raises:
            StatusError: It is not there (``NotFound``), or has changed (``Conflict``).
        """
        key = key_of(obj)
        old = self.require(key)
        had, given = metadata_of(old), metadata_of(obj)
        if any(given.get(field, had[field]) != had[field] for field in ("resourceVersion", "uid")):
            raise conflict(key)
        kept = {field: had[field] for field in ("uid", "creationTimestamp", "resourceVersion")}
        if resource_of(obj).has_generation:
            kept["generation"] = had["generation"] + (obj.get("spec") != old.get("spec"))
        new = with_metadata(obj, **kept)
        if new == old:
            return old
        with self.transaction():
            return self._record("MODIFIED", key, new, old)

    def remove(self, key: Key) -> Object | None:
        """Take the object at ``key`` away at once and return its last state, or None."""
        old = self.get(key)
        if old is None:
            return None
        with self.transaction():
            return self._record("DELETED", key, old, old)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Gather changes: all of them happen, or none; one within another joins it."""
        if self._in_transaction:
            yield
            return
        self._in_transaction = True
        version = self._version
        try:
            yield
            self._commit()
        except BaseException:
            self._undo(version)
            raise
        finally:
            self._in_transaction = False
        self._publish()

    def subscribe(self, on_event: Callable[[Event], None]) -> Callable[[], None]:
        """Have ``on_event`` called with every change from now on; return what ends that."""
        self._subscribers.append(on_event)
        return lambda: self._subscribers.remove(on_event)

    def events_since(self, version: int) -> list[Event]:
        """Return every change after ``version``, oldest first.

        Raises:
            StatusError: Some of them are forgotten (``Expired``).
        """
        if version < self._forgotten:
            raise expired(version, self._forgotten)
        return [event for event in self._history if event.version > version]

    def close(self) -> None:
        """Let go of the file."""
        if self._file is not None:
            self._file.close()

    def _record(
        self,
        change: Literal["ADDED", "MODIFIED", "DELETED"],
        key: Key,
        obj: Object,
        previous: Object | None,
    ) -> Object:
        self._version += 1
        alike = previous if previous is not None else self._latest.get(key.resource, {})
        stamped = sharing(with_metadata(obj, resourceVersion=str(self._version)), alike)
        self._place(key, None if change == "DELETED" else stamped)
        self._pending.append(
            Event(type=change, key=key, object=stamped, previous=previous, version=self._version)
        )
        return stamped

    def _load(self, file: StoreFile) -> None:
        unusable = []
        for key, value in file.read_objects():
            obj = as_decoded(value) if isinstance(value, dict) else {}
            why = why_unusable(key, obj)
            if why:
                self.left_out[str(key)] = why
                unusable.append(key)
            else:
                self._place(key, sharing(obj, self._latest.get(key.resource, {})))
        # Nobody could ask for it by its name; it is told once, in ``left_out``.
        file.remove(unusable)

    def _place(self, key: Key, obj: Object | None) -> None:
        table = self._objects[key.resource]
        self.index.replace(key, table.get(key), obj)
        if obj is None or key not in table:
            self._order.pop(key.resource, None)
        if obj is None:
            table.pop(key, None)
        else:
            table[key] = self._latest[key.resource] = obj

    def _commit(self) -> None:
        if self._file is None or not self._pending:
            return
        changed = dict.fromkeys(event.key for event in self._pending)
        sizes = self._file.commit(self._version, ((key, self.get(key)) for key in changed))
        self._pending = [replace(event, size=sizes[event.key]) for event in self._pending]

    def _undo(self, version: int) -> None:
        for event in reversed(self._pending):
            self._place(event.key, event.previous)
        self._pending.clear()
        self._version = version

    def _publish(self) -> None:
        events, self._pending = self._pending, []
        self._history.extend(events)
        self._history_bytes += sum(event.size for event in events)
        while len(self._history) > HISTORY_EVENTS or self._history_bytes > HISTORY_BYTES:
            forgotten = self._history.popleft()
            self._history_bytes -= forgotten.size
            self._forgotten = forgotten.version
        for event in events:
            for on_event in tuple(self._subscribers):
                on_event(event)
