"""The program that reports drops, as far as it can be read without a kernel."""

import struct
from dataclasses import replace

from netlab.linux.bpf.drop_program import Layout, Report, drop_program, parse_report

LAYOUT = Layout(
    device=16,
    socket=24,
    head=192,
    network_header=180,
    device_net=264,
    ifindex=224,
    ifname=280,
    socket_net=48,
    inode=176,
    reasons={2: "NOT_SPECIFIED"},
)
THIRD_ARGUMENT = bytes.fromhex("7961100000000000")
"""r1 = *(r6 + 16)"""


def test_a_report_comes_back_as_the_program_lays_it():
    header = bytes(range(80))
    record = struct.pack("=QIIII16s80s", 0xFFFF_8000, 3, 77, 4, 0, b"eth0\0\0junk", header)

    assert parse_report(record) == Report(0xFFFF_8000, 3, 77, 4, "eth0", header)


def test_a_kernel_without_reasons_is_not_asked_for_them():
    # A program that reads an argument the tracepoint lacks would be refused.
    assert THIRD_ARGUMENT in drop_program(LAYOUT, [1], 5, 6)
    assert THIRD_ARGUMENT not in drop_program(replace(LAYOUT, reasons={}), [1], 5, 6)


def test_each_namespace_costs_one_instruction():
    few, many = (len(drop_program(LAYOUT, range(n), 5, 6)) for n in (3, 300))

    assert many - few == 297 * 8
