"""Try what a trace can do with and is better with."""

import os
from collections.abc import Iterator
from contextlib import nullcontext
from typing import Final

from netlab.lab.doctor_checks import Finding
from netlab.linux.bpf.kernel_symbols import KernelSymbols
from netlab.model.hosts import Host, HostKind
from netlab.model.names import NetnsName
from netlab.sources.kernel_drops import KernelDrops

_HERE: Final = Host(name="here", kind=HostKind.CLIENT, netns=NetnsName(""), addresses=())


def probe_sources() -> Iterator[Finding]:
    """Try the sources of a trace that not every machine has; they change nothing."""
    if os.geteuid() != 0:
        return
    hint = "traces conclude it from counters, routes and neighbours"
    try:
        opened = KernelDrops([_HERE], lambda _: nullcontext())
    except OSError as error:
        detail = error.strerror or str(error)
        yield Finding(name="drop reasons", works=False, detail=detail, hint=hint, is_needed=False)
        return
    opened.close()
    works, detail = not opened.warning, opened.warning or "by eBPF"
    if KernelSymbols().are_hidden():
        works, detail = False, "by eBPF, without the kernel's functions: kernel.kptr_restrict is 2"
        hint = f"sysctl -w kernel.kptr_restrict=1; without it {hint}"
    yield Finding(name="drop reasons", works=works, detail=detail, hint=hint, is_needed=False)
