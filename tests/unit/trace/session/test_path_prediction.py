"""Which rules of a lab's hosts are known."""

from netlab.errors import HostError
from netlab.model.addresses import Family
from netlab.model.hosts import Host, HostKind
from netlab.model.names import NetnsName
from netlab.trace.host_rules import ListedRules
from netlab.trace.session.path_prediction import known_rules

LISTED = {
    "node1": ListedRules(iptables="*nat\n-A POSTROUTING -j MASQUERADE\nCOMMIT\n", tables=("nat",)),
    "node2": ListedRules(tables=("nat", "inet guard", "mine")),
    "node3": ListedRules(iptables="-- no rules"),
}


def host(name: str) -> Host:
    return Host(name=name, kind=HostKind.NODE, netns=NetnsName(f"netlab-x-{name}"), addresses=())


def listed(asked: Host) -> ListedRules:
    if asked.name not in LISTED:
        raise HostError("nft is not installed")
    return LISTED[asked.name]


def test_a_host_is_unknown_whose_rules_cannot_be_read_or_are_somebody_elses():
    hosts = tuple(host(f"node{number}") for number in (1, 2, 3, 4))

    found = known_rules(hosts, Family.IPV4, listed)

    assert found.rules["node1"].iptables.table("nat") is not None
    assert found.unknown.keys() == {"node2", "node3", "node4"}
    assert found.unknown["node2"] == (
        "node2 has rules in inet guard, mine, which netlab cannot predict"
    )
    assert found.unknown["node3"].startswith("the rules of node3 cannot be read: ")
    assert found.unknown["node4"] == "the rules of node4 cannot be read: nft is not installed"
