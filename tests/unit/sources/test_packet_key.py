"""Ends of connections."""

from ipaddress import ip_address

import pytest

from netlab.model.packets import AddressPair, AddrPort


@pytest.mark.parametrize(
    ("address", "text"),
    [
        pytest.param("10.240.0.4", "10.240.0.4:80", id="IPv4"),
        pytest.param("2001:db8::1", "[2001:db8::1]:80", id="IPv6 in brackets"),
    ],
)
def test_an_end_reads_as_in_a_url(address: str, text: str):
    assert str(AddrPort(ip_address(address), 80)) == text


def test_an_answer_carries_the_pair_reversed():
    one, two = AddrPort(ip_address("10.0.0.1"), 1), AddrPort(ip_address("10.0.0.2"), 2)
    assert AddressPair(one, two).reversed() == (two, one)
