"""The image ``pause``: it waits, and ends well when it is asked to.

A program that waits and knows nothing of SIGTERM never ends as the first process of its pid
namespace: the kernel hands that process only signals it has a handler for.

Source: Kubernetes, build/pause/linux/pause.c.
"""

import signal
from collections.abc import Callable, Sequence


def run(ready: Callable[[], None], argv: Sequence[str]) -> None:
    """Wait for SIGINT or SIGTERM.

    Args:
        ready: Called once both are heard.
        argv: Not used; the image's program takes none.

    Raises:
        SystemExit: In the end.
    """
    del argv
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _end)
    ready()
    while True:
        signal.pause()


def _end(number: int, frame: object) -> None:
    del frame
    print("Shutting down, got signal:", signal.strsignal(number), flush=True)  # noqa: T201 (its log)
    raise SystemExit
