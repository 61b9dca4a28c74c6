"""The workloads that netlab carries: programs that run in a container without being executed.

They are loaded by the zygote, which all containers are copies of: from a container's own root, and
from the bare one that the zygote lives in, the files of this package cannot be seen.
"""

import importlib
from collections.abc import Callable, Mapping, Sequence
from typing import Final, NamedTuple


class Workload(NamedTuple):
    """A workload that is loaded."""

    run: Callable[[Callable[[], None], Sequence[str]], None]
    """Takes a callback for "ready" and its arguments, and ends by SystemExit."""
    reads_environment: bool


_FUNCTIONS: Final[Mapping[str, str]] = {
    "agnhost": "netlab.workloads.agnhost.commands:run_command",
    "coredns": "netlab.dns.coredns:run",
    "echo": "netlab.workloads.echo:run",
    "pause": "netlab.workloads.pause:run",
}
"""By the name that stands first in ``argv``."""
_WITHOUT_ENVIRONMENT: Final = {"echo", "pause"}
"""Those that read no variable: setting them would cost each container memory of its own."""


def load() -> dict[str, Workload]:
    """Load all of them, and return them by name."""
    found = {}
    for name, place in _FUNCTIONS.items():
        module, _, function = place.partition(":")
        run = getattr(importlib.import_module(module), function)
        found[name] = Workload(run, name not in _WITHOUT_ENVIRONMENT)
    return found
