"""``netlab trace --attach``: wait for somebody else's connection."""

import signal
import sys
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import click

if TYPE_CHECKING:
    from netlab.path.trace import Trace

TIMEOUT_S: Final = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """What the user waits for."""

    expression: str
    caller: str | None
    timeout_s: float | None
    predict: bool


def only_caller(words: tuple[str, ...], size: int | None) -> str | None:
    """Return FROM, if it was given; nothing else may be."""
    if size is not None:
        raise click.UsageError("--size is for connections that netlab makes, not for --attach")
    if len(words) > 1:
        raise click.UsageError("--attach makes no connection: give FROM alone, or nothing")
    return words[0] if words else None


def attached(lab: str, waiting: Waiting) -> "Trace":
    """Wait and return the path of the connection that came; a signal ends the waiting."""
    from netlab.api.client import Client
    from netlab.kernel.rundir import control_socket
    from netlab.lab.attaching import AttachRequest, attach
    from netlab.lab.cluster import Cluster
    from netlab.lab.host import require_root
    from netlab.lab.hosts import hosts

    require_root()
    # As an interrupt does, it closes what listens.
    signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))
    cluster = Cluster(lab=lab, objects=Client(control_socket(lab)), read_hosts=lambda: hosts(lab))
    request = AttachRequest(
        expression=waiting.expression,
        caller=waiting.caller,
        timeout_s=waiting.timeout_s or TIMEOUT_S,
        predict=waiting.predict,
    )
    return attach(
        cluster,
        request,
        clock=lambda: time.clock_gettime(time.CLOCK_REALTIME),
        say=lambda line: click.echo(line, err=True),
    )
