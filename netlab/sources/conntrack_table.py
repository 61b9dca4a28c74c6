"""The connections that a namespace tracks: as they are now, or as they come and go.

Dumping and listening change nothing: neither makes the kernel track what it did not track before.
A connection that was made while nobody listened gives no events later (``nf_conntrack_events`` is
2 by default).
"""

import errno
import socket
import time
from typing import Final

from netlab.linux.ctnetlink import IPCTNL_MSG_CT_GET, IPCTNL_MSG_CT_GET_STATS
from netlab.linux.netlink import NetlinkSocket
from netlab.linux.netlink_messages import NLM_F_DUMP, Message
from netlab.linux.nfnetlink import open_netfilter, request
from netlab.linux.packet_ring import Enter
from netlab.model.hosts import Host
from netlab.sources.conntrack_entries import Changed, Tracked
from netlab.sources.conntrack_message import change_of, parse_tracked

_GROUPS: Final = (1, 2, 3)
"""NFNLGRP_CONNTRACK_NEW, _UPDATE, _DESTROY"""


def open_events(host: Host, enter: Enter) -> NetlinkSocket:
    """Return a socket that hears of connections as they come, change and go.

    Who joins a group without ctnetlink is not refused: the kernel begins to load it, and does not
    wait. So it is asked something first, which waits, and is refused where it cannot be loaded.

    Args:
        host: Whose connections.
        enter: Moves this thread into its namespace.

    Raises:
        FileNotFoundError: The namespace is gone.
        OSError: The kernel refused; the words name what it lacks.
    """
    question = request(IPCTNL_MSG_CT_GET_STATS, socket.AF_UNSPEC)
    try:
        with open_netfilter(host, enter) as asking:
            asking.ask(question)
    except OSError as error:
        if error.errno not in {errno.EINVAL, errno.EPROTONOSUPPORT}:
            raise
        words = "this kernel has no ctnetlink, which is the module nf_conntrack_netlink"
        raise OSError(error.errno, words) from error
    return open_netfilter(host, enter, _GROUPS)


def read_table(host: Host, enter: Enter) -> tuple[Tracked, ...]:
    """Return every entry of both address families, in the kernel's order.

    Args:
        host: Whose connections.
        enter: Moves this thread into its namespace.

    Raises:
        FileNotFoundError: The namespace is gone.
        OSError: The kernel refused; it may have no ctnetlink.
    """
    asked = request(IPCTNL_MSG_CT_GET, socket.AF_UNSPEC, flags=NLM_F_DUMP)
    with open_netfilter(host, enter) as opened:
        found = map(parse_tracked, opened.ask(asked))
        return tuple(entry for entry in found if entry is not None)


class TableChanges:
    """Entries of one namespace as they are made, change and go; selectable.

    Args:
        host: Whose connections.
        enter: Moves this thread into its namespace.

    Raises:
        FileNotFoundError: The namespace is gone.
        OSError: The kernel refused.
    """

    def __init__(self, host: Host, enter: Enter) -> None:
        self._socket = open_events(host, enter)

    @property
    def lost(self) -> int:
        """How many times the kernel said that events found no room."""
        return self._socket.lost

    def fileno(self) -> int:
        """Return the descriptor that becomes readable when an event is there."""
        return self._socket.fileno()

    def drain(self) -> list[Changed]:
        """Return the events that wait, in the kernel's order."""
        now = time.clock_gettime_ns(time.CLOCK_REALTIME)
        found = (_changed(message, now) for message in self._socket.drain())
        return [changed for changed in found if changed is not None]

    def close(self) -> None:
        """Stop hearing."""
        self._socket.close()


def _changed(message: Message, now_ns: int) -> Changed | None:
    change, entry = change_of(message), parse_tracked(message)
    if change is None or entry is None:
        return None
    return Changed(time_ns=now_ns, change=change, entry=entry)
