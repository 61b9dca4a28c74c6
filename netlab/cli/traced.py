"""How ``netlab trace`` comes by a trace: by a connection of its own, or by somebody else's."""

import signal
import sys
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import click

if TYPE_CHECKING:
    from netlab.client.cluster import Cluster
    from netlab.model.addresses import Family
    from netlab.trace.session.tracing import Keep
    from netlab.trace.trace import Trace

ATTACH_TIMEOUT_S: Final = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What the user asked for."""

    words: tuple[str, ...]
    attach: str | None
    """Which connection to wait for; None to make one."""
    timeout_s: float | None
    payload: int | None
    predict: bool
    family: "Family | None"


def traced(lab: str, asked: Asked, keep: "Keep") -> "Trace":
    """Return the trace of the connection that was asked for.

    Args:
        lab: Name.
        asked: What for.
        keep: Takes the frames that were captured meanwhile.
    """
    if asked.attach is not None:
        return _attached(lab, asked.attach, asked, keep)
    if len(asked.words) != 2:
        raise click.UsageError("give FROM and TARGET, such as: client http://node2:30080")
    from netlab.linux.timeouts import scaled
    from netlab.trace.session.tracing import TIMEOUT_S, TraceRequest, trace

    request = TraceRequest(
        caller=asked.words[0],
        target=asked.words[1],
        timeout_s=asked.timeout_s or scaled(TIMEOUT_S),
        predict=asked.predict,
        payload=asked.payload,
        family=asked.family,
    )
    return trace(_cluster(lab), request, _now(), keep)


def _attached(lab: str, expression: str, asked: Asked, keep: "Keep") -> "Trace":
    """Wait and return the path of the connection that came; a signal ends the waiting."""
    if asked.payload is not None:
        raise click.UsageError("--size is for connections that netlab makes, not for --attach")
    if len(asked.words) > 1:
        raise click.UsageError("--attach makes no connection: give FROM alone, or nothing")
    from netlab.linux.timeouts import scaled
    from netlab.trace.session.attaching import AttachRequest, Hearer, attach

    # As an interrupt does, it closes what listens.
    signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))
    request = AttachRequest(
        expression=expression,
        caller=asked.words[0] if asked.words else None,
        timeout_s=asked.timeout_s or scaled(ATTACH_TIMEOUT_S),
        predict=asked.predict,
        family=asked.family,
    )
    hearer = Hearer(clock=_now, say=lambda line: click.echo(line, err=True), keep=keep)
    return attach(_cluster(lab), request, hearer)


def _cluster(lab: str) -> "Cluster":
    from netlab.client.api_client import Client
    from netlab.client.cluster import Cluster
    from netlab.client.hosts import hosts
    from netlab.model.rundir import control_socket
    from netlab.rootless.enter import become_root

    become_root()
    client = Client(control_socket(lab))
    client.let_settle()
    return Cluster(lab=lab, objects=client, read_hosts=lambda: hosts(lab))


def _now() -> float:
    return time.clock_gettime(time.CLOCK_REALTIME)
