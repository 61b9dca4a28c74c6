"""Requests are decoded again by pyroute2: they ask the kernel for what ``ip`` would ask."""

import struct
from ipaddress import ip_address, ip_interface, ip_network
from typing import Any

import pytest
from pyroute2.netlink.rtnl.ifaddrmsg import ifaddrmsg
from pyroute2.netlink.rtnl.ifinfmsg import ifinfmsg
from pyroute2.netlink.rtnl.rtmsg import rtmsg

from netlab.model.links import Peer
from netlab.model.names import NetnsName
from netlab.netns_agent import links
from netlab.plan import ops

N = NetnsName("netlab-default-node1")
MAC, PEER_MAC = "02:00:00:00:00:01", "02:00:00:00:00:02"

REQUEST, REPLACE, EXCLUSIVE, CREATE = 0x1, 0x100, 0x200, 0x400
"""linux/netlink.h"""


def decoded(kind: type, encoded: bytes) -> Any:  # noqa: ANN401 (pyroute2 has no types)
    message = kind(encoded)
    message.decode()
    assert message["header"]["length"] == len(encoded)
    return message


def head(encoded: bytes) -> tuple[int, int]:
    """Return type and flags."""
    return struct.unpack_from("=4xHH", encoded)


def test_a_bridge():
    encoded = links.create_bridge(ops.CreateBridge(netns=N, ifname="cni0", mac=MAC, mtu=1460))
    message = decoded(ifinfmsg, encoded)
    assert head(encoded) == (16, REQUEST | CREATE | EXCLUSIVE)
    assert message.get_attr("IFLA_IFNAME") == "cni0"
    assert message.get_attr("IFLA_ADDRESS") == MAC
    assert message.get_attr("IFLA_MTU") == 1460
    assert message.get_attr("IFLA_LINKINFO").get_attr("IFLA_INFO_KIND") == "bridge"


def test_a_veth_pair_has_its_other_end_in_the_other_namespace():
    peer = Peer(netns=NetnsName("netlab-default-router"), ifname="p-node1", mac=PEER_MAC)
    op = ops.CreateVeth(netns=N, ifname="eth0", mac=MAC, mtu=1460, peer=peer)
    message = decoded(ifinfmsg, links.create_veth(op, 7))
    info = message.get_attr("IFLA_LINKINFO")
    far = info.get_attr("IFLA_INFO_DATA").get_attr("VETH_INFO_PEER")
    assert (message.get_attr("IFLA_IFNAME"), message.get_attr("IFLA_MTU")) == ("eth0", 1460)
    assert info.get_attr("IFLA_INFO_KIND") == "veth"
    assert far.get_attr("IFLA_IFNAME") == "p-node1"
    assert far.get_attr("IFLA_ADDRESS") == PEER_MAC
    assert far.get_attr("IFLA_MTU") == 1460
    assert far.get_attr("IFLA_NET_NS_FD") == 7


@pytest.mark.parametrize("master", [None, 5])
def test_a_link_comes_up_alone_or_as_a_port(master: int | None):
    message = decoded(ifinfmsg, links.set_link_up(3, master))
    assert (message["index"], message["flags"], message["change"]) == (3, 1, 1)
    assert message.get_attr("IFLA_MASTER") == master


def test_a_port_in_hairpin_mode():
    info = decoded(ifinfmsg, links.set_hairpin(3)).get_attr("IFLA_LINKINFO")
    assert info.get_attr("IFLA_INFO_SLAVE_KIND") == "bridge"
    assert info.get_attr("IFLA_INFO_SLAVE_DATA").get_attr("IFLA_BRPORT_MODE") == 1


def test_a_link_goes():
    encoded = links.delete_link(3)
    assert head(encoded) == (17, REQUEST)
    assert decoded(ifinfmsg, encoded)["index"] == 3


@pytest.mark.parametrize(
    ("address", "family", "broadcast"),
    [
        pytest.param("10.240.0.3/24", 2, "10.240.0.255", id="one of a network"),
        pytest.param("10.244.1.2/32", 2, None, id="a host's own has no broadcast"),
        pytest.param("10.0.0.0/31", 2, None, id="one of two has no broadcast"),
        pytest.param("fd00::3/64", 10, None, id="IPv6 has no broadcast"),
    ],
)
def test_an_address(address: str, family: int, broadcast: str | None):
    value = ip_interface(address)
    encoded = links.address(ops.AddAddress(netns=N, ifname="eth0", address=value), 3)
    message = decoded(ifaddrmsg, encoded)
    assert head(encoded) == (20, REQUEST | CREATE | REPLACE)
    assert (message["family"], message["prefixlen"], message["index"]) == (
        family,
        value.network.prefixlen,
        3,
    )
    assert message.get_attr("IFA_LOCAL") == str(value.ip)
    assert message.get_attr("IFA_BROADCAST") == broadcast


def test_an_address_goes():
    op = ops.DeleteAddress(netns=N, ifname="eth0", address=ip_interface("10.240.0.3/24"))
    encoded = links.address(op, 3)
    assert head(encoded) == (21, REQUEST)
    assert decoded(ifaddrmsg, encoded).get_attr("IFA_LOCAL") == "10.240.0.3"


@pytest.mark.parametrize(
    ("destination", "gateway", "ifname", "scope"),
    [
        pytest.param("10.244.2.0/24", "10.240.0.4", None, 0, id="through a gateway"),
        pytest.param("0.0.0.0/0", "10.240.0.1", None, 0, id="of last resort"),
        pytest.param("10.244.1.2/32", None, "veth-a", 253, id="on the link"),
        pytest.param("fd00:2::/64", "fd00::4", None, 0, id="IPv6"),
    ],
)
def test_a_route(destination: str, gateway: str | None, ifname: str | None, scope: int):
    network = ip_network(destination)
    op = ops.AddRoute(
        netns=N,
        destination=network,
        ifname=ifname,
        gateway=ip_address(gateway) if gateway else None,
    )
    encoded = links.route(op, {"veth-a": 9}.__getitem__)
    message = decoded(rtmsg, encoded)
    assert head(encoded) == (24, REQUEST | CREATE | REPLACE)
    assert (message["table"], message["dst_len"], message["scope"]) == (
        254,
        network.prefixlen,
        scope,
    )
    wanted = str(network.network_address) if network.prefixlen else None
    assert message.get_attr("RTA_DST") == wanted
    assert message.get_attr("RTA_GATEWAY") == gateway
    assert message.get_attr("RTA_OIF") == (9 if ifname else None)


def test_a_route_goes():
    op = ops.DeleteRoute(
        netns=N, destination=ip_network("10.244.2.0/24"), gateway=ip_address("10.240.0.4")
    )
    encoded = links.route(op, {}.__getitem__)
    assert head(encoded) == (25, REQUEST)
    assert decoded(rtmsg, encoded).get_attr("RTA_GATEWAY") == "10.240.0.4"
