"""What is said of calls that were not answered; the calls themselves are made in tests/kernel."""

import errno
from ipaddress import ip_address

import pytest

from netlab.lab.up_check import Unanswered, unanswered
from netlab.model.names import NetnsName
from netlab.model.packets import AddrPort
from netlab.model.service_calls import Call

CALL = Call(
    netns=NetnsName("netlab-default-node1"),
    caller="node1",
    target=AddrPort(ip_address("10.0.0.9"), 80),
    service="default/a",
    endpoints=("10.244.2.9:8080",),
)


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (errno.ECONNREFUSED, "refused, so nothing listens on 10.244.2.9:8080"),
        (errno.EHOSTUNREACH, "no route to host"),
        (0, "no answer"),
    ],
)
def test_a_call_without_an_answer_says_what_came_back(error: int, said: str):
    start = "Service default/a at 10.0.0.9:80, called from node1: "
    assert str(Unanswered(CALL, error)) == start + said


def test_no_call_needs_no_time():
    assert unanswered([], 60) == []
