"""The little language of trace --attach."""

from ipaddress import ip_address

import pytest

from netlab.errors import LabError, SpecError
from netlab.trace.attach_filter import parse_attach_filter
from tests.unit.predicted_samples import call

NAMES = {"client": "198.51.100.79", "web": "10.0.0.80"}
CALL = call("198.51.100.79:40000", "10.240.0.4:30080")
BEHIND = call("10.240.0.4:7777", "10.244.1.2:8080")


def resolve(name: str):
    if name not in NAMES:
        raise LabError(f"nobody is called {name}")
    return ip_address(NAMES[name])


@pytest.mark.parametrize(
    "text",
    [
        "tcp",
        "tcp port 30080",
        "port 30080",
        "tcp and port 30080 and src host client",
        "dst port 30080 src host 198.51.100.79",
        "src client",
        "host client and dst port 8080",
        "dst host 10.244.1.2",
    ],
)
def test_what_fits_somewhere_on_the_way_is_wanted(text: str):
    found = parse_attach_filter(text, resolve)

    assert found.protocol == "tcp"
    assert found.fits([CALL, BEHIND])


@pytest.mark.parametrize(
    "text", ["port 81", "src port 30080", "dst host client", "host web", "src host 10.244.1.2"]
)
def test_what_fits_nowhere_is_not(text: str):
    assert not parse_attach_filter(text, resolve).fits([CALL, BEHIND])


def test_both_ends_of_a_test_must_be_seen_on_some_wire_each():
    wanted = parse_attach_filter("dst port 30080 and dst port 8080", resolve)

    assert wanted.fits([CALL, BEHIND])
    assert not wanted.fits([CALL])


@pytest.mark.parametrize(
    ("text", "said"),
    [
        pytest.param("", "it is empty", id="nothing"),
        pytest.param("tcp prot 5", "'prot' is not known", id="an unknown word"),
        pytest.param("port http", "'http' is no port", id="a word for a number"),
        pytest.param("port 65536", "'65536' is no port", id="too high"),
        pytest.param("port ٣", "is no port", id="other digits"),
        pytest.param("port", "'port' needs a number", id="no number"),
        pytest.param("src", "'src' needs", id="a side alone"),
        pytest.param("host", "'host' needs a name", id="no name"),
        pytest.param("host a;b", "is no name or address", id="no name's letters"),
        pytest.param("tcp and", "it ends with 'and'", id="an end too early"),
        pytest.param("tcp and udp", "no packet is tcp and udp", id="two protocols"),
        pytest.param("icmp port 5", "ICMP has no ports", id="a port of icmp"),
        pytest.param("icmp6 port 5", "ICMP has no ports", id="a port of icmp6"),
        pytest.param("icmp and icmp6", "no packet is icmp and icmp6", id="both of ICMP"),
    ],
)
def test_what_cannot_be_read_says_why_and_the_form(text: str, said: str):
    with pytest.raises(SpecError, match=said) as failure:
        parse_attach_filter(text, resolve)
    assert "port N" in failure.value.hint


def test_a_name_that_nobody_has_is_the_lookups_complaint():
    with pytest.raises(LabError, match="nobody is called nodee"):
        parse_attach_filter("host nodee", resolve)


def test_an_ipv6_address_is_one():
    found = parse_attach_filter("icmp6 and src host fd00:10:240::3", resolve)

    assert found.protocol == "icmpv6"
    assert found.fits([call("[fd00:10:240::3]:0", "[fd00:10:240::4]:0")])
    assert not found.fits([call("[fd00:10:240::4]:0", "[fd00:10:240::3]:0")])
