"""A socket filter for one transport protocol, whatever the ports: NAT rewrites those."""

from typing import Final

from netlab.observe.filters import (
    ETHERTYPE,
    ICMP,
    ICMP6,
    IPV4,
    IPV6,
    JUMP_EQUAL,
    LOAD_BYTE,
    LOAD_HALF,
    RETURN,
    Instruction,
    assemble,
)

_IPV4_PROTOCOL: Final = 23
_IPV6_NEXT_HEADER: Final = 20


def packets_of_protocol(number: int, snap: int) -> bytes:
    """Return a program that keeps ``snap`` bytes of a protocol's packets and of ICMP's."""
    return assemble(
        [
            Instruction(code=LOAD_HALF, k=ETHERTYPE),
            Instruction(code=JUMP_EQUAL, k=IPV6, if_true="ipv6"),
            Instruction(code=JUMP_EQUAL, k=IPV4, if_false="drop"),
            Instruction(code=LOAD_BYTE, k=_IPV4_PROTOCOL),
            Instruction(code=JUMP_EQUAL, k=ICMP, if_true="keep"),
            Instruction(code=JUMP_EQUAL, k=number, if_true="keep", if_false="drop"),
            Instruction(code=LOAD_BYTE, k=_IPV6_NEXT_HEADER, label="ipv6"),
            Instruction(code=JUMP_EQUAL, k=ICMP6, if_true="keep"),
            Instruction(code=JUMP_EQUAL, k=number, if_true="keep", if_false="drop"),
            Instruction(code=RETURN, k=0, label="drop"),
            Instruction(code=RETURN, k=snap, label="keep"),
        ]
    )
