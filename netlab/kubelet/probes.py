"""Probes of containers as a state machine: results in, verdict and next time out.

Theory of operation
-------------------
A container has up to three probes. While its startup probe has not succeeded the other two wait;
once it has, it is over. A probe begins ``initialDelaySeconds`` after its container started and is
repeated each ``periodSeconds``; a verdict changes after so many successes or failures in a row.
A container is ready when its readiness probe says so, and ends when startup or liveness fails.

Source: Kubernetes, ``pkg/kubelet/prober/worker.go``.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, Final

from netlab.kube.objects import Object


class ProbeKind(StrEnum):
    """Which of a container's probes."""

    STARTUP = "startup"
    READINESS = "readiness"
    LIVENESS = "liveness"


_FIELDS: Final = {
    ProbeKind.STARTUP: "startupProbe",
    ProbeKind.READINESS: "readinessProbe",
    ProbeKind.LIVENESS: "livenessProbe",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Probe:
    """One probe of a container."""

    kind: ProbeKind
    handler: Mapping[str, Any]
    """``httpGet``, ``tcpSocket``, ``exec`` or ``grpc``, as the container has it."""
    initial_delay_s: float
    period_s: float
    timeout_s: float
    success_threshold: int
    failure_threshold: int
    grace_s: int | None
    """For the container to end in, when the probe fails; None for the pod's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbeState:
    """How a probe stands."""

    next_at: float
    """When it is to be made again, in seconds of the wall clock."""
    verdict: bool | None = None
    """None until enough results have come."""
    run: int = 0
    """How many results of one kind have come in a row: successes above zero, failures below."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What the probes of a container say together."""

    ready: bool
    started: bool
    failed: ProbeKind | None = None
    """The probe because of which the container is to end."""


def probes_of(container: Object) -> dict[ProbeKind, Probe]:
    """Return a container's probes."""
    return {
        kind: _probe(kind, container[field])
        for kind, field in _FIELDS.items()
        if container.get(field)
    }


def _probe(kind: ProbeKind, fields: Mapping[str, Any]) -> Probe:
    def number(name: str, default: int) -> int:
        value = fields.get(name)
        return default if value is None else int(value)

    return Probe(
        kind=kind,
        handler=fields,
        initial_delay_s=number("initialDelaySeconds", 0),
        period_s=number("periodSeconds", 10) or 10,
        timeout_s=number("timeoutSeconds", 1) or 1,
        success_threshold=number("successThreshold", 1) or 1,
        failure_threshold=number("failureThreshold", 3) or 3,
        grace_s=fields.get("terminationGracePeriodSeconds"),
    )


def first_state(probe: Probe, started_at: float) -> ProbeState:
    """Return the state of a probe when its container has started."""
    return ProbeState(next_at=started_at + probe.initial_delay_s)


def step(probe: Probe, state: ProbeState, *, success: bool, now: float) -> ProbeState:
    """Return the state of a probe after a result."""
    run = max(state.run, 0) + 1 if success else min(state.run, 0) - 1
    verdict = state.verdict
    if run >= probe.success_threshold:
        verdict = True
    elif -run >= probe.failure_threshold:
        verdict = False
    return replace(state, next_at=now + probe.period_s, verdict=verdict, run=run)


def due(
    probes: Mapping[ProbeKind, Probe], states: Mapping[ProbeKind, ProbeState], now: float
) -> tuple[list[ProbeKind], float | None]:
    """Return which probes of a container are to be made now, and when the next is.

    Args:
        probes: All of the container's.
        states: Of each.
        now: Wall clock seconds.
    """
    waiting = [kind for kind in probes if _is_active(kind, probes, states)]
    ready = [kind for kind in waiting if states[kind].next_at <= now]
    later = [states[kind].next_at for kind in waiting if states[kind].next_at > now]
    return ready, min(later, default=None)


def _is_active(
    kind: ProbeKind, probes: Mapping[ProbeKind, Probe], states: Mapping[ProbeKind, ProbeState]
) -> bool:
    has_started = ProbeKind.STARTUP not in probes or states[ProbeKind.STARTUP].verdict is True
    return not has_started if kind is ProbeKind.STARTUP else has_started


def verdict(probes: Mapping[ProbeKind, Probe], states: Mapping[ProbeKind, ProbeState]) -> Verdict:
    """Return what the probes of a running container say together."""
    said = {kind: states[kind].verdict for kind in probes}
    started = said.get(ProbeKind.STARTUP, True) is True
    ready = started and said.get(ProbeKind.READINESS, True) is True
    failed = next(
        (kind for kind in (ProbeKind.STARTUP, ProbeKind.LIVENESS) if said.get(kind) is False), None
    )
    return Verdict(ready=ready, started=started, failed=failed)
