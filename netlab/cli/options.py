"""Options that many commands share."""

from collections.abc import Callable
from typing import Any, TypeVar

import click

from netlab.model.names import LAB_NAME

_Command = TypeVar("_Command", bound=Callable[..., Any])


def _checked(_context: click.Context, _parameter: click.Parameter, lab: str) -> str:
    if not LAB_NAME.fullmatch(lab):
        raise click.BadParameter(
            f"{lab!r} is no name of a lab: it has 1 to 32 lower case letters and digits"
        )
    return lab


def lab_option(command: _Command) -> _Command:
    """Add ``--lab NAME``, which the command gets as the argument ``lab``."""
    return click.option(
        "--lab",
        default="default",
        envvar="NETLAB_LAB",
        metavar="NAME",
        show_default=True,
        callback=_checked,
        help="The lab to speak to.",
    )(command)


def complete_host(context: click.Context, parameter: click.Parameter, begun: str) -> list[str]:
    """Return the hosts of the lab that complete what was typed; the kernel knows them."""
    from netlab.lab.hosts import names_of_hosts

    del parameter
    lab = context.params.get("lab") or "default"
    return [name for name in names_of_hosts(lab) if name.startswith(begun)]


def complete_topology(context: click.Context, parameter: click.Parameter, begun: str) -> list[str]:
    """Return the built-in topologies that complete what was typed."""
    from netlab.lab.topologies import builtin_names

    del context, parameter
    return [name for name in builtin_names() if name.startswith(begun)]
