"""What is to be looked at: now, or at a time.

Items of controllers that stand first in the table come first. An item that failed waits before it
is tried again, longer each time, so that one object that cannot be read costs next to nothing.
"""

from collections.abc import Sequence
from typing import Final, NamedTuple

from netlab.kube.objects import Key

_FIRST_WAIT_S: Final = 1.0
_LONGEST_WAIT_S: Final = 300.0


class Item(NamedTuple):
    """One object for one controller."""

    controller: str
    key: Key


class WorkQueue:
    """Items without repetition.

    Args:
        controllers: Names, in the order in which their items are done.
    """

    def __init__(self, controllers: Sequence[str]) -> None:
        self._due: dict[str, dict[Item, None]] = {name: {} for name in controllers}
        self._at: dict[Item, float] = {}
        self._failures: dict[Item, int] = {}

    def add(self, item: Item) -> None:
        """Have an item done next."""
        self._due[item.controller][item] = None

    def add_at(self, item: Item, at: float) -> None:
        """Have an item done at a time, in wall clock seconds; an earlier time replaces a later."""
        self._at[item] = min(at, self._at.get(item, at))

    def fail(self, item: Item, now: float) -> None:
        """Have an item that failed done again after a wait."""
        failures = self._failures[item] = self._failures.get(item, 0) + 1
        wait_s = min(_FIRST_WAIT_S * 2.0 ** min(failures - 1, 20), _LONGEST_WAIT_S)
        self.add_at(item, now + wait_s)

    def succeed(self, item: Item) -> None:
        """Forget that an item has failed."""
        self._failures.pop(item, None)

    def wake(self, now: float) -> None:
        """Make due what has a time that has come."""
        for item in [item for item, at in self._at.items() if at <= now]:
            del self._at[item]
            self.add(item)

    def pop(self) -> Item | None:
        """Take the next item that is due, oldest first of its controller; None if there is none."""
        for items in self._due.values():
            for item in items:
                del items[item]
                self._at.pop(item, None)
                return item
        return None

    @property
    def next_at(self) -> float | None:
        """When time alone will make an item due; None for never."""
        return min(self._at.values(), default=None)
