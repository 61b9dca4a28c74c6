"""What a capture shows is what a wire would carry."""

import ctypes
import fcntl
import os
import socket
import struct
from collections.abc import Iterator

import pytest

from netlab.linux import netns
from netlab.linux.ethtool import disable_offloads
from netlab.model.links import Peer
from netlab.model.names import NetnsName
from netlab.netns_agent.apply import apply
from netlab.plan import ops

pytestmark = pytest.mark.kernel

GETTERS = {"checksums": 0x16, "TSO": 0x1E, "GSO": 0x23, "GRO": 0x2B}
"""linux/ethtool.h"""


@pytest.fixture
def wire() -> Iterator[socket.socket]:
    """Return a socket of a namespace with a veth pair, ``a`` and ``b``."""
    name = NetnsName(f"netlab-t{os.getpid()}-wire")
    peer = Peer(netns=name, ifname="b", mac="02:00:00:00:00:02")
    veth = ops.CreateVeth(netns=name, ifname="a", mac="02:00:00:00:00:01", mtu=1460, peer=peer)
    apply([ops.CreateNetns(netns=name), veth])
    try:
        with netns.inside(name):
            opened = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        with opened:
            yield opened
    finally:
        netns.delete(name)


def is_on(opened: socket.socket, ifname: str, getter: int) -> bool:
    value = ctypes.create_string_buffer(struct.pack("=II", getter, 0), 8)
    request = struct.pack("16sP8x", ifname.encode(), ctypes.addressof(value))
    fcntl.ioctl(opened.fileno(), 0x8946, request)
    return bool(struct.unpack("=II", value.raw)[1])


def test_every_offload_is_off_afterwards(wire: socket.socket):
    assert is_on(wire, "a", GETTERS["checksums"])
    disable_offloads(wire, "a")
    assert {name: is_on(wire, "a", getter) for name, getter in GETTERS.items()} == dict.fromkeys(
        GETTERS, False
    )
    assert is_on(wire, "b", GETTERS["checksums"])


def test_an_interface_that_is_not_there_is_refused(wire: socket.socket):
    with pytest.raises(OSError, match="No such device"):
        disable_offloads(wire, "c")
