"""Filter programs, run by an interpreter of the few instructions that they use."""

import struct

import pytest

from netlab.linux.socket_filters import IFINDEX, at_interfaces, everything, packets_of

SNAP = 2048
RETURN, LOAD_HALF, LOAD_BYTE, LOAD_HALF_X = 0x06, 0x28, 0x30, 0x48
LOAD_WORD = 0x20
LOAD_HEADER_LENGTH, JUMP_EQUAL = 0xB1, 0x15
SIZES = {LOAD_HALF: 2, LOAD_BYTE: 1, LOAD_HALF_X: 2}
MACS = b"\2\0\0\0\0\1\2\0\0\0\0\2"


def run(program: bytes, frame: bytes, ifindex: int = 1) -> int:
    """Return how many bytes the kernel would keep."""
    steps = list(struct.iter_unpack("HBBI", program))
    accumulator = index = at = 0
    while steps[at][0] != RETURN:
        code, if_true, if_false, k = steps[at]
        at += 1
        if code == LOAD_WORD and k == IFINDEX:
            accumulator = ifindex
        elif code == LOAD_HEADER_LENGTH:
            index = 4 * (frame[k] & 0xF)
        elif code in SIZES:
            start = k + (index if code == LOAD_HALF_X else 0)
            accumulator = int.from_bytes(frame[start : start + SIZES[code]])
        else:
            holds = accumulator == k if code == JUMP_EQUAL else accumulator & k
            at += if_true if holds else if_false
    return steps[at][3]


def ipv4(protocol: int, sport: int, dport: int, *, options: int = 0, fragment: int = 0) -> bytes:
    header = bytes([0x45 + options]) + bytes(5) + struct.pack("!H", fragment)
    header += bytes([64, protocol]) + bytes(10) + bytes(4 * options)
    return MACS + b"\x08\x00" + header + struct.pack("!HH", sport, dport) + bytes(16)


def ipv6(protocol: int, sport: int, dport: int) -> bytes:
    header = b"\x60" + bytes(5) + bytes([protocol, 64]) + bytes(32)
    return MACS + b"\x86\xdd" + header + struct.pack("!HH", sport, dport) + bytes(16)


@pytest.mark.parametrize(
    ("frame", "kept"),
    [
        pytest.param(ipv4(6, 40000, 8080), SNAP, id="a request to a wanted port"),
        pytest.param(ipv4(6, 31704, 40000), SNAP, id="a reply from a wanted port"),
        pytest.param(ipv4(6, 40000, 8080, options=2), SNAP, id="behind IP options"),
        pytest.param(ipv4(6, 40000, 22), 0, id="another port"),
        pytest.param(ipv4(17, 40000, 8080), 0, id="another protocol on a wanted port"),
        pytest.param(ipv4(6, 1, 2, fragment=3), SNAP, id="a later fragment, which has no ports"),
        pytest.param(ipv4(1, 3, 3), SNAP, id="ICMP, which tells of refusals"),
        pytest.param(ipv6(6, 40000, 8080), SNAP, id="IPv6 to a wanted port"),
        pytest.param(ipv6(6, 31704, 40000), SNAP, id="IPv6 from a wanted port"),
        pytest.param(ipv6(6, 40000, 22), 0, id="IPv6, another port"),
        pytest.param(ipv6(58, 0, 0), SNAP, id="ICMPv6"),
        pytest.param(MACS + b"\x08\x06" + bytes(28), SNAP, id="ARP"),
        pytest.param(MACS + b"\x88\xcc" + bytes(28), 0, id="something that is not IP"),
    ],
)
def test_what_is_kept(frame: bytes, kept: int):
    assert run(packets_of("tcp", [8080, 31704], SNAP), frame) == kept


def test_the_longest_port_list_still_reaches_the_end():
    ports = range(1000, 1056)
    program = packets_of("udp", ports, SNAP)
    assert all(run(program, ipv4(17, port, 1)) == SNAP for port in ports)
    assert run(program, ipv4(17, 1, 2)) == 0
    with pytest.raises(ValueError, match="at most 56"):
        packets_of("udp", range(1000, 1057), SNAP)


def test_everything_is_cut_to_the_snap_length():
    assert run(everything(96), b"anything") == 96


@pytest.mark.parametrize(
    ("ifindex", "frame", "kept"),
    [
        pytest.param(4, ipv4(6, 1, 8080), SNAP, id="a wanted interface, a wanted port"),
        pytest.param(9, ipv4(6, 1, 8080), SNAP, id="the other wanted interface"),
        pytest.param(4, ipv4(6, 1, 22), 0, id="a wanted interface, another port"),
        pytest.param(5, ipv4(6, 1, 8080), 0, id="another interface, a wanted port"),
    ],
)
def test_a_program_can_be_for_some_interfaces(ifindex: int, frame: bytes, kept: int):
    program = at_interfaces(packets_of("tcp", [8080], SNAP), [4, 9])
    assert run(program, frame, ifindex) == kept


def test_no_interface_keeps_nothing():
    assert run(at_interfaces(everything(SNAP), []), ipv4(6, 1, 2), 1) == 0


def test_more_interfaces_than_a_jump_can_span():
    program = at_interfaces(everything(SNAP), range(1, 256))
    assert run(program, ipv4(6, 1, 2), 1) == run(program, ipv4(6, 1, 2), 255) == SNAP
    with pytest.raises(ValueError, match="256 interfaces"):
        at_interfaces(everything(SNAP), range(256))
