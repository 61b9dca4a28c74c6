"""eBPF instructions to bytes."""

from netlab.linux.bpf.program import (
    FP,
    R0,
    R1,
    R6,
    R9,
    assemble,
    jump,
    jump_if_word,
    jump_if_zero,
    leave,
    load,
    move,
    point_to_map,
    set_to,
    store,
)


def test_an_instruction_is_eight_bytes_as_the_instruction_set_has_them():
    found = assemble([move(R6, R1), set_to(R0, -1), load(R1, R6, 16), store(FP, -8, R1, 4)])

    assert [found[i : i + 8].hex() for i in range(0, len(found), 8)] == [
        "bf16000000000000",
        "b7000000ffffffff",
        "7961100000000000",
        "631af8ff00000000",
    ]


def test_a_jump_counts_the_steps_between_it_and_its_label():
    program = [
        jump_if_zero(R9, "end"),
        *point_to_map(R1, 7),
        jump_if_word(R1, 0xF000_0001, "end"),
        jump("end"),
        *leave("end"),
    ]

    found = assemble(program)

    offsets = [int.from_bytes(found[i + 2 : i + 4], "little") for i in range(0, len(found), 8)]
    assert offsets == [4, 0, 0, 1, 0, 0, 0]
    assert found[28:32] == bytes.fromhex("010000f0")
