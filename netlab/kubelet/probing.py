"""The probes of a lab's containers, made when they are due, and what they have said."""

import asyncio
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from netlab.kube.objects import Object
from netlab.kubelet.prober import Prober
from netlab.kubelet.probes import (
    Probe,
    ProbeKind,
    ProbeState,
    Verdict,
    due,
    first_state,
    probes_of,
    step,
    verdict,
)


class ContainerKey(NamedTuple):
    """A container of a pod."""

    uid: str
    name: str


@dataclass(slots=True)
class _Container:
    pod: Object
    spec: Object
    probes: Mapping[ProbeKind, Probe]
    states: dict[ProbeKind, ProbeState]


class Failure(NamedTuple):
    """A probe that failed, to be told of."""

    key: ContainerKey
    kind: ProbeKind
    message: str


class Probing:
    """Makes the probes of all containers that have some.

    Args:
        prober: Makes one.
        wake: Called when there is news.
    """

    def __init__(self, prober: Prober, wake: Callable[[], None]) -> None:
        self._prober = prober
        self._wake = wake
        self._containers: dict[ContainerKey, _Container] = {}
        self._under_way: dict[tuple[ContainerKey, ProbeKind], asyncio.Task[str | None]] = {}
        self._failures: list[Failure] = []

    def begin(self, key: ContainerKey, pod: Object, spec: Object, now: float) -> None:
        """Have a container probed from now on, if it has probes."""
        probes = probes_of(spec)
        if probes:
            states = {kind: first_state(probe, now) for kind, probe in probes.items()}
            self._containers[key] = _Container(pod, spec, probes, states)

    def end(self, key: ContainerKey) -> None:
        """Have a container probed no more."""
        self._containers.pop(key, None)
        for both in [both for both in self._under_way if both[0] == key]:
            self._under_way.pop(both).cancel()

    def sync(self, now: float) -> float | None:
        """Take note of results, and make the probes that are due; return when the next is."""
        self._take_results(now)
        wakes = []
        for key, one in self._containers.items():
            kinds, later = due(one.probes, one.states, now)
            for kind in kinds:
                if (key, kind) not in self._under_way:
                    self._under_way[key, kind] = self._probe(one, kind)
            if later is not None:
                wakes.append(later)
        return min(wakes, default=None)

    def verdicts(self) -> Iterator[tuple[ContainerKey, Verdict]]:
        """Yield what the probes of each container say."""
        for key, one in self._containers.items():
            yield key, verdict(one.probes, one.states)

    def failures(self) -> list[Failure]:
        """Return the failures since the last call."""
        found, self._failures = self._failures, []
        return found

    def _probe(self, one: _Container, kind: ProbeKind) -> "asyncio.Task[str | None]":
        probe = one.probes[kind]
        made = self._prober.probe(one.pod, one.spec, probe.handler, probe.timeout_s)
        task = asyncio.ensure_future(made)
        task.add_done_callback(lambda _: self._wake())
        return task

    def _take_results(self, now: float) -> None:
        for both, task in list(self._under_way.items()):
            if not task.done():
                continue
            del self._under_way[both]
            key, kind = both
            one = self._containers[key]
            error = task.exception()
            message = f"{type(error).__name__}: {error}" if error is not None else task.result()
            success = message is None
            one.states[kind] = step(one.probes[kind], one.states[kind], success=success, now=now)
            if message is not None:
                self._failures.append(Failure(key, kind, message))
