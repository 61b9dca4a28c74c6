"""eBPF instructions, and the bytes the kernel reads them as.

Registers: 0 holds results, 1 to 5 arguments of calls, which overwrite them; 6 to 9 are kept; 10
points behind the stack frame of 512 bytes.

Source: Linux, Documentation/bpf/standardization/instruction-set.rst.
"""

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

R0, R1, R2, R3, R4, R5, R6, R7, R8, R9, FP = range(11)

LOOK_UP, READ_KERNEL, RING_OUTPUT = 1, 113, 130
"""BPF_FUNC_map_lookup_elem, _probe_read_kernel, _ringbuf_output"""

_LOAD: Final = {8: 0x79, 4: 0x61, 2: 0x69}
_STORE: Final = {8: 0x7B, 4: 0x63, 2: 0x6B}
_SIZE: Final = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Instruction:
    """One step; ``to`` names the label that a jump goes to."""

    code: int
    destination: int = 0
    source: int = 0
    offset: int = 0
    immediate: int = 0
    to: str = ""
    label: str = ""
    """What jumps to this step call it."""


def move(destination: int, source: int) -> Instruction:
    """Return ``destination = source``."""
    return Instruction(code=0xBF, destination=destination, source=source)


def set_to(destination: int, value: int) -> Instruction:
    """Return ``destination = value``."""
    return Instruction(code=0xB7, destination=destination, immediate=value)


def add(destination: int, value: int) -> Instruction:
    """Return ``destination += value``."""
    return Instruction(code=0x07, destination=destination, immediate=value)


def add_register(destination: int, source: int) -> Instruction:
    """Return ``destination += source``."""
    return Instruction(code=0x0F, destination=destination, source=source)


def load(destination: int, base: int, offset: int, size: int = 8) -> Instruction:
    """Return ``destination = *(base + offset)``, of so many bytes."""
    return Instruction(code=_LOAD[size], destination=destination, source=base, offset=offset)


def store(base: int, offset: int, source: int, size: int = 8) -> Instruction:
    """Return ``*(base + offset) = source``, of so many bytes."""
    return Instruction(code=_STORE[size], destination=base, source=source, offset=offset)


def count(base: int, source: int) -> Instruction:
    """Return ``*base += source``, of 64 bits, at once for all processors."""
    return Instruction(code=0xDB, destination=base, source=source)


def call(function: int) -> Instruction:
    """Return the call of one of the kernel's own functions."""
    return Instruction(code=0x85, immediate=function)


def jump(to: str) -> Instruction:
    """Return ``goto to``."""
    return Instruction(code=0x05, to=to)


def jump_if_zero(register: int, to: str) -> Instruction:
    """Return ``if register == 0 goto to``."""
    return Instruction(code=0x15, destination=register, to=to)


def jump_if_word(register: int, value: int, to: str) -> Instruction:
    """Return ``if the lower 32 bits of register == value goto to``."""
    return Instruction(code=0x16, destination=register, immediate=value, to=to)


def leave(label: str) -> list[Instruction]:
    """Return the end of a program, by the name of ``label``."""
    return [
        Instruction(code=0xB7, destination=R0, label=label),
        Instruction(code=0x95),
    ]


def point_to_map(destination: int, descriptor: int) -> list[Instruction]:
    """Return ``destination = the map``; two steps long."""
    return [
        Instruction(code=0x18, destination=destination, source=1, immediate=descriptor),
        Instruction(code=0),
    ]


def read_kernel(at: int, size: int, base: int, offset: int) -> list[Instruction]:
    """Return the copy of ``size`` bytes from ``base + offset`` to the stack at ``FP + at``."""
    return [
        move(R1, FP),
        add(R1, at),
        set_to(R2, size),
        move(R3, base),
        add(R3, offset),
        call(READ_KERNEL),
    ]


def assemble(program: Sequence[Instruction]) -> bytes:
    """Return the program as the kernel reads it: ``struct bpf_insn``, one after the other."""
    places = {step.label: i for i, step in enumerate(program) if step.label}
    return b"".join(
        struct.pack(
            "<BBhI",
            step.code,
            step.source << 4 | step.destination,
            places[step.to] - i - 1 if step.to else step.offset,
            step.immediate & 0xFFFF_FFFF,
        )
        for i, step in enumerate(program)
    )
