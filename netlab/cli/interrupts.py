"""Signals that ask a command to come to its end by itself."""

import signal
from types import FrameType, TracebackType
from typing import Final, Self

_ENDING: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Interrupts:
    """Takes Ctrl-C, SIGTERM and the end of the terminal as a wish, and the second as an order.

    A context manager: afterwards the signals do what they did before.
    """

    def __init__(self) -> None:
        self.came = False
        """Whether the wish was heard."""
        self._before: list[signal.Handlers] = []

    def __enter__(self) -> Self:
        self._before = [signal.signal(number, self._wish) for number in _ENDING]  # type: ignore[misc]
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        for number, before in zip(_ENDING, self._before, strict=True):
            signal.signal(number, before)

    def _wish(self, _number: int, _frame: FrameType | None) -> None:
        if self.came:
            raise KeyboardInterrupt
        self.came = True
