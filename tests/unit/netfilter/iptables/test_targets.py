from ipaddress import ip_address

import pytest

from netlab.netfilter.iptables.targets import (
    Accept,
    Dnat,
    Drop,
    Goto,
    Jump,
    Masquerade,
    OtherTarget,
    Reject,
    Return,
    SetMark,
    Snat,
    Target,
)

LINES = {
    "-j KUBE-SERVICES": Jump("KUBE-SERVICES"),
    "-g KUBE-SERVICES": Goto("KUBE-SERVICES"),
    "-j RETURN": Return(),
    "-j ACCEPT": Accept(),
    "-j DROP": Drop(),
    "-j REJECT": Reject(),
    "-j REJECT --reject-with tcp-reset": Reject("tcp-reset"),
    "-j DNAT --to-destination 10.0.0.1:80": Dnat(ip_address("10.0.0.1"), 80),
    "-j DNAT --to-destination [2001:db8::1]:80": Dnat(ip_address("2001:db8::1"), 80),
    "-j DNAT --to-destination 10.0.0.1": Dnat(ip_address("10.0.0.1")),
    "-j SNAT --to-source 192.0.2.3": Snat(ip_address("192.0.2.3")),
    "-j MASQUERADE --random-fully": Masquerade(random_fully=True),
    "-j MARK --set-xmark 0x4000/0x0": SetMark(0x4000, 0),
    '-j LOG --log-prefix "two words"': OtherTarget(("-j", "LOG", "--log-prefix", "two words")),
}


@pytest.mark.parametrize(("text", "value"), LINES.items(), ids=LINES)
def test_value_reads_as_iptables_does(text: str, value: Target):
    assert str(value) == text
