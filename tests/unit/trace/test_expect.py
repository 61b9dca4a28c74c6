"""Expectations of a trace."""

from dataclasses import replace

import pytest

from netlab.errors import ExpectationError, SpecError
from netlab.trace.expect import check, parse_expectations
from netlab.trace.packet import Reason
from netlab.trace.trace import Trace
from tests.unit.trace_samples import delivered, dropped


def with_reason() -> Trace:
    trace = dropped()
    return replace(trace, verdict=replace(trace.verdict, reason=Reason(code="TTL", host="node2")))


@pytest.mark.parametrize(
    ("trace", "text"),
    [
        pytest.param(delivered(), "delivered", id="delivered"),
        pytest.param(dropped(), "dropped", id="dropped"),
        pytest.param(delivered(), "hop node2", id="a host on the way"),
        pytest.param(dropped(), "no-hop web", id="a host off the way"),
        pytest.param(delivered(), "to web", id="the last host"),
        pytest.param(delivered(), "src node2", id="the source by name"),
        pytest.param(delivered(), "src 10.240.0.4", id="the source by address"),
        pytest.param(delivered(), "snat-at node2", id="where SNAT is"),
        pytest.param(delivered(), "dnat-at node2", id="where DNAT is"),
        pytest.param(with_reason(), "reason TTL", id="the kernel's reason"),
    ],
)
def test_what_holds_passes(trace: Trace, text: str):
    check(trace, parse_expectations([text]))


@pytest.mark.parametrize(
    ("trace", "text", "said"),
    [
        pytest.param(dropped(), "delivered", "it was dropped: dropped on node2 by", id="a drop"),
        pytest.param(delivered(), "no-hop node2", "went client > node2 > web", id="a hop"),
        pytest.param(dropped(), "hop web", "went client > node2", id="no hop"),
        pytest.param(delivered(), "src client", "saw 10.240.0.4 (node2)", id="another source"),
        pytest.param(delivered(), "snat-at web", "SNAT was seen at node2", id="SNAT elsewhere"),
        pytest.param(dropped(), "dnat-at node2", "no DNAT was seen", id="no DNAT"),
        pytest.param(with_reason(), "reason RULE", "kernel's reason was TTL", id="another reason"),
        pytest.param(dropped(), "reason RULE", "the kernel gave no reason", id="no reason"),
    ],
)
def test_what_does_not_hold_says_what_was_found(trace: Trace, text: str, said: str):
    with pytest.raises(ExpectationError) as failure:
        check(trace, parse_expectations([text]))
    assert f"expected {text}, but" in str(failure.value)
    assert said in str(failure.value)


@pytest.mark.parametrize("text", ["deliverd", "hop", "delivered node1", ""])
def test_a_word_that_is_no_expectation_is_refused_with_the_known_ones(text: str):
    with pytest.raises(SpecError) as failure:
        parse_expectations([text])
    assert "'no-hop HOST'" in failure.value.hint


@pytest.mark.parametrize("text", ["no-hop node9", "hop node9", "snat-at node9"])
def test_a_host_that_the_lab_does_not_have_is_no_expectation(text: str):
    with pytest.raises(SpecError) as failure:
        check(delivered(), parse_expectations([text]))
    assert "has no host node9" in str(failure.value)
    assert "node2" in failure.value.hint
