"""What kube-proxy of one node has counted and measured.

Each address family counts for itself. Nodes are synced side by side, so a duration is that of the
sync which brought the node its rules. ``netlab.kubeproxy.metric_families`` shows it.
"""

from bisect import bisect_left
from collections import Counter
from dataclasses import dataclass, field
from itertools import accumulate
from typing import Final

from netlab.model.addresses import Family

_BOUNDS_S: Final = tuple(0.001 * 2**power for power in range(15))


class Histogram:
    """Durations in seconds, in kube-proxy's buckets: from 1 ms, each twice as long."""

    def __init__(self) -> None:
        self._counts = [0] * (len(_BOUNDS_S) + 1)
        self._total = 0.0

    def observe(self, duration_s: float) -> None:
        """Add one duration."""
        self._counts[bisect_left(_BOUNDS_S, duration_s)] += 1
        self._total += duration_s

    @property
    def total_s(self) -> float:
        """The sum of all durations."""
        return self._total

    def buckets(self) -> list[tuple[str, float]]:
        """Return how many durations were at most so long, by the end of each bucket."""
        ends = (*map(str, _BOUNDS_S), "+Inf")
        return list(zip(ends, accumulate(map(float, self._counts)), strict=True))


@dataclass(slots=True, kw_only=True)
class ProxyMetrics:
    """The counters of one node's kube-proxy in one family since the control plane's start."""

    family: Family
    sync: Histogram = field(default_factory=Histogram)
    full_sync: Histogram = field(default_factory=Histogram)
    partial_sync: Histogram = field(default_factory=Histogram)
    conntrack: Histogram = field(default_factory=Histogram)
    synced_at: float = 0.0
    queued_at: float = 0.0
    changes: Counter[str] = field(default_factory=Counter)
    """Changed objects by resource."""
    pending: Counter[str] = field(default_factory=Counter)
    """Those of them that came after the last sync."""
    written: Counter[str] = field(default_factory=Counter)
    """Rules in the last text, by table."""
    restore_failures: int = 0
    partial_restore_failures: int = 0
    cleanup_failures: int = 0
    """Texts that were refused though they only deleted what a change had left empty."""
    deleted_connections: int = 0

    def changed(self, resource: str, now: float) -> None:
        """Count a changed object that rules come from."""
        self.changes[resource] += 1
        self.pending[resource] += 1
        self.queued_at = now

    def synced(self, duration_s: float, now: float, *, is_full: bool) -> None:
        """Count a sync that succeeded, whether or not anything had to be written."""
        self.sync.observe(duration_s)
        (self.full_sync if is_full else self.partial_sync).observe(duration_s)
        self.synced_at = now
        self.pending.clear()

    def failed(self, *, is_full: bool) -> None:
        """Count a text that was refused."""
        self.restore_failures += 1
        self.partial_restore_failures += not is_full


@dataclass(slots=True, kw_only=True)
class HealthMetrics:
    """How often the ports of one node's kube-proxy were asked for its health."""

    healthz: Counter[int] = field(default_factory=Counter)
    """Answers of ``/healthz`` by status code."""
    livez: Counter[int] = field(default_factory=Counter)


def rules_written(text: str) -> Counter[str]:
    """Return the number of rules that a text for iptables-restore adds, by table."""
    written: Counter[str] = Counter()
    table = ""
    for line in text.splitlines():
        if line.startswith("*"):
            table = line[1:]
        elif line.startswith(("-A ", "-I ")):
            written[table] += 1
    return written
