"""Socket filters: which frames the kernel hands to a capture, and how much of each.

Theory of operation
-------------------
A classic BPF program runs in the kernel for each frame; its return value is the number of bytes to
keep, 0 for none. Filtering there costs nothing measurable, while every frame that reaches a ring
costs a copy. The programs here accept a protocol's packets from or to some ports, and always ARP,
ICMP and the later fragments of a datagram, which carry no ports.

NAT rewrites ports too: give both the port a client calls and the port the pod listens on, and one
of them is in each packet on every wire.

Source: Linux, Documentation/networking/filter.rst.
"""

import struct
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

LOAD_WORD: Final = 0x20  # ld [k]
LOAD_HALF: Final = 0x28  # ldh [k]
LOAD_BYTE: Final = 0x30  # ldb [k]
LOAD_HALF_X: Final = 0x48  # ldh [x + k]
LOAD_WORD_X: Final = 0x40  # ld [x + k]
LOAD_HEADER_LENGTH: Final = 0xB1  # ldxb 4 * ([k] & 0xf)
JUMP_ALWAYS: Final = 0x05  # ja k
JUMP_EQUAL: Final = 0x15  # jeq #k
JUMP_BITS: Final = 0x45  # jset #k
RETURN: Final = 0x06  # ret #k

INSTRUCTION_BYTES: Final = 8

ETHERTYPE: Final = 12
IPV4, ARP, IPV6 = 0x0800, 0x0806, 0x86DD
PROTOCOLS: Final = {"tcp": 6, "udp": 17}
ICMP, ICMP6 = 1, 58

IFINDEX: Final = 0xFFFF_F000 + 8
"""Where the kernel lets a program load the interface's index (SKF_AD_IFINDEX, linux/filter.h)."""
MAX_INTERFACES: Final = 255

MAX_PORTS: Final = 56
"""A jump reaches 255 instructions; each port needs four over the whole program."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Instruction:
    """One step of a program; jumps name labels, an empty one means the next step."""

    code: int
    k: int
    label: str = ""
    if_true: str = ""
    if_false: str = ""


def everything(snap: int) -> bytes:
    """Return a program that keeps the first ``snap`` bytes of every frame."""
    return assemble([Instruction(code=RETURN, k=snap)])


def packets_of(protocol: str, ports: Iterable[int], snap: int) -> bytes:
    """Return a program that keeps ``snap`` bytes of packets from or to one of ``ports``.

    Args:
        protocol: ``tcp`` or ``udp``.
        ports: At most 56.
        snap: Bytes to keep of each frame.

    Raises:
        ValueError: There are more ports than a jump can span.
    """
    wanted = sorted(set(ports))
    if len(wanted) > MAX_PORTS:
        raise ValueError(f"{len(wanted)} ports; a filter holds at most {MAX_PORTS}")
    number = PROTOCOLS[protocol]
    return assemble(
        [
            Instruction(code=LOAD_HALF, k=ETHERTYPE),
            Instruction(code=JUMP_EQUAL, k=ARP, if_true="keep"),
            Instruction(code=JUMP_EQUAL, k=IPV6, if_true="ipv6"),
            Instruction(code=JUMP_EQUAL, k=IPV4, if_false="drop"),
            Instruction(code=LOAD_BYTE, k=23),
            Instruction(code=JUMP_EQUAL, k=ICMP, if_true="keep"),
            Instruction(code=JUMP_EQUAL, k=number, if_false="drop"),
            Instruction(code=LOAD_HALF, k=20),
            Instruction(code=JUMP_BITS, k=0x1FFF, if_true="keep"),
            Instruction(code=LOAD_HEADER_LENGTH, k=14),
            *_either_port(LOAD_HALF_X, (14, 16), wanted),
            Instruction(code=LOAD_BYTE, k=20, label="ipv6"),
            Instruction(code=JUMP_EQUAL, k=ICMP6, if_true="keep"),
            Instruction(code=JUMP_EQUAL, k=number, if_false="drop"),
            *_either_port(LOAD_HALF, (54, 56), wanted),
            Instruction(code=RETURN, k=0, label="drop"),
            Instruction(code=RETURN, k=snap, label="keep"),
        ]
    )


def at_interfaces(program: bytes, ifindexes: Iterable[int]) -> bytes:
    """Return a program that keeps what ``program`` keeps, of frames at some interfaces.

    Jumps are relative, so that a program may stand behind another.

    Raises:
        ValueError: There are more interfaces than a jump can span.
    """
    wanted = sorted(set(ifindexes))
    if len(wanted) > MAX_INTERFACES:
        raise ValueError(f"{len(wanted)} interfaces; a filter holds at most {MAX_INTERFACES}")
    chosen = [
        Instruction(code=LOAD_WORD, k=IFINDEX),
        *(Instruction(code=JUMP_EQUAL, k=index, if_true="program") for index in wanted),
        Instruction(code=RETURN, k=0),
    ]
    # The label stands for the first step of ``program``, which is bytes already.
    whole = assemble([*chosen, Instruction(code=RETURN, k=0, label="program")])
    return whole[:-INSTRUCTION_BYTES] + program


def _either_port(load: int, offsets: Sequence[int], ports: Sequence[int]) -> list[Instruction]:
    tests = [
        step
        for offset in offsets
        for step in (
            Instruction(code=load, k=offset),
            *(Instruction(code=JUMP_EQUAL, k=port, if_true="keep") for port in ports),
        )
    ]
    return [*tests, Instruction(code=RETURN, k=0)]


def assemble(program: Sequence[Instruction]) -> bytes:
    """Return the program as the kernel reads it: ``struct sock_filter``, one after the other."""
    places = {step.label: i for i, step in enumerate(program) if step.label}

    def distance(label: str, here: int) -> int:
        return places[label] - here - 1 if label else 0

    return b"".join(
        struct.pack(
            "HBBI", step.code, distance(step.if_true, i), distance(step.if_false, i), step.k
        )
        for i, step in enumerate(program)
    )
