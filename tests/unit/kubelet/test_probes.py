"""Probes over time: what they say after each result, and when the next is."""

import pytest

from netlab.kube.objects import Object
from netlab.kubelet.probes import ProbeKind, due, first_state, probes_of, step, verdict

NOW = 1000.0
STARTUP, READINESS, LIVENESS = ProbeKind.STARTUP, ProbeKind.READINESS, ProbeKind.LIVENESS
TCP: Object = {"tcpSocket": {"port": 80}, "periodSeconds": 5}


def test_a_probe_begins_after_its_delay_and_is_repeated_each_period():
    probes = probes_of({"readinessProbe": {**TCP, "initialDelaySeconds": 3}})
    states = {READINESS: first_state(probes[READINESS], NOW)}
    assert due(probes, states, NOW) == ([], NOW + 3)
    assert due(probes, states, NOW + 3) == ([READINESS], None)
    states[READINESS] = step(probes[READINESS], states[READINESS], success=True, now=NOW + 3)
    assert due(probes, states, NOW + 3) == ([], NOW + 8)


@pytest.mark.parametrize(
    ("results", "ready"),
    [
        pytest.param("", False, id="no result yet"),
        pytest.param("+", True, id="one success"),
        pytest.param("+--", True, id="fewer failures than it takes"),
        pytest.param("+---", False, id="three failures in a row"),
        pytest.param("+--+--", True, id="failures that are no row"),
        pytest.param("---+", True, id="ready again"),
    ],
)
def test_readiness(results: str, ready: bool):
    probes = probes_of({"readinessProbe": TCP})
    state = first_state(probes[READINESS], NOW)
    for result in results:
        state = step(probes[READINESS], state, success=result == "+", now=NOW)
    found = verdict(probes, {READINESS: state})
    assert (found.ready, found.started, found.failed) == (ready, True, None)


def test_it_takes_so_many_successes_as_are_asked_for():
    probes = probes_of({"readinessProbe": {**TCP, "successThreshold": 2}})
    state = step(probes[READINESS], first_state(probes[READINESS], NOW), success=True, now=NOW)
    assert not verdict(probes, {READINESS: state}).ready
    state = step(probes[READINESS], state, success=True, now=NOW)
    assert verdict(probes, {READINESS: state}).ready


def test_liveness_that_fails_ends_the_container():
    probes = probes_of({"livenessProbe": {**TCP, "failureThreshold": 1}})
    state = first_state(probes[LIVENESS], NOW)
    assert verdict(probes, {LIVENESS: state}).ready
    state = step(probes[LIVENESS], state, success=False, now=NOW)
    assert verdict(probes, {LIVENESS: state}).failed is LIVENESS


def test_others_wait_for_the_startup_probe_which_then_is_over():
    probes = probes_of({"startupProbe": TCP, "livenessProbe": TCP, "readinessProbe": TCP})
    states = {kind: first_state(probe, NOW) for kind, probe in probes.items()}
    assert due(probes, states, NOW)[0] == [STARTUP]
    assert not verdict(probes, states).started
    states[STARTUP] = step(probes[STARTUP], states[STARTUP], success=True, now=NOW)
    assert due(probes, states, NOW)[0] == [READINESS, LIVENESS]
    assert verdict(probes, states).started
    assert not verdict(probes, states).ready


def test_a_startup_probe_that_fails_ends_the_container():
    probes = probes_of({"startupProbe": {**TCP, "failureThreshold": 2}})
    state = first_state(probes[STARTUP], NOW)
    for _ in range(2):
        assert verdict(probes, {STARTUP: state}).failed is None
        state = step(probes[STARTUP], state, success=False, now=NOW)
    assert verdict(probes, {STARTUP: state}).failed is STARTUP


def test_a_container_without_probes_is_ready():
    assert verdict({}, {}).ready
    assert due({}, {}, NOW) == ([], None)


def test_numbers_that_are_left_out_are_kubernetes_own():
    [probe] = probes_of({"livenessProbe": {"tcpSocket": {"port": 1}}}).values()
    assert (probe.period_s, probe.timeout_s, probe.failure_threshold) == (10, 1, 3)


def test_numbers_that_are_said_are_heeded():
    probe = {"httpGet": {"port": 1}, "timeoutSeconds": 3, "terminationGracePeriodSeconds": 7}
    found = probes_of({"livenessProbe": probe})[ProbeKind.LIVENESS]
    assert (found.timeout_s, found.grace_s) == (3, 7)
