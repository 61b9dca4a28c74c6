import pytest

from netlab.netfilter.iptables.matches import OtherMatch
from netlab.netfilter.iptables.parse_match import parse_match

KNOWN = [
    "-s 10.0.0.0/8",
    "! -d 192.0.2.1/32",
    "-i veth+",
    "! -o eth0",
    "-p tcp",
    "-m tcp --sport 1 --dport 2",
    "-m udp --sport 1",
    "-m comment --comment why",
    "-m addrtype ! --dst-type LOCAL",
    "-m addrtype --src-type LOCAL",
    "-m mark ! --mark 0x4000/0x4000",
    "-m conntrack --ctstate INVALID,NEW",
    "-m recent --rcheck --seconds 10 --name L",
]

OTHER = [
    "-s example.com",
    "-p tcp extra",
    "-m mark --mark blue",
    "-m tcp --dport 80:90",
    "-m tcp --dport http",
    "! -m tcp --dport 80",
    "-m recent ! --set --name L",
    "-m statistic ! --mode random --probability 0.5",
    "-m conntrack --ctstate SLEEPING",
    "-m comment --comment two words",
    "-m addrtype --dst-type LOCAL --limit-iface-in",
    "-m",
]


@pytest.mark.parametrize("text", KNOWN)
def test_known_match_has_a_value_and_reads_the_same(text: str):
    match = parse_match(text.split())
    assert not isinstance(match, OtherMatch)
    assert str(match) == text


@pytest.mark.parametrize("text", OTHER)
def test_other_match_keeps_its_words(text: str):
    assert parse_match(text.split()) == OtherMatch(tuple(text.split()))
