"""What kube-proxy of one node has counted and measured, under kube-proxy's own names.

Each address family counts for itself, and says so in the label ``ip_family``. Only what is measured
is shown. Nodes are synced side by side, so a duration is that of the sync which brought the node
its rules.

Source: kube-proxy, ``pkg/proxy/metrics/metrics.go``.
"""

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from netlab.kubeproxy.prometheus import Metric, Sample, histogram_samples
from netlab.model.addresses import Family
from netlab.model.topology import ProxyMode

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

    def samples(self) -> tuple[Sample, ...]:
        """Return buckets, sum and count."""
        return histogram_samples(_BOUNDS_S, self._counts, self._total, {})


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

    def metrics(
        self, mode: ProxyMode, held: Mapping[str, int], without_local: Mapping[str, int]
    ) -> Iterator[Metric]:
        """Yield everything under kube-proxy's names, but for ``change_metrics``.

        Args:
            mode: Of kube-proxy; each has names of its own.
            held: The rules of iptables that the node holds, by table, as far as is known.
            without_local: Service ports without an endpoint on the node, by traffic policy.
        """
        labels = {"ip_family": str(self.family)}
        for metric in self._metrics(mode, held, without_local):
            samples = (replace(one, labels={**labels, **one.labels}) for one in metric.samples)
            yield replace(metric, samples=tuple(samples))

    def _metrics(
        self, mode: ProxyMode, held: Mapping[str, int], without_local: Mapping[str, int]
    ) -> Iterator[Metric]:
        yield _histogram("sync_proxy_rules_duration", "SyncProxyRules latency", self.sync)
        yield _histogram("sync_full_proxy_rules_duration", "Full resyncs' latency", self.full_sync)
        yield _histogram(
            "sync_partial_proxy_rules_duration", "Partial resyncs' latency", self.partial_sync
        )
        yield _gauge(
            "sync_proxy_rules_last_timestamp_seconds", "Last time the rules synced", self.synced_at
        )
        yield _gauge(
            "sync_proxy_rules_last_queued_timestamp_seconds",
            "Last time a sync was asked for",
            self.queued_at,
        )
        match mode:
            case ProxyMode.IPTABLES:
                yield from self._rules(held)
                yield from self._failures()
            case ProxyMode.NFTABLES:
                yield from self._table_failures()
        yield Metric(
            name="kubeproxy_sync_proxy_rules_no_local_endpoints_total",
            kind="gauge",
            text="Services with a Local policy and endpoints, none of them on this node",
            samples=tuple(
                Sample(value=count, labels={"traffic_policy": policy})
                for policy, count in without_local.items()
            ),
        )
        yield _histogram("conntrack_reconciler_sync_duration", "Clean-ups' latency", self.conntrack)
        yield _counter(
            "conntrack_reconciler_deleted_entries_total",
            "Conntrack entries removed",
            self.deleted_connections,
        )

    def _rules(self, held: Mapping[str, int]) -> Iterator[Metric]:
        last = {name: self.written[name] for name in held}
        yield _by_table("sync_proxy_rules_iptables_total", "Rules that the node holds", held)
        yield _by_table("sync_proxy_rules_iptables_last", "Rules written by the last sync", last)

    def _failures(self) -> Iterator[Metric]:
        name = "sync_proxy_rules_iptables"
        yield _counter(
            f"{name}_restore_failures_total", "Texts that were refused", self.restore_failures
        )
        yield _counter(
            f"{name}_partial_restore_failures_total",
            "Texts of partial syncs that were refused",
            self.partial_restore_failures,
        )

    def _table_failures(self) -> Iterator[Metric]:
        name = "sync_proxy_rules_nftables"
        yield _counter(
            f"{name}_sync_failures_total", "Transactions that were refused", self.restore_failures
        )
        yield _counter(
            f"{name}_cleanup_failures_total",
            "Deletions of stale chains that were refused",
            self.cleanup_failures,
        )


@dataclass(slots=True, kw_only=True)
class HealthMetrics:
    """How often the ports of one node's kube-proxy were asked for its health."""

    healthz: Counter[int] = field(default_factory=Counter)
    """Answers of ``/healthz`` by status code."""
    livez: Counter[int] = field(default_factory=Counter)

    def metrics(self) -> Iterator[Metric]:
        """Yield everything under kube-proxy's names."""
        yield _by_code("proxy_healthz_total", "Answers of /healthz", self.healthz)
        yield _by_code("proxy_livez_total", "Answers of /livez", self.livez)


def change_metrics(families: Sequence[ProxyMetrics]) -> Iterator[Metric]:
    """Yield what one node counts of changed objects; kube-proxy labels that with no family.

    Args:
        families: The node's, each of which counts every change for itself.
    """
    for noun, resource in (("endpoint", "endpointslices"), ("service", "services")):
        name = f"sync_proxy_rules_{noun}_changes"
        pending = max((each.pending[resource] for each in families), default=0)
        total = sum(each.changes[resource] for each in families)
        yield _gauge(f"{name}_pending", f"Pending {noun} changes", pending)
        yield _counter(f"{name}_total", f"All {noun} changes", total)


def joined(metrics: Iterable[Metric]) -> list[Metric]:
    """Return metrics with the samples of those that have one name together, as readers want."""
    found: dict[str, Metric] = {}
    for metric in metrics:
        before = found.get(metric.name)
        samples = (*before.samples, *metric.samples) if before is not None else metric.samples
        found[metric.name] = replace(metric, samples=samples)
    return list(found.values())


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


def _histogram(name: str, text: str, durations: Histogram) -> Metric:
    full = f"kubeproxy_{name}_seconds"
    return Metric(
        name=full, kind="histogram", text=f"{text} in seconds", samples=durations.samples()
    )


def _gauge(name: str, text: str, value: float) -> Metric:
    return Metric(name=f"kubeproxy_{name}", kind="gauge", text=text, samples=(Sample(value=value),))


def _counter(name: str, text: str, value: float) -> Metric:
    return Metric(
        name=f"kubeproxy_{name}", kind="counter", text=text, samples=(Sample(value=value),)
    )


def _by_table(name: str, text: str, counts: Mapping[str, int]) -> Metric:
    samples = tuple(Sample(value=count, labels={"table": table}) for table, count in counts.items())
    return Metric(name=f"kubeproxy_{name}", kind="gauge", text=text, samples=samples)


def _by_code(name: str, text: str, counts: Mapping[int, int]) -> Metric:
    samples = tuple(Sample(value=n, labels={"code": str(code)}) for code, n in counts.items())
    return Metric(name=f"kubeproxy_{name}", kind="counter", text=text, samples=samples)
