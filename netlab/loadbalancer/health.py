"""Whether nodes are fit to be sent to: a state machine; the calls are the agent's.

A node is asked every ``interval_s``. It is out after ``unhealthy_threshold`` failures in a row and
back in after ``healthy_threshold`` answers in a row; the first answer of all decides at once. With
the defaults a node that stops answering is out after 10 seconds at most.

A node that cannot be reached at first, as when a lab starts, is asked again sooner; so is one that
is out when the Service's endpoints change (``hasten``). Leaving is never hastened.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Final, NamedTuple

from netlab.model.addresses import Address
from netlab.model.topology import HealthCheckOptions

_SOON_S: Final = 0.5


class Target(NamedTuple):
    """What is asked: a port of a node."""

    node: str
    address: Address
    port: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetHealth:
    """What is known of one target."""

    due_at: float
    """When it is to be asked next; seconds of the agent's clock."""
    is_healthy: bool | None = None
    """None before the first answer."""
    against: int = 0
    """Results in a row that speak against ``is_healthy``."""
    result: str = ""
    """The last one: ``200``, ``503`` or why there was none."""

    def asked(self, result: str, now: float, options: HealthCheckOptions) -> "TargetHealth":
        """Return what is known after one more result."""
        is_good = result == "200"
        is_unreached = not result.isdigit() and self.is_healthy is not True
        wait_s = min(options.interval_s, _SOON_S) if is_unreached else options.interval_s
        after = replace(self, due_at=now + wait_s, result=result)
        if self.is_healthy is None:
            return replace(after, is_healthy=is_good)
        if is_good == self.is_healthy:
            return replace(after, against=0)
        limit = options.healthy_threshold if is_good else options.unhealthy_threshold
        if self.against + 1 < limit:
            return replace(after, against=self.against + 1)
        return replace(after, is_healthy=is_good, against=0)


@dataclass(frozen=True, slots=True)
class NodeHealth:
    """What is known of all targets."""

    targets: Mapping[Target, TargetHealth] = field(default_factory=dict)

    def watch(
        self, wanted: Iterable[Target], now: float, known: Collection[Target] = ()
    ) -> "NodeHealth":
        """Return the same for these targets; a new one is asked at once.

        Args:
            wanted: All targets.
            now: Seconds of the agent's clock.
            known: New targets that were healthy before the control plane started anew.
        """
        return NodeHealth(
            {
                target: self.targets.get(target)
                or TargetHealth(due_at=now, is_healthy=True if target in known else None)
                for target in wanted
            }
        )

    def hasten(self, now: float) -> "NodeHealth":
        """Return the same, but that whoever is out is asked now."""
        return NodeHealth(
            {
                target: health if health.is_healthy else replace(health, due_at=now)
                for target, health in self.targets.items()
            }
        )

    def due(self, now: float) -> list[Target]:
        """Return the targets to be asked now."""
        return [target for target, health in self.targets.items() if health.due_at <= now]

    def next_at(self) -> float | None:
        """Return when the next target is to be asked; None when there is none."""
        return min((health.due_at for health in self.targets.values()), default=None)

    def with_results(
        self, results: Mapping[Target, str], now: float, options: HealthCheckOptions
    ) -> "NodeHealth":
        """Return what is known after these results; those of forgotten targets do not count."""
        changed = {
            target: self.targets[target].asked(result, now, options)
            for target, result in results.items()
            if target in self.targets
        }
        return NodeHealth({**self.targets, **changed})

    def is_healthy(self, target: Target) -> bool:
        """Return whether a target may be sent to."""
        health = self.targets.get(target)
        return health is not None and health.is_healthy is True
