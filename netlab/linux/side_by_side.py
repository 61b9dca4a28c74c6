"""Calls that wait for the kernel, done side by side.

To set a packet socket up or to close it, the kernel waits until no CPU reads its list of listeners
any more: some ten milliseconds, whatever else is to be done. Threads that wait at the same time
wait for the same moment. Each thread has a network namespace of its own, so ``inside`` moves none
but the caller's.
"""

import threading
from collections.abc import Callable, Sequence
from typing import Final, TypeVar

THREADS: Final = 32

_T = TypeVar("_T")


def side_by_side(calls: Sequence[Callable[[], _T]]) -> list[_T]:
    """Return what each call returned, in order.

    Raises:
        BaseException: What the first call that failed raised; the others were made all the same.
    """
    waiting = list(enumerate(calls))[::-1]
    results: dict[int, _T] = {}
    failures: dict[int, BaseException] = {}

    def work() -> None:
        while True:
            try:
                key, call = waiting.pop()
            except IndexError:
                return
            try:
                results[key] = call()
            except BaseException as failure:  # noqa: BLE001 (raised again below)
                failures[key] = failure

    threads = [threading.Thread(target=work) for _ in range(min(THREADS, len(calls)) - 1)]
    for thread in threads:
        thread.start()
    work()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[min(failures)]
    return [results[key] for key in range(len(calls))]
