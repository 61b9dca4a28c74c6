"""Try what a trace hears, each source by itself: a trace does without those that are missing.

A lab runs without any of them; a finding says what a trace then cannot show.
"""

from collections.abc import Callable, Iterator
from contextlib import nullcontext
from typing import Final

from netlab.errors import NetlabError
from netlab.lab.doctor_checks import Finding, throw_away
from netlab.linux.bpf.kernel_symbols import KernelSymbols
from netlab.linux.netns import inside
from netlab.linux.packet_ring import Ring
from netlab.model.hosts import Host, HostKind
from netlab.model.names import NetnsName
from netlab.sources.conntrack_events import ConntrackEvents
from netlab.sources.kernel_drops import KernelDrops
from netlab.sources.trace_table import Arming

_HERE: Final = Host(name="here", kind=HostKind.CLIENT, netns=NetnsName(""), addresses=())
_TCP: Final = 6


def check_trace_sources() -> Iterator[Finding]:
    """Try the sources of a trace, in a namespace that is thrown away; nothing is changed."""
    try:
        with throw_away() as netns:
            host = Host(name="doctor", kind=HostKind.CLIENT, netns=netns, addresses=())
            yield _source(
                "packet capture",
                lambda: _open_ring(host),
                shows="where a packet was, and with which addresses",
                hint="captures and traces need it",
            )
            yield _source(
                "rule traces",
                lambda: Arming(host, inside, protocols={_TCP}).close(),
                shows="each rule that it met",
                hint="modprobe nf_tables; without it a trace shows no rules, and netlab rules does",
            )
            yield _source(
                "connection tracking events",
                lambda: ConntrackEvents(host, inside).close(),
                shows="its connection, and the reply that is expected",
                hint="modprobe nf_conntrack_netlink; without it NAT is told from the frames alone",
            )
    except (NetlabError, OSError) as error:
        yield Finding(name="trace sources", works=False, detail=str(error), is_needed=False)
    yield _drop_reasons()


def _open_ring(host: Host) -> None:
    Ring(host, inside).close()


def _source(name: str, attempt: Callable[[], None], *, shows: str, hint: str) -> Finding:
    try:
        attempt()
    except (NetlabError, OSError) as error:
        detail = getattr(error, "strerror", None) or str(error)
        return Finding(name=name, works=False, detail=detail, hint=hint, is_needed=False)
    return Finding(name=name, works=True, detail=shows)


def _drop_reasons() -> Finding:
    hint = "traces conclude it from counters, routes and neighbours"
    try:
        opened = KernelDrops([_HERE], lambda _: nullcontext())
    except OSError as error:
        detail = error.strerror or str(error)
        return Finding(name="drop reasons", works=False, detail=detail, hint=hint, is_needed=False)
    opened.close()
    works = not opened.warning
    detail = opened.warning or f"by eBPF, {opened.reasons} reasons and the place in its code"
    if KernelSymbols().are_hidden():
        works, detail = False, "by eBPF, without the kernel's functions: kernel.kptr_restrict is 2"
        hint = f"sysctl -w kernel.kptr_restrict=1; without it {hint}"
    return Finding(name="drop reasons", works=works, detail=detail, hint=hint, is_needed=False)
