"""Reading an echo server's answer."""

from ipaddress import ip_address

import pytest

from netlab.model.packets import AddrPort
from netlab.trace.outcomes import Outcome, Result, client_address_of

ECHO = "HTTP/1.1 200 OK\r\n\r\nCLIENT VALUES:\nclient_address={}\ncommand=GET\nreal path=/\n"


@pytest.mark.parametrize(
    ("answer", "address"),
    [
        pytest.param(ECHO.format("10.244.1.1"), "10.244.1.1", id="an echo server's answer"),
        pytest.param(ECHO.format("::ffff:10.244.1.1"), "10.244.1.1", id="a mapped IPv4 address"),
        pytest.param(ECHO.format("2001:db8::7"), "2001:db8::7", id="an IPv6 address"),
        pytest.param(ECHO.format("nobody"), None, id="an echo of something that is no address"),
        pytest.param("HTTP/1.1 200 OK\r\n\r\n<html>", None, id="another server's answer"),
        pytest.param("", None, id="no answer"),
    ],
)
def test_the_address_the_pod_saw(answer: str, address: str | None):
    assert client_address_of(answer) == (ip_address(address) if address else None)


def test_an_outcome_reads_like_the_answer():
    target = AddrPort(ip_address("10.240.0.4"), 31704)
    seen = ip_address("10.244.1.1")
    answered = Outcome(caller="client", target=target, result=Result.ANSWERED, client_address=seen)
    assert answered.text() == "client_address=10.244.1.1"
    assert Outcome(caller="client", target=target, result=Result.TIMEOUT).text() == "timeout"
