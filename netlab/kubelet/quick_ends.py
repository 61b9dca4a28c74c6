"""Containers that end as soon as they have started, which somebody at a terminal waits for.

``kubectl run -i`` attaches to a container that it hears is running, and warns when it has ended
meanwhile. So the start of what is to run once is told a moment later; what has ended by then is
told as one change.
"""

import asyncio
import contextlib
from typing import Final

from netlab.kube.objects import Object, spec_of
from netlab.model.processes import ProcessId

_MOMENT_S: Final = 0.15
"""Such as nslookup takes, with a margin."""


class QuickEnds:
    """Processes that have just started, and whose end is waited for."""

    def __init__(self) -> None:
        self._ends: dict[ProcessId, asyncio.Event] = {}

    async def wait(self, pod: Object, container: Object, process: ProcessId) -> None:
        """Wait a moment for the end of a container's process, if it is of that kind."""
        if not container.get("stdin") or spec_of(pod).get("restartPolicy") != "Never":
            return
        end = self._ends[process] = asyncio.Event()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(end.wait(), _MOMENT_S)
        del self._ends[process]

    def ended(self, process: ProcessId) -> None:
        """Take note of an end."""
        if process in self._ends:
            self._ends[process].set()
