"""Rules as sentences."""

import pytest

from netlab.model.addresses import Family
from netlab.netfilter.iptables.counters import parse_counted
from netlab.render.rule_words import sentence

ENDPOINTS = {"KUBE-SEP-X": "10.1.0.2:80"}


def said(line: str, table: str = "nat") -> str:
    names = ("KUBE-SEP-X", "KUBE-SVC-X", "KUBE-SERVICES", "KUBE-MARK-MASQ", "MINE")
    chains = "".join(f":{name} - [0:0]\n" for name in names)
    text = (
        f"*{table}\n:INPUT ACCEPT [0:0]\n:FORWARD ACCEPT [0:0]\n{chains}[1:1] -A {line}\nCOMMIT\n"
    )
    [one] = parse_counted(text, Family.IPV4)
    return sentence(one, ENDPOINTS)


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (
            "KUBE-SERVICES -d 10.0.0.1/32 -p udp -m udp --dport 53 -j KUBE-SVC-X",
            (
                "A new connection for 10.0.0.1 at UDP port 53 is given one endpoint of the whole"
                " cluster."
            ),
        ),
        (
            "KUBE-SVC-X -m statistic --mode random --probability 0.5 -j KUBE-SEP-X",
            (
                "A new connection for the Service (with a chance of 50.0% of those that come"
                " this far) is"
                " sent to endpoint 10.1.0.2:80."
            ),
        ),
        (
            (
                "KUBE-SVC-X -m recent --rcheck --seconds 10 --reap --name KUBE-SEP-X --mask"
                " 255.255.255.255 --rsource -j KUBE-SEP-X"
            ),
            (
                "A new connection for the Service from a client that was served here in the"
                " last 10 s is"
                " sent to endpoint 10.1.0.2:80."
            ),
        ),
        (
            "KUBE-SVC-X ! -s 10.1.0.0/16 -j KUBE-MARK-MASQ",
            (
                "A new connection for the Service from outside 10.1.0.0/16 is marked for"
                " masquerading: the"
                " endpoint will see the node's address."
            ),
        ),
        (
            (
                "KUBE-SEP-X -p tcp -m recent --set --name KUBE-SEP-X --mask 255.255.255.255"
                " --rsource -m tcp -j DNAT --to-destination 10.1.0.2:80"
            ),
            (
                "A new connection for this endpoint (its client is remembered) has its destination"
                " rewritten to 10.1.0.2:80."
            ),
        ),
        (
            "KUBE-MARK-MASQ -j MARK --set-xmark 0x4000/0x4000",
            ("Every new connection that comes to KUBE-MARK-MASQ is marked for masquerading."),
        ),
        (
            "MINE -m mark ! --mark 0x4000/0x4000 -j RETURN",
            ("A new connection not marked for masquerading leaves chain MINE."),
        ),
        (
            "MINE -j SNAT --to-source 192.0.2.1",
            ("Every new connection that comes to MINE has its source rewritten to 192.0.2.1."),
        ),
        (
            "MINE -o eth0 -j MASQUERADE",
            (
                "A new connection going out by eth0 gets the address of the interface that it"
                " leaves by as its source, and a random port."
            ),
        ),
        (
            "MINE -j MARK --set-xmark 0x1/0x1",
            ("Every new connection that comes to MINE has the bits 0x1 of its mark set."),
        ),
        ("MINE", "Every new connection that comes to MINE is only counted."),
        (
            "MINE -j KUBE-SERVICES",
            (
                "Every new connection that comes to MINE is compared with the addresses of all"
                " Services."
            ),
        ),
        (
            "MINE -m limit --limit 3/sec -j LOG",
            ("A new connection with -m limit --limit 3/sec meets -j LOG."),
        ),
    ],
)
def test_a_rule_of_table_nat_in_words(line: str, expected: str):
    assert said(line) == expected


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (
            (
                "KUBE-SERVICES -d 10.0.0.1/32 -p tcp -m comment --comment"
                ' "ns/web has no endpoints" -m tcp --dport 80 -j REJECT'
            ),
            (
                "A packet for 10.0.0.1 at TCP port 80 is rejected, and its sender is told, because"
                " the Service has no endpoint."
            ),
        ),
        (
            (
                "KUBE-SERVICES -p tcp -m comment --comment"
                ' "ns/web has no local endpoints" -m addrtype --dst-type LOCAL -m tcp --dport'
                " 30080 -j DROP"
            ),
            (
                "A packet for the node's own addresses at TCP port 30080 is dropped"
                ", because the policy is Local and no endpoint runs on this node."
            ),
        ),
        (
            "INPUT -i eth0 -p tcp -m tcp --dport 9 -j DROP",
            ("A packet for the node itself coming in by eth0 for TCP port 9 is dropped."),
        ),
        (
            "FORWARD -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT",
            ("A packet on its way through the node of a connection that is known is let through."),
        ),
        (
            "MINE -m conntrack ! --ctstate DNAT -j DROP",
            ("A packet of a connection that is none of DNAT is dropped."),
        ),
        (
            "INPUT -m conntrack --ctstate NEW -j KUBE-SERVICES",
            (
                "A packet for the node itself that"
                " begins a connection is compared with the ClusterIPs that have no endpoint."
            ),
        ),
    ],
)
def test_a_rule_of_table_filter_in_words(line: str, expected: str):
    assert said(line, "filter") == expected
