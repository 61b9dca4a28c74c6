from ipaddress import ip_network

import pytest

from netlab.netfilter.iptables.matches import (
    AddrType,
    Comment,
    CtState,
    Destination,
    InInterface,
    IpProtocol,
    Mark,
    Match,
    OtherMatch,
    OutInterface,
    Ports,
    RecentCheck,
    RecentSet,
    Side,
    Source,
    Statistic,
)

LINES = {
    "-s 10.0.0.0/8": Source(ip_network("10.0.0.0/8")),
    "! -d 192.0.2.1/32": Destination(ip_network("192.0.2.1"), inverted=True),
    "-d 2001:db8::1/128": Destination(ip_network("2001:db8::1")),
    "-i veth+": InInterface("veth+"),
    "! -o eth0": OutInterface("eth0", inverted=True),
    "-p tcp": IpProtocol("tcp"),
    "-m tcp --dport 80": Ports("tcp", 80),
    "-m udp --sport 53 --dport 80": Ports("udp", 80, 53),
    '-m comment --comment "say \\"hi\\""': Comment('say "hi"'),
    "-m addrtype ! --dst-type LOCAL": AddrType(Side.DESTINATION, inverted=True),
    "-m addrtype --src-type LOCAL": AddrType(Side.SOURCE),
    "-m mark ! --mark 0x4000/0x4000": Mark(0x4000, 0x4000, inverted=True),
    "-m mark --mark 0x1": Mark(1),
    "-m conntrack ! --ctstate RELATED,ESTABLISHED,DNAT": CtState(
        frozenset({"DNAT", "RELATED", "ESTABLISHED"}), inverted=True
    ),
    "-m statistic --mode random --probability 0.3333333333": Statistic(1 / 3),
    "-m statistic --mode random --probability 0.0000099999": Statistic(1 / 100001),
    "-m recent --set --name KUBE-SEP-X": RecentSet("KUBE-SEP-X"),
    "-m recent --rcheck --seconds 10800 --reap --name KUBE-SEP-X": RecentCheck("KUBE-SEP-X", 10800),
    "-m limit --limit 5/sec": OtherMatch(("-m", "limit", "--limit", "5/sec")),
}


@pytest.mark.parametrize(("text", "value"), LINES.items(), ids=LINES)
def test_value_reads_as_iptables_does(text: str, value: Match):
    assert str(value) == text
