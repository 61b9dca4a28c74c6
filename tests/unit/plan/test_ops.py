"""An operation reads as the command that a person would type."""

from ipaddress import ip_address, ip_interface, ip_network

import pytest

from netlab.model.links import Peer
from netlab.model.names import NetnsName
from netlab.plan import ops
from netlab.plan.ops import Op

N = NetnsName("netlab-default-node1")
PEER = Peer(netns=NetnsName("netlab-default-router"), ifname="p-node1", mac="02:00:00:00:00:02")
MAC = "02:00:00:00:00:01"


@pytest.mark.parametrize(
    ("op", "command"),
    [
        (ops.CreateNetns(netns=N), f"ip netns add {N} && ip -n {N} link set lo up"),
        (ops.DeleteNetns(netns=N), f"ip netns delete {N}"),
        (
            ops.SetSysctl(netns=N, key="net.ipv4.ip_forward", value="1"),
            f"ip netns exec {N} sysctl -q -w net.ipv4.ip_forward=1",
        ),
        (
            ops.SetSysctl(netns=N, key="net.bridge.x", value="1", if_present=True),
            f"ip netns exec {N} sysctl -q -e -w net.bridge.x=1",
        ),
        (
            ops.CreateBridge(netns=N, ifname="cni0", mac=MAC, mtu=1460),
            f"ip -n {N} link add cni0 mtu 1460 address {MAC} type bridge",
        ),
        (
            ops.CreateVeth(netns=N, ifname="eth0", mac=MAC, mtu=1460, peer=PEER),
            " ".join(
                [
                    f"ip -n {N} link add eth0 mtu 1460 address {MAC} type veth",
                    f"peer name p-node1 mtu 1460 address {PEER.mac} netns {PEER.netns}",
                ]
            ),
        ),
        (ops.DeleteLink(netns=N, ifname="eth0"), f"ip -n {N} link delete eth0"),
        (
            ops.DisableOffloads(netns=N, ifname="eth0"),
            f"ip netns exec {N} ethtool -K eth0 tx off tso off gso off gro off",
        ),
        (ops.SetLinkUp(netns=N, ifname="eth0"), f"ip -n {N} link set eth0 up"),
        (
            ops.SetLinkUp(netns=N, ifname="veth-a", master="cni0"),
            f"ip -n {N} link set veth-a master cni0 up",
        ),
        (
            ops.SetHairpin(netns=N, ifname="veth-a"),
            f"ip -n {N} link set veth-a type bridge_slave hairpin on",
        ),
        (
            ops.AddAddress(netns=N, ifname="eth0", address=ip_interface("10.240.0.3/24")),
            f"ip -n {N} address replace 10.240.0.3/24 brd + dev eth0",
        ),
        (
            ops.DeleteAddress(netns=N, ifname="eth0", address=ip_interface("fd00::3/64")),
            f"ip -n {N} address delete fd00::3/64 dev eth0",
        ),
        (
            ops.AddRoute(
                netns=N, destination=ip_network("0.0.0.0/0"), gateway=ip_address("10.240.0.1")
            ),
            f"ip -n {N} route replace default via 10.240.0.1 proto static",
        ),
        (
            ops.AddRoute(netns=N, destination=ip_network("10.244.1.2/32"), ifname="veth-a"),
            f"ip -n {N} route replace 10.244.1.2/32 dev veth-a proto static",
        ),
        (
            ops.DeleteRoute(
                netns=N, destination=ip_network("10.244.2.0/24"), gateway=ip_address("10.240.0.4")
            ),
            f"ip -n {N} route delete 10.244.2.0/24 via 10.240.0.4",
        ),
        (
            ops.AddRoute(netns=N, destination=ip_network("::/0"), gateway=ip_address("fd00::1")),
            f"ip -n {N} route replace default via fd00::1 proto static",
        ),
    ],
    ids=lambda value: None if isinstance(value, str) else type(value).__name__,
)
def test_an_operation_is_the_command(op: Op, command: str):
    assert str(op) == command
