"""agnhost: the image of Kubernetes' own network tests, command for command.

Source: Kubernetes, ``test/images/agnhost``.
"""

from collections.abc import Callable, Sequence


def run(ready: Callable[[], None], argv: Sequence[str]) -> None:
    """Run a command of agnhost's, and end the process with its exit code.

    Args:
        ready: Called once a server listens, or before anything else runs.
        argv: The command and its arguments, as the container has them; ``pause`` when empty, as
            the image has it.

    Raises:
        SystemExit: In the end.
    """
    # What a command needs is loaded by the container that runs it, and not by its warm parent.
    from netlab.workloads.agnhost.commands import run_command  # noqa: PLC0415

    run_command(ready, list(argv) or ["pause"])
