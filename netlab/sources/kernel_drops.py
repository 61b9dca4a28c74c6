"""The packets of some hosts that the kernel throws away, with its reason.

It needs what no namespace of a container has: the capabilities BPF and PERFMON of the machine
itself, and a kernel that describes its types. Without them a trace does without.

Source: Linux, include/net/dropreason-core.h.
"""

import os
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Final

from netlab.linux.bpf.drop_program import TRACEPOINT, Layout, Report, drop_program, parse_report
from netlab.linux.bpf.kernel_layout import kernel_layout
from netlab.linux.bpf.ring import BpfRing
from netlab.linux.bpf.syscall import (
    BPF_MAP_TYPE_ARRAY,
    attach_raw_tracepoint,
    create_map,
    load_raw_tracepoint,
    look_up,
)
from netlab.linux.lockdown import lockdown
from netlab.linux.packet_ring import Enter
from netlab.model.hosts import Host
from netlab.sources.drops import Drop
from netlab.sources.headers import header_of, parted

RING_BYTES: Final = 1 << 20


class KernelDrops:
    """Drops of ``hosts``; selectable, and drained by its owner.

    Args:
        hosts: Whose packets.
        enter: Moves this thread into a namespace; used while opening only.
        kept: A file that keeps what was read of the kernel's types.

    Raises:
        OSError: The kernel has no such thing, or refused; the words say which.
    """

    def __init__(self, hosts: Sequence[Host], enter: Enter, kept: Path | None = None) -> None:
        layout = kernel_layout(kept)
        self._reasons = layout.reasons
        self._names = _inodes(hosts, enter)
        self.drops: list[Drop] = []
        """What was read so far, in the kernel's order."""
        self.lost = 0
        """How many drops found no room in the ring; set when it is served."""
        try:
            self._open(layout)
        except OSError as error:
            if lockdown() != "confidentiality":
                raise
            # The kernel itself says EINVAL, and its log the reason.
            words = "the kernel is locked down (confidentiality), and eBPF may not read its memory"
            raise OSError(error.errno, words) from error

    def _open(self, layout: Layout) -> None:
        with ExitStack() as stack:
            self._ring = BpfRing(RING_BYTES)
            stack.callback(self._ring.close)
            self._lost = create_map(BPF_MAP_TYPE_ARRAY, key_bytes=4, value_bytes=8, entries=1)
            stack.callback(os.close, self._lost)
            code = drop_program(layout, list(self._names), self._ring.map, self._lost)
            program = load_raw_tracepoint(code, f"netlab_{os.getpid()}")
            stack.callback(os.close, program)
            stack.callback(os.close, attach_raw_tracepoint(program, TRACEPOINT))
            self._stack = stack.pop_all()

    @property
    def reasons(self) -> int:
        """How many reasons this kernel knows to throw a packet away."""
        return len(self._reasons)

    @property
    def warning(self) -> str:
        """What this kernel does not tell, in a sentence; empty when it tells all."""
        if self._reasons:
            return ""
        return "drops without reasons: this kernel, before 5.17, names only the place in its code"

    def fileno(self) -> int:
        """Return the descriptor that becomes readable when a report is there."""
        return self._ring.fileno()

    def serve(self) -> None:
        """Read what is there."""
        found = (self._drop(parse_report(record)) for record in self._ring.drain())
        self.drops += [drop for drop in found if drop is not None]
        self.lost = look_up(self._lost, 0)

    def close(self) -> None:
        """Stop hearing."""
        self._stack.close()

    def _drop(self, report: Report) -> Drop | None:
        header = header_of(*parted(report.header))
        if header is None:
            return None
        return Drop(
            host=self._names[report.namespace],
            ifname=report.ifname,
            code=self._code(report.reason),
            location=report.location,
            header=header,
        )

    def _code(self, number: int) -> str:
        if not self._reasons:
            return ""
        # Subsystems have numbers of their own above 65,535, in other enumerations.
        return self._reasons.get(number, f"reason {number:#x}")


def _inodes(hosts: Sequence[Host], enter: Enter) -> dict[int, str]:
    """Return the names of the hosts whose namespaces are there, by the namespaces' inodes."""
    found = {}
    for host in hosts:
        try:
            with enter(host.netns):
                found[Path("/proc/thread-self/ns/net").stat().st_ino] = host.name
        except FileNotFoundError:
            # That it has gone is said of each source that is opened on it.
            continue
    return found
