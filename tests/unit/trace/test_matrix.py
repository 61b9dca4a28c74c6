"""What the end of a call means."""

from fractions import Fraction
from ipaddress import ip_address

import pytest

from netlab.model.packets import AddressPair, AddrPort
from netlab.trace.decision import Decision
from netlab.trace.matrix import Fate, cell_of
from netlab.trace.outcomes import Outcome, Result
from netlab.trace.predicted_path import End

OWN = AddrPort(ip_address("10.240.0.3"), 40000)
OWNERS = {ip_address("10.240.0.4"): "node2", ip_address("10.244.1.1"): "node1"}
DROP = Decision(host="node2", end=End.DROPPED)
NO_ROUTE = Decision(host="router", end=End.UNROUTED)
ASTRAY = Decision(host="node2", end=End.DELIVERED, bypass=Fraction(1, 2))
REACHED = Decision(host="node2", end=End.DELIVERED)


def outcome(result: Result, seen: str = "") -> Outcome:
    target = AddrPort(ip_address("10.240.0.4"), 30080)
    return Outcome(
        caller="node1",
        target=target,
        pair=AddressPair(OWN, target),
        result=result,
        client_address=ip_address(seen) if seen else None,
    )


@pytest.mark.parametrize(
    ("end", "decision", "fate", "by"),
    [
        pytest.param(
            outcome(Result.ANSWERED, "10.240.0.3"), REACHED, Fate.KEPT, "", id="its address"
        ),
        pytest.param(
            outcome(Result.ANSWERED, "10.244.1.1"),
            None,
            Fate.HIDDEN,
            "node1",
            id="its other one",
        ),
        pytest.param(
            outcome(Result.ANSWERED, "10.240.0.4"), None, Fate.HIDDEN, "node2", id="a node's"
        ),
        pytest.param(
            outcome(Result.ANSWERED, "192.0.2.1"), None, Fate.HIDDEN, "", id="an unknown one"
        ),
        pytest.param(outcome(Result.ANSWERED), None, Fate.ANSWERED, "", id="not told"),
        pytest.param(outcome(Result.TIMEOUT), DROP, Fate.DROPPED, "", id="a rule drops"),
        pytest.param(
            outcome(Result.TIMEOUT), NO_ROUTE, Fate.UNREACHABLE, "", id="a router kept silent"
        ),
        pytest.param(outcome(Result.TIMEOUT), ASTRAY, Fate.ASTRAY, "", id="the reply goes past"),
        pytest.param(outcome(Result.TIMEOUT), REACHED, Fate.NO_ANSWER, "", id="no rule drops"),
        pytest.param(outcome(Result.TIMEOUT), None, Fate.NO_ANSWER, "", id="nobody predicted"),
        pytest.param(outcome(Result.REFUSED), DROP, Fate.REFUSED, "", id="what was seen counts"),
        pytest.param(outcome(Result.UNREACHABLE), None, Fate.UNREACHABLE, "", id="unreachable"),
        pytest.param(outcome(Result.CLOSED), None, Fate.CLOSED, "", id="closed"),
    ],
)
def test_a_call_has_one_fate(end: Outcome, decision: Decision | None, fate: Fate, by: str):
    cell = cell_of(end, OWNERS, decision)
    assert (cell.fate, cell.hidden_by) == (fate, by)
