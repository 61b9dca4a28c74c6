"""Objects that an agent cannot read: each is left out with its name, and the others go on.

What the API stores is checked, but no check is complete: an agent that reads an object may meet a
value that it has no meaning for. That must cost the lab this one object and no other.
"""

from collections.abc import Callable, Collection, Mapping
from typing import Final, TypeVar

from netlab.errors import NetlabError
from netlab.kube.objects import Key

T = TypeVar("T")

UNREADABLE: Final = (
    ArithmeticError,
    AttributeError,
    LookupError,
    NetlabError,
    StopIteration,
    TypeError,
    ValueError,
)
"""What comes of a value that has no meaning."""


class UnreadableObjects:
    """Objects that could not be read the last time that was tried, with why."""

    def __init__(self) -> None:
        self._reasons: dict[Key, str] = {}

    def read(self, key: Key, reader: Callable[[], T]) -> T | None:
        """Return what ``reader`` makes of the object at ``key``; None when it fails."""
        try:
            value = reader()
        except NetlabError as error:
            self._reasons[key] = str(error)
        except UNREADABLE as error:
            self._reasons[key] = f"{type(error).__name__}: {error}"
        else:
            self.forget(key)
            return value
        return None

    def read_unless_left_out(self, key: Key, reader: Callable[[], T]) -> T | None:
        """Return what ``read`` does; None at once for an object that could not be read already."""
        return None if key in self._reasons else self.read(key, reader)

    def clear(self) -> None:
        """Forget all objects: they are read anew."""
        self._reasons = {}

    def forget(self, key: Key) -> None:
        """Take note that the object is gone, or was read."""
        self._reasons.pop(key, None)

    def keep(self, keys: Collection[Key]) -> None:
        """Forget all objects but these."""
        self._reasons = {key: why for key, why in self._reasons.items() if key in keys}

    def reasons(self) -> Mapping[Key, str]:
        """Return why, by object."""
        return self._reasons
