"""The eBPF program that reports each packet the kernel throws away, and its report.

Theory of operation
-------------------
The kernel frees a packet that came to its end as it should with ``consume_skb``, and any other with
``kfree_skb``, where a tracepoint has the packet, the place in the kernel's code, and from Linux
5.17 the reason. The program runs there for every packet of the machine. It follows the pointers
from the packet to its interface (or, without one, to its socket) and from there to the network
namespace; only for the namespaces asked for does it write a report.

The places of members differ between kernels: BTF has those of the running one. A pointer that leads
nowhere reads as zeros.

Source: Linux, include/trace/events/skb.h.
"""

import struct
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final, NamedTuple

from netlab.linux.bpf.btf import Btf, BtfError
from netlab.linux.bpf.program import (
    FP,
    LOOK_UP,
    R0,
    R1,
    R2,
    R3,
    R4,
    R6,
    R7,
    R9,
    RING_OUTPUT,
    Instruction,
    add,
    add_register,
    assemble,
    call,
    count,
    jump,
    jump_if_word,
    jump_if_zero,
    leave,
    load,
    move,
    point_to_map,
    read_kernel,
    set_to,
    store,
)

TRACEPOINT: Final = "kfree_skb"
SNAP: Final = 80
"""Bytes from the network header on: IPv4 with options or IPv6, and TCP without its options."""

_REPORT: Final = struct.Struct(f"=QIIII16s{SNAP}s")
_START: Final = -(_REPORT.size + 16)
_LOCATION, _REASON, _NAMESPACE, _IFINDEX = _START, _START + 8, _START + 12, _START + 16
_IFNAME, _HEADER = _START + 24, _START + 40
_POINTER, _SHORT = -16, -8
"""Places on the stack: the report, then two for reading."""


class Report(NamedTuple):
    """What the program tells of one packet."""

    location: int
    """Address in the kernel's code."""
    reason: int
    """Number in ``enum skb_drop_reason``; 0 on kernels without one."""
    namespace: int
    """Inode of the network namespace."""
    ifindex: int
    """0 for a packet without an interface."""
    ifname: str
    header: bytes
    """From the network header on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """Where things lie in this kernel."""

    device: int
    socket: int
    head: int
    network_header: int
    device_net: int
    ifindex: int
    ifname: int
    socket_net: int
    inode: int
    reasons: dict[int, str]
    """Names of drop reasons; empty before Linux 5.17."""


def layout_of(btf: Btf) -> Layout:
    """Return what the program needs to know of the kernel that ``btf`` describes.

    Raises:
        BtfError: It lacks a member that every kernel has.
    """
    return Layout(
        device=btf.offset("sk_buff", "dev"),
        socket=btf.offset("sk_buff", "sk"),
        head=btf.offset("sk_buff", "head"),
        network_header=btf.offset("sk_buff", "network_header"),
        device_net=btf.offset("net_device", "nd_net", "net"),
        ifindex=btf.offset("net_device", "ifindex"),
        ifname=btf.offset("net_device", "name"),
        socket_net=btf.offset("sock", "__sk_common", "skc_net", "net"),
        inode=btf.offset("net", "ns", "inum"),
        reasons=_reasons(btf),
    )


def _reasons(btf: Btf) -> dict[int, str]:
    try:
        found = btf.enumerators("skb_drop_reason")
    except BtfError:
        return {}
    return {
        number: name.removeprefix("SKB_DROP_REASON_").removeprefix("SKB_")
        for number, name in found.items()
    }


def drop_program(layout: Layout, namespaces: Sequence[int], ring: int, lost: int) -> bytes:
    """Return the program.

    Args:
        layout: Of the running kernel.
        namespaces: Inodes of the network namespaces to report from.
        ring: Descriptor of the ring buffer for reports.
        lost: Descriptor of an array whose first number counts what found no room there.
    """
    return assemble(
        [
            *_cleared(),
            move(R6, R1),
            load(R7, R6, 0),
            load(R1, R6, 8),
            store(FP, _LOCATION, R1),
            *([load(R1, R6, 16), store(FP, _REASON, R1, 4)] if layout.reasons else []),
            *_namespace(layout),
            load(R1, FP, _NAMESPACE, 4),
            *(jump_if_word(R1, inode, "wanted") for inode in namespaces),
            jump("end"),
            *_header(layout),
            *_sent(ring, lost),
            *leave("end"),
        ]
    )


def parse_report(record: bytes) -> Report:
    """Return what a record of the ring says."""
    location, reason, namespace, ifindex, _, ifname, header = _REPORT.unpack_from(record)
    name = ifname.split(b"\0", 1)[0].decode(errors="replace")
    return Report(location, reason, namespace, ifindex, name, header)


def _cleared() -> list[Instruction]:
    """Return steps that clear the report: the kernel refuses to copy what was never written."""
    return [set_to(R9, 0), *(store(FP, at, R9) for at in range(_START, 0, 8))]


def _pointer(base: int, offset: int) -> list[Instruction]:
    """Return steps that set register 9 to the pointer at ``base + offset``."""
    return [*read_kernel(_POINTER, 8, base, offset), load(R9, FP, _POINTER)]


def _namespace(layout: Layout) -> list[Instruction]:
    no_device = _labelled("no device", _pointer(R7, layout.socket))
    net = _labelled("net", read_kernel(_NAMESPACE, 4, R9, layout.inode))
    return [
        *_pointer(R7, layout.device),
        jump_if_zero(R9, "no device"),
        *read_kernel(_IFINDEX, 4, R9, layout.ifindex),
        *read_kernel(_IFNAME, 16, R9, layout.ifname),
        *_pointer(R9, layout.device_net),
        jump("net"),
        *no_device,
        jump_if_zero(R9, "end"),
        *_pointer(R9, layout.socket_net),
        *net,
    ]


def _header(layout: Layout) -> list[Instruction]:
    return [
        *_labelled("wanted", read_kernel(_SHORT, 2, R7, layout.network_header)),
        *_pointer(R7, layout.head),
        load(R1, FP, _SHORT, 2),
        add_register(R9, R1),
        *read_kernel(_HEADER, SNAP, R9, 0),
    ]


def _sent(ring: int, lost: int) -> list[Instruction]:
    """Return steps that put the report into the ring, or count it as lost."""
    return [
        *point_to_map(R1, ring),
        move(R2, FP),
        add(R2, _START),
        set_to(R3, _REPORT.size),
        set_to(R4, 0),
        call(RING_OUTPUT),
        jump_if_zero(R0, "end"),
        set_to(R1, 0),
        store(FP, _SHORT, R1),
        *point_to_map(R1, lost),
        move(R2, FP),
        add(R2, _SHORT),
        call(LOOK_UP),
        jump_if_zero(R0, "end"),
        set_to(R1, 1),
        count(R0, R1),
    ]


def _labelled(label: str, steps: list[Instruction]) -> list[Instruction]:
    return [replace(steps[0], label=label), *steps[1:]]
