"""What kube-proxy of a node counts."""

from netlab.kubeproxy.metric_families import FamilyMetrics, NodeMetrics
from netlab.kubeproxy.metrics import HealthMetrics, ProxyMetrics, rules_written
from netlab.model.addresses import Family
from netlab.model.kube_proxy import ProxyMode

HELD = {"nat": 2}


def text_of(*metrics: ProxyMetrics, mode: ProxyMode = ProxyMode.IPTABLES) -> str:
    families = [
        FamilyMetrics(
            metrics=one,
            rules_held=HELD,
            without_local_endpoints={"internal": 0, "external": 2},
        )
        for one in metrics
    ]
    return NodeMetrics(mode, families, HealthMetrics()).text()


def numbers(metrics: ProxyMetrics, mode: ProxyMode = ProxyMode.IPTABLES) -> dict[str, float]:
    pairs = [
        line.rsplit(" ", 1)
        for line in text_of(metrics, mode=mode).splitlines()
        if not line.startswith("#")
    ]
    return {
        name.removeprefix("kubeproxy_")
        .replace('ip_family="IPv4"', "")
        .replace("{,", "{")
        .replace(",}", "}"): float(n)
        for name, n in pairs
    }


def test_a_sync_is_timed_by_its_kind():
    metrics = ProxyMetrics(family=Family.IPV4)
    metrics.changed("services", 10.0)
    metrics.changed("endpointslices", 11.0)
    found = numbers(metrics)
    assert found["sync_proxy_rules_last_queued_timestamp_seconds{}"] == 11
    metrics.synced(0.003, 12.0, is_full=False)
    found = numbers(metrics)
    assert found["sync_proxy_rules_last_timestamp_seconds{}"] == 12
    assert found["sync_partial_proxy_rules_duration_seconds_count{}"] == 1
    assert found["sync_full_proxy_rules_duration_seconds_count{}"] == 0
    assert found['sync_proxy_rules_duration_seconds_bucket{le="0.002"}'] == 0
    assert found['sync_proxy_rules_duration_seconds_bucket{le="0.004"}'] == 1


def test_changes_are_counted_by_both_families_and_have_the_label_of_none():
    four, six = families = [ProxyMetrics(family=family) for family in Family]
    for metrics in families:
        metrics.changed("services", 10.0)
    four.synced(0.003, 11.0, is_full=False)
    lines = text_of(*families).splitlines()
    assert "kubeproxy_sync_proxy_rules_service_changes_total 2.0" in lines
    assert "kubeproxy_sync_proxy_rules_service_changes_pending 1.0" in lines
    assert "kubeproxy_sync_proxy_rules_endpoint_changes_total 0.0" in lines
    six.synced(0.003, 12.0, is_full=False)
    lines = text_of(*families).splitlines()
    assert "kubeproxy_sync_proxy_rules_service_changes_pending 0.0" in lines


def test_a_refused_text_is_counted_apart_when_it_was_partial():
    metrics = ProxyMetrics(family=Family.IPV4)
    metrics.failed(is_full=True)
    metrics.failed(is_full=False)
    found = numbers(metrics)
    assert found["sync_proxy_rules_iptables_restore_failures_total{}"] == 2
    assert found["sync_proxy_rules_iptables_partial_restore_failures_total{}"] == 1


def test_nftables_mode_has_names_of_its_own():
    metrics = ProxyMetrics(family=Family.IPV4)
    metrics.failed(is_full=False)
    metrics.cleanup_failures += 2
    found = numbers(metrics, ProxyMode.NFTABLES)
    assert found["sync_proxy_rules_nftables_sync_failures_total{}"] == 1
    assert found["sync_proxy_rules_nftables_cleanup_failures_total{}"] == 2
    assert not any("iptables" in name for name in found)
    assert not any("nftables" in name for name in numbers(metrics))


def test_rules_are_counted_by_table_those_held_and_those_written_last():
    metrics = ProxyMetrics(family=Family.IPV4)
    metrics.written = rules_written("*nat\n:A - [0:0]\n-A A -j RETURN\nCOMMIT\n")
    found = numbers(metrics)
    assert found['sync_proxy_rules_iptables_total{table="nat"}'] == 2
    assert found['sync_proxy_rules_iptables_last{table="nat"}'] == 1
    name = 'sync_proxy_rules_no_local_endpoints_total{traffic_policy="external"}'
    assert found[name] == 2


def test_what_a_text_adds_is_counted_and_what_it_takes_away_is_not():
    text = "*filter\n-D INPUT 1\n-I INPUT -j A\nCOMMIT\n*nat\n:A - [0:0]\n-A A -j B\n-X C\nCOMMIT\n"
    assert rules_written(text) == {"filter": 1, "nat": 1}
