"""The kernel's rule trace of one namespace: every rule that a traced packet meets.

Theory of operation
-------------------
For each rule, jump and policy that a packet with the flag ``nftrace`` meets, the kernel multicasts
a message: table, chain, handle of the rule, verdict. The first message in a base chain carries the
packet's headers as they are there. The messages have no time stamp; in one socket they are in
order.

Before Linux 6.7 a rule that says RETURN came as a message of the type that else marks the plain end
of a chain; the handle tells the two apart, for only a rule has one. Since then it comes as a rule.

Source: Linux, net/netfilter/nf_tables_trace.c.
"""

import socket
import struct
import time
from collections.abc import Mapping
from typing import Final

from netlab.linux.netlink_messages import Message, attributes, number_of, text_of
from netlab.linux.nfnetlink import NFNL_SUBSYS_NFTABLES, open_netfilter
from netlab.linux.packet_ring import Enter
from netlab.model.hosts import Host
from netlab.sources.headers import header_of
from netlab.sources.rule_trace_messages import Header, Report, TraceMessage, Tracking

NFNLGRP_NFTRACE: Final = 9
NFT_MSG_TRACE: Final = NFNL_SUBSYS_NFTABLES << 8 | 17

TABLE, CHAIN, HANDLE, TYPE, VERDICT, ID = 1, 2, 3, 4, 5, 6
NETWORK_HEADER, TRANSPORT_HEADER, IIF, OIF, MARK, POLICY = 8, 9, 10, 12, 14, 16
CT_ID, CT_DIRECTION, CT_STATE = 18, 19, 21
"""NFTA_TRACE_*; the last three are new, and absent on most kernels."""

_REPORTS: Final = {1: Report.POLICY, 2: Report.RETURN, 3: Report.RULE}
_VERDICTS: Final = {
    0: "DROP",
    1: "ACCEPT",
    2: "STOLEN",
    3: "QUEUE",
    4: "REPEAT",
    -1: "CONTINUE",
    -2: "BREAK",
    -3: "JUMP",
    -4: "GOTO",
    -5: "RETURN",
}
_CT_STATES: Final = {1: "invalid", 2: "established", 4: "related", 8: "new", 64: "untracked"}


class RuleTrace:
    """An open trace of one namespace; selectable, and drained by its owner.

    Args:
        host: Whose rules.
        enter: Moves this thread into its namespace.

    Raises:
        FileNotFoundError: The namespace is gone.
        OSError: The kernel refused.
    """

    def __init__(self, host: Host, enter: Enter) -> None:
        self._host = host
        with enter(host.netns):
            self._names = dict(socket.if_nameindex())
        self._socket = open_netfilter(host, enter, (NFNLGRP_NFTRACE,))
        self.messages: list[TraceMessage] = []
        """What was read so far, in the kernel's order."""

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
        found = (
            parse_trace(message, self._host.name, now, self._names)
            for message in self._socket.drain()
            if message.kind == NFT_MSG_TRACE
        )
        self.messages += [message for message in found if message is not None]

    def close(self) -> None:
        """Stop hearing."""
        self._socket.close()


def parse_trace(
    message: Message, host: str, now: int, ifnames: Mapping[int, str]
) -> TraceMessage | None:
    """Return what a message of the rule trace says; None for one of an unknown type.

    Args:
        message: Of the type ``NFT_MSG_TRACE``.
        host: Name of the host whose rules they are.
        now: Wall clock in nanoseconds.
        ifnames: Names of the interfaces of its namespace, by index.
    """
    found = message.attributes()
    handle = found.get(HANDLE)
    report = _REPORTS.get(number_of(found.get(TYPE)))
    if report is None:
        return None
    if report is Report.RETURN and handle is not None:
        report = Report.RULE
    verdict, target = _verdict(found)
    return TraceMessage(
        host=host,
        identity=number_of(found.get(ID)),
        time_ns=now,
        table=text_of(found.get(TABLE)),
        chain=text_of(found.get(CHAIN)),
        report=report,
        handle=None if handle is None else number_of(handle),
        verdict=verdict,
        target=target,
        mark=number_of(found.get(MARK)),
        header=_header(found),
        ifname_in=_ifname(found.get(IIF), ifnames),
        ifname_out=_ifname(found.get(OIF), ifnames),
        tracking=_tracking(found),
    )


def _ifname(value: bytes | None, ifnames: Mapping[int, str]) -> str:
    if value is None:
        return ""
    return ifnames.get(number_of(value), f"if{number_of(value)}")


def _header(found: dict[int, bytes]) -> Header | None:
    network = found.get(NETWORK_HEADER)
    return None if network is None else header_of(network, found.get(TRANSPORT_HEADER, b""))


def _verdict(found: dict[int, bytes]) -> tuple[str, str]:
    if POLICY in found:
        return _VERDICTS.get(number_of(found[POLICY]), "ACCEPT"), ""
    inner = attributes(found.get(VERDICT, b""))
    if 1 not in inner:
        return "", ""
    (code,) = struct.unpack(">i", inner[1])
    return _VERDICTS.get(code, str(code)), text_of(inner.get(2))


def _tracking(found: dict[int, bytes]) -> Tracking | None:
    if CT_ID not in found:
        return None
    direction = "reply" if number_of(found.get(CT_DIRECTION)) else "original"
    state = number_of(found.get(CT_STATE))
    return Tracking(number_of(found[CT_ID]), direction, _CT_STATES.get(state, f"{state:#x}"))
