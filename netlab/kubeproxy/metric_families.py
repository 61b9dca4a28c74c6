"""What kube-proxy of one node has counted, under kube-proxy's own names, as Prometheus reads it.

Each address family says which it is in the label ``ip_family``; what a node counts of changed
objects and of questions has no such label. Only what is measured is shown.

Source: kube-proxy, ``pkg/proxy/metrics/metrics.go``.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector

from netlab.kubeproxy.metrics import HealthMetrics, Histogram, ProxyMetrics
from netlab.model.kube_proxy import ProxyMode

CONTENT_TYPE: Final = CONTENT_TYPE_LATEST
_FAMILY: Final = ("ip_family",)
_DURATIONS: Final = (
    ("sync_proxy_rules", "SyncProxyRules latency"),
    ("sync_full_proxy_rules", "Full resyncs' latency"),
    ("sync_partial_proxy_rules", "Partial resyncs' latency"),
    ("conntrack_reconciler_sync", "Clean-ups' latency"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class FamilyMetrics:
    """What a node has counted in one address family."""

    metrics: ProxyMetrics
    rules_held: Mapping[str, int] = field(default_factory=dict)
    """The rules of iptables that the node holds, by table, as far as is known."""
    without_local_endpoints: Mapping[str, int] = field(default_factory=dict)
    """Service ports without an endpoint on the node, by traffic policy."""

    @property
    def label(self) -> str:
        """The address family, as the label has it."""
        return str(self.metrics.family)

    def durations(self) -> tuple[Histogram, ...]:
        """Return the durations of each kind of sync, in the order of their names."""
        own = self.metrics
        return own.sync, own.full_sync, own.partial_sync, own.conntrack


class NodeMetrics(Collector):
    """Everything that kube-proxy of one node shows.

    Args:
        mode: Of kube-proxy; each has names of its own.
        families: What each address family has counted.
        health: How often the node was asked for its health.
    """

    def __init__(
        self, mode: ProxyMode, families: Sequence[FamilyMetrics], health: HealthMetrics
    ) -> None:
        self._mode = mode
        self._families = families
        self._health = health

    def text(self) -> str:
        """Return what ``/metrics`` answers, of ``CONTENT_TYPE``."""
        return generate_latest(self).decode()

    def collect(self) -> Iterator[Metric]:
        """Yield every metric that has a sample."""
        yield from (metric for metric in self._collect() if metric.samples)

    def _collect(self) -> Iterator[Metric]:
        yield from self._durations()
        yield self._gauge(
            "last_timestamp_seconds",
            "Last time the rules synced",
            {each.label: each.metrics.synced_at for each in self._families},
        )
        yield self._gauge(
            "last_queued_timestamp_seconds",
            "Last time a sync was asked for",
            {each.label: each.metrics.queued_at for each in self._families},
        )
        match self._mode:
            case ProxyMode.IPTABLES:
                yield from self._rules()
                yield from self._iptables_failures()
            case ProxyMode.NFTABLES:
                yield from self._nftables_failures()
        yield self._without_local_endpoints()
        yield self._counter(
            "conntrack_reconciler_deleted_entries",
            "Conntrack entries removed",
            {each.label: each.metrics.deleted_connections for each in self._families},
        )
        yield from self._changes()
        yield _by_code("proxy_healthz", "Answers of /healthz", self._health.healthz)
        yield _by_code("proxy_livez", "Answers of /livez", self._health.livez)

    def _durations(self) -> Iterator[Metric]:
        for number, (name, text) in enumerate(_DURATIONS):
            metric = HistogramMetricFamily(
                f"kubeproxy_{name}_duration_seconds", f"{text} in seconds", labels=_FAMILY
            )
            for each in self._families:
                found = each.durations()[number]
                metric.add_metric([each.label], found.buckets(), found.total_s)
            yield metric

    def _rules(self) -> Iterator[Metric]:
        labels = (*_FAMILY, "table")
        held = GaugeMetricFamily(
            "kubeproxy_sync_proxy_rules_iptables_total", "Rules that the node holds", labels=labels
        )
        last = GaugeMetricFamily(
            "kubeproxy_sync_proxy_rules_iptables_last",
            "Rules written by the last sync",
            labels=labels,
        )
        for each in self._families:
            for table, count in each.rules_held.items():
                held.add_metric([each.label, table], count)
                last.add_metric([each.label, table], each.metrics.written[table])
        yield from (held, last)

    def _iptables_failures(self) -> Iterator[Metric]:
        name = "sync_proxy_rules_iptables"
        yield self._counter(
            f"{name}_restore_failures",
            "Texts that were refused",
            {each.label: each.metrics.restore_failures for each in self._families},
        )
        yield self._counter(
            f"{name}_partial_restore_failures",
            "Texts of partial syncs that were refused",
            {each.label: each.metrics.partial_restore_failures for each in self._families},
        )

    def _nftables_failures(self) -> Iterator[Metric]:
        name = "sync_proxy_rules_nftables"
        yield self._counter(
            f"{name}_sync_failures",
            "Transactions that were refused",
            {each.label: each.metrics.restore_failures for each in self._families},
        )
        yield self._counter(
            f"{name}_cleanup_failures",
            "Deletions of stale chains that were refused",
            {each.label: each.metrics.cleanup_failures for each in self._families},
        )

    def _without_local_endpoints(self) -> Metric:
        metric = GaugeMetricFamily(
            "kubeproxy_sync_proxy_rules_no_local_endpoints_total",
            "Services with a Local policy and endpoints, none of them on this node",
            labels=(*_FAMILY, "traffic_policy"),
        )
        for each in self._families:
            for policy, count in each.without_local_endpoints.items():
                metric.add_metric([each.label, policy], count)
        return metric

    def _changes(self) -> Iterator[Metric]:
        # Each family counts every change for itself; kube-proxy labels these with none.
        counted = [each.metrics for each in self._families]
        for noun, resource in (("endpoint", "endpointslices"), ("service", "services")):
            name = f"kubeproxy_sync_proxy_rules_{noun}_changes"
            pending = max((each.pending[resource] for each in counted), default=0)
            total = sum(each.changes[resource] for each in counted)
            yield GaugeMetricFamily(f"{name}_pending", f"Pending {noun} changes", value=pending)
            yield CounterMetricFamily(name, f"All {noun} changes", value=total)

    def _gauge(self, name: str, text: str, values: Mapping[str, float]) -> Metric:
        metric = GaugeMetricFamily(f"kubeproxy_sync_proxy_rules_{name}", text, labels=_FAMILY)
        return _filled(metric, values.items())

    def _counter(self, name: str, text: str, values: Mapping[str, float]) -> Metric:
        metric = CounterMetricFamily(f"kubeproxy_{name}", text, labels=_FAMILY)
        return _filled(metric, values.items())


def _by_code(name: str, text: str, counts: Mapping[int, int]) -> Metric:
    metric = CounterMetricFamily(f"kubeproxy_{name}", text, labels=("code",))
    return _filled(metric, ((str(code), count) for code, count in counts.items()))


def _filled(
    metric: CounterMetricFamily | GaugeMetricFamily, values: Iterable[tuple[str, float]]
) -> Metric:
    for label, value in values:
        metric.add_metric([label], value)
    return metric
