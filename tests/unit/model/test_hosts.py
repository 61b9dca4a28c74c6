"""Hosts of a running lab, as values."""

from ipaddress import ip_address

from netlab.model.addresses import Family
from netlab.model.hosts import Host, HostKind
from netlab.model.names import NetnsName


def test_a_host_is_known_by_its_first_address_of_a_family():
    texts = ("10.240.0.3", "fd00:10:240::3", "10.244.1.1", "fd00:10:244:1::1")
    node = Host(
        name="node1",
        kind=HostKind.NODE,
        netns=NetnsName("n"),
        addresses=tuple(map(ip_address, texts)),
    )

    assert str(node.address(Family.IPV4)) == "10.240.0.3"
    assert str(node.address(Family.IPV6)) == "fd00:10:240::3"


def test_a_host_without_a_family_has_no_address_of_it():
    client = Host(name="client", kind=HostKind.CLIENT, netns=NetnsName("n"), addresses=())

    assert client.address(Family.IPV6) is None
