from ipaddress import ip_address

import pytest

from netlab.loadbalancer.health import NodeHealth, Target
from netlab.model.topology import HealthCheckOptions

OPTIONS = HealthCheckOptions(interval_s=5, unhealthy_threshold=3, healthy_threshold=2)
TARGET = Target("node1", ip_address("10.240.0.3"), 10256)
OTHER = Target("node2", ip_address("10.240.0.4"), 10256)


@pytest.mark.parametrize(
    ("results", "healthy"),
    [
        pytest.param("", [False], id="unknown"),
        pytest.param("+", [False, True], id="the first answer decides"),
        pytest.param("-", [False, False], id="the first failure decides"),
        pytest.param("+--", [False, True, True, True], id="two failures are not enough"),
        pytest.param("+---", [False, True, True, True, False], id="three are"),
        pytest.param("+--+--", [False, *[True] * 6], id="only failures in a row count"),
        pytest.param("-+", [False, False, False], id="one answer is not enough"),
        pytest.param("-++", [False, False, False, True], id="two are"),
        pytest.param("-+-+", [False] * 5, id="only answers in a row count"),
    ],
)
def test_a_node_changes_after_so_many_results_in_a_row(results: str, healthy: list[bool]):
    health = NodeHealth().watch([TARGET], 0.0)
    found = [health.is_healthy(TARGET)]
    for result in results:
        code = "200" if result == "+" else "503"
        health = health.with_results({TARGET: code}, 0.0, OPTIONS)
        found.append(health.is_healthy(TARGET))
    assert found == healthy


def test_a_new_target_is_asked_at_once_and_then_at_intervals():
    health = NodeHealth().watch([TARGET], 100.0)
    assert health.due(100.0) == [TARGET]
    health = health.with_results({TARGET: "200"}, 100.2, OPTIONS).watch([TARGET, OTHER], 101.0)
    assert health.due(101.0) == [OTHER]
    assert health.next_at() == 101.0
    assert set(health.due(105.2)) == {TARGET, OTHER}


def test_a_target_that_nobody_wants_any_more_is_forgotten():
    health = NodeHealth().watch([TARGET], 0.0).with_results({TARGET: "200"}, 0.0, OPTIONS)
    health = health.watch([OTHER], 1.0)
    assert not health.is_healthy(TARGET)
    late = health.with_results({TARGET: "200"}, 1.0, OPTIONS)
    assert late.targets.keys() == {OTHER}
    assert NodeHealth().next_at() is None


def test_who_was_healthy_before_must_fail_as_often_as_anybody():
    health = NodeHealth().watch([TARGET, OTHER], 0.0, [TARGET])
    assert (health.is_healthy(TARGET), health.is_healthy(OTHER)) == (True, False)
    assert health.due(0.0) == [TARGET, OTHER]
    health = health.with_results({TARGET: "connection refused"}, 0.0, OPTIONS)
    assert health.is_healthy(TARGET)


def test_who_is_out_is_asked_soon_when_endpoints_change():
    health = NodeHealth().watch([TARGET, OTHER], 0.0)
    health = health.with_results({TARGET: "200", OTHER: "503"}, 0.0, OPTIONS)
    assert health.due(1.0) == []
    assert health.hasten(1.0).due(1.0) == [OTHER]


def test_who_was_never_reached_is_asked_again_soon():
    health = NodeHealth().watch([TARGET, OTHER], 0.0)
    health = health.with_results({TARGET: "connection refused", OTHER: "503"}, 0.0, OPTIONS)
    assert health.due(0.5) == [TARGET]
