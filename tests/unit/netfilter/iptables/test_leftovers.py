"""iptables mode's chains go, and nobody else's."""

from netlab.kubeproxy.names import KUBE_PROXY
from netlab.model.addresses import Family
from netlab.netfilter.iptables.leftovers import leftovers_text, without_leftovers
from netlab.netfilter.iptables.parse import parse

HAVE = """*filter
:INPUT DROP [0:0]
:KUBE-SERVICES - [0:0]
:MINE - [0:0]
-A INPUT -j MINE
COMMIT
*mangle
:FORWARD ACCEPT [0:0]
COMMIT
*nat
:POSTROUTING ACCEPT [0:0]
:PREROUTING ACCEPT [0:0]
:KUBE-POSTROUTING - [0:0]
:KUBE-SERVICES - [0:0]
:KUBE-SVC-AAAAAAAAAAAAAAAA - [0:0]
:IP-MASQ-AGENT - [0:0]
-A POSTROUTING -j KUBE-POSTROUTING
-A POSTROUTING -j IP-MASQ-AGENT
-A POSTROUTING -m mark --mark 0x1 -j KUBE-POSTROUTING
-A PREROUTING -j KUBE-SERVICES
-A KUBE-SERVICES -d 10.0.0.80/32 -j KUBE-SVC-AAAAAAAAAAAAAAAA
COMMIT
"""


def test_chains_and_the_jumps_to_them_go():
    assert leftovers_text(parse(HAVE, Family.IPV4), KUBE_PROXY.chains).splitlines() == [
        "*filter",
        ":KUBE-SERVICES - [0:0]",
        "-X KUBE-SERVICES",
        "COMMIT",
        "*nat",
        ":KUBE-POSTROUTING - [0:0]",
        ":KUBE-SERVICES - [0:0]",
        ":KUBE-SVC-AAAAAAAAAAAAAAAA - [0:0]",
        "-D POSTROUTING -j KUBE-POSTROUTING",
        "-D POSTROUTING -m mark --mark 0x1 -j KUBE-POSTROUTING",
        "-D PREROUTING -j KUBE-SERVICES",
        "-X KUBE-POSTROUTING",
        "-X KUBE-SERVICES",
        "-X KUBE-SVC-AAAAAAAAAAAAAAAA",
        "COMMIT",
    ]


def test_what_is_left_then_is_known():
    left = without_leftovers(parse(HAVE, Family.IPV4), KUBE_PROXY.chains)
    assert [str(rule) for table in left.tables for c in table.chains for rule in c.rules] == [
        "-A INPUT -j MINE",
        "-A POSTROUTING -j IP-MASQ-AGENT",
    ]
    assert leftovers_text(left, KUBE_PROXY.chains) == ""


def test_nothing_is_said_where_nothing_was_left():
    have = parse("*filter\n:INPUT ACCEPT [0:0]\nCOMMIT\n", Family.IPV4)
    assert leftovers_text(have, KUBE_PROXY.chains) == ""
