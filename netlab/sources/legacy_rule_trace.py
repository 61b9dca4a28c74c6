"""What iptables-legacy, or ip6tables-legacy, says of traced packets, in one namespace.

Theory of operation
-------------------
A packet that carries the flag of a rule trace is reported by legacy tables too, whoever set the
flag: for each rule that matched, and at the end of each chain, a line of the kernel's log. It goes
to the logger that the namespace has for the address family, which nfnetlink_log becomes here; that
hands lines and packets to the socket that has asked for group 0. A namespace has one such group: a
second trace of it at the same time hears nothing. Unlike the group, the logger stays when its
socket closes; it is put back even if this process is killed.

The line names table, chain and the rule's number. There is neither the packet's number nor what the
rule decided; the packet itself comes along, and the rules can be read.

Source: Linux, net/ipv4/netfilter/ip_tables.c and net/ipv6/netfilter/ip6_tables.c (trace_packet);
include/uapi/linux/netfilter/nfnetlink_log.h.
"""

import socket
import struct
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from netlab.linux.cleanup_process import Afterwards
from netlab.linux.netlink_messages import Message, attribute, be32, number_of, text_of
from netlab.linux.nfnetlink import NFNL_SUBSYS_ULOG, open_netfilter, request
from netlab.linux.packet_ring import Enter
from netlab.model.hosts import Host
from netlab.sources.headers import header_of, parted
from netlab.sources.rule_trace_messages import Logged, Report, TraceMessage

NFULNL_MSG_PACKET, NFULNL_MSG_CONFIG = 0, 1
CFG_CMD, CFG_MODE, CFG_TIMEOUT, CFG_QTHRESH = 1, 2, 4, 5
"""NFULA_CFG_*"""
CMD_BIND, CMD_PF_BIND = 1, 3
"""NFULNL_CFG_CMD_*"""
COPY_PACKET: Final = 2
PACKET_HDR, MARK, INDEV, OUTDEV, PAYLOAD, PREFIX = 1, 2, 4, 5, 9, 10
"""NFULA_*"""
SNAP: Final = 128

FAMILIES: Final = {4: socket.AF_INET, 6: socket.AF_INET6}
TABLES: Final = {
    4: Path("/proc/thread-self/net/ip_tables_names"),
    6: Path("/proc/thread-self/net/ip6_tables_names"),
}

_MARK: Final = "TRACE: "


def logger(version: int) -> Path:
    """Return the file that says who logs the namespace's packets of a version."""
    return Path("/proc/sys/net/netfilter/nf_log", str(int(FAMILIES[version])))


def has_legacy_tables(host: Host, enter: Enter, version: int = 4) -> bool:
    """Tell whether iptables-legacy has ever been used in a namespace.

    Args:
        host: Whose namespace.
        enter: Moves this thread into it.
        version: 4 or 6, of the Internet Protocol: each has tables of its own.

    Raises:
        FileNotFoundError: The namespace is gone.
    """
    with enter(host.netns):
        return TABLES[version].exists() and bool(TABLES[version].read_text().strip())


class LegacyTrace:
    """An open log of one namespace; selectable, and drained by its owner.

    Args:
        host: Whose rules.
        enter: Moves this thread into its namespace.
        version: 4 or 6, of the Internet Protocol.

    Raises:
        FileNotFoundError: The namespace is gone.
        OSError: The kernel refused, or another trace of the namespace is under way.
    """

    def __init__(self, host: Host, enter: Enter, version: int = 4) -> None:
        self._host = host
        self._enter = enter
        self._file = logger(version)
        with enter(host.netns):
            self._names = dict(socket.if_nameindex())
        self.logged: list[Logged] = []
        """What was read so far, in the kernel's order."""
        self._socket = open_netfilter(host, enter)
        self._guard: Afterwards | None = None
        try:
            self._configure(0, attribute(CFG_CMD, bytes([CMD_BIND])))
            self._guard = Afterwards(self._put_back(self._logger()))
            mode = struct.pack(">IBx", SNAP, COPY_PACKET)
            self._configure(0, attribute(CFG_MODE, mode))
            self._configure(0, be32(CFG_TIMEOUT, 0) + be32(CFG_QTHRESH, 1))
            self._configure(FAMILIES[version], attribute(CFG_CMD, bytes([CMD_PF_BIND])))
        except OSError:
            self.close()
            raise

    @property
    def lost(self) -> int:
        """How many times the kernel said that messages found no room."""
        return self._socket.lost

    def fileno(self) -> int:
        """Return the descriptor that becomes readable when a message is there."""
        return self._socket.fileno()

    def serve(self) -> None:
        """Read what is there."""
        now = time.time_ns()
        wanted = NFNL_SUBSYS_ULOG << 8 | NFULNL_MSG_PACKET
        found = (self._decode(m, now) for m in self._socket.drain() if m.kind == wanted)
        self.logged += [one for one in found if one is not None]

    def close(self) -> None:
        """Stop hearing, and give the namespace the logger back that it had."""
        self._socket.close()
        if self._guard is not None:
            self._guard.close()

    def _logger(self) -> str:
        with self._enter(self._host.netns):
            return self._file.read_text().strip()

    def _put_back(self, had: str) -> Callable[[], None]:
        def put_back() -> None:
            with self._enter(self._host.netns):
                self._file.write_text(had)

        return put_back

    def _configure(self, family: int, body: bytes) -> None:
        self._socket.ask(request(NFNL_SUBSYS_ULOG << 8 | NFULNL_MSG_CONFIG, family, body))

    def _decode(self, message: Message, now: int) -> Logged | None:
        found = message.attributes()
        said = parse_prefix(text_of(found.get(PREFIX)))
        packet = found.get(PAYLOAD, b"")
        if said is None or not packet:
            return None
        table, chain, report, number = said
        header = header_of(*parted(packet))
        if header is None:
            return None
        told = TraceMessage(
            host=self._host.name,
            identity=0,
            time_ns=now,
            table=table,
            chain=chain,
            report=report,
            mark=number_of(found.get(MARK)),
            header=header,
            ifname_in=self._ifname(found.get(INDEV)),
            ifname_out=self._ifname(found.get(OUTDEV)),
        )
        return Logged(told, found.get(PACKET_HDR, bytes(4))[2], number)

    def _ifname(self, value: bytes | None) -> str:
        if value is None:
            return ""
        return self._names.get(number_of(value), f"if{number_of(value)}")


def parse_prefix(text: str) -> tuple[str, str, Report, int] | None:
    """Return table, chain, kind and number of a line of the trace; None for any other line.

    >>> parse_prefix("TRACE: nat:KUBE-SERVICES:rule:2 ")[:2]
    ('nat', 'KUBE-SERVICES')
    """
    if not text.startswith(_MARK):
        return None
    try:
        rest, kind, number = text.removeprefix(_MARK).strip().rsplit(":", 2)
        table, chain = rest.split(":", 1)
        return table, chain, Report(kind), int(number)
    except ValueError:
        return None
