"""A socket filter for one transport protocol, whatever the ports: NAT rewrites those."""

import struct
from collections.abc import Sequence
from typing import Final

from netlab.linux.socket_filters import (
    ETHERTYPE,
    ICMP,
    ICMP6,
    IPV4,
    IPV6,
    JUMP_ALWAYS,
    JUMP_BITS,
    JUMP_EQUAL,
    LOAD_BYTE,
    LOAD_HALF,
    LOAD_HEADER_LENGTH,
    LOAD_WORD,
    LOAD_WORD_X,
    RETURN,
    Instruction,
    assemble,
)
from netlab.model.packets import AddressPair
from netlab.sources.headers import FRAGMENT

_ETHERNET_BYTES: Final = 14
_IPV6_PORTS: Final = 54
_PROTOCOL: Final = {4: 23, 6: 20}
_ADDRESSES: Final = {4: 26, 6: 22}
"""Where the header names its protocol, and where its two addresses are, by version."""


def packets_of_protocol(
    number: int, version: int, snap: int, left_out: Sequence[AddressPair] = ()
) -> bytes:
    """Return a program that keeps ``snap`` bytes of a protocol's packets and of ICMP's.

    Args:
        number: Of the transport protocol.
        version: 4 or 6, of the Internet Protocol.
        snap: Bytes to keep of each frame.
        left_out: Streams of which to keep nothing, each in one direction.
    """
    ethertype, icmp = (IPV4, ICMP) if version == 4 else (IPV6, ICMP6)
    # Jumps are short, and the streams are many: what is certain is settled before them.
    return assemble(
        [
            Instruction(code=LOAD_HALF, k=ETHERTYPE),
            Instruction(code=JUMP_EQUAL, k=ethertype, if_false="drop"),
            Instruction(code=LOAD_BYTE, k=_PROTOCOL[version]),
            Instruction(code=JUMP_EQUAL, k=icmp, if_true="keep"),
            *(_ipv4(number) if version == 4 else _ipv6(number)),
            Instruction(code=JUMP_ALWAYS, k=2, label="protocol"),
            Instruction(code=RETURN, k=0, label="drop"),
            Instruction(code=RETURN, k=snap, label="keep"),
            *(step for i, pair in enumerate(left_out) for step in _leave_out(pair, i)),
            Instruction(code=RETURN, k=snap),
        ]
    )


def _ipv4(number: int) -> tuple[Instruction, ...]:
    """Return steps that go on where the protocol is wanted, and there are ports to look at."""
    return (
        Instruction(code=JUMP_EQUAL, k=number, if_false="drop"),
        # A later fragment has no ports.
        Instruction(code=LOAD_HALF, k=20),
        Instruction(code=JUMP_BITS, k=0x1FFF, if_true="keep"),
        Instruction(code=LOAD_HEADER_LENGTH, k=_ETHERNET_BYTES),
    )


def _ipv6(number: int) -> tuple[Instruction, ...]:
    """Return steps that do the same; of a fragment, the fragment header names the protocol."""
    return (
        Instruction(code=JUMP_EQUAL, k=number, if_true="protocol"),
        Instruction(code=JUMP_EQUAL, k=FRAGMENT, if_false="drop"),
        Instruction(code=LOAD_BYTE, k=_IPV6_PORTS),
        Instruction(code=JUMP_EQUAL, k=number, if_true="keep", if_false="drop"),
    )


def _leave_out(pair: AddressPair, number: int) -> list[Instruction]:
    """Return steps that end with nothing kept of a stream's frame, and go on with another's."""
    version = pair.source.address.version
    addresses = pair.source.address.packed + pair.destination.address.packed
    words = [word for (word,) in struct.iter_unpack(">I", addresses)]
    ports = pair.source.port << 16 | pair.destination.port
    load, at = (LOAD_WORD_X, _ETHERNET_BYTES) if version == 4 else (LOAD_WORD, _IPV6_PORTS)
    tests = [(LOAD_WORD, _ADDRESSES[version] + 4 * i, word) for i, word in enumerate(words)]
    other = f"after stream {number}"
    return [
        *(
            step
            for code, place, value in (*tests, (load, at, ports))
            for step in (
                Instruction(code=code, k=place),
                Instruction(code=JUMP_EQUAL, k=value, if_false=other),
            )
        ),
        Instruction(code=RETURN, k=0),
        # A label needs a step of its own; this one loads what the next stream asks for anyway.
        Instruction(code=LOAD_WORD, k=_ADDRESSES[version], label=other),
    ]
