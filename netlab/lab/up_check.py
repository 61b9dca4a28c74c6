"""Whether a lab answers: every Service through the real path, from where a caller would stand.

A lab is up when its Services answer, not when its processes exist. Which calls the rules promise is
said by the control plane, which holds the rules (``netlab.control_plane.service_calls``); here they
are made, as TCP connections, all under way at once.
"""

import errno
import os
import selectors
import socket
import time
from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Final

from netlab.client.api_client import Client
from netlab.kube.objects import Object
from netlab.linux.netns import inside
from netlab.linux.timeouts import scaled
from netlab.model.names import NetnsName
from netlab.model.packets import AddrPort
from netlab.model.service_calls import Call, Unpromised

_AGAIN_S: Final = 0.02
"""Before a refused call is made again."""
_ATTEMPT_S: Final = 1.5
"""A call without an answer is given up and made anew: a SYN that met half a network may have left a
conntrack entry that its retransmissions run into."""
_REFUSED_S: Final = 2.0
"""For how long a call may be refused by the pod it reaches: its program may still be starting."""


@dataclass(frozen=True, slots=True)
class Unanswered:
    """A call that the rules promise, and that was not answered."""

    call: Call
    error: int
    """An ``errno``; 0 when nothing at all came back."""

    def __str__(self) -> str:
        """Return it as one line, with what came back and from where."""
        if self.error == errno.ECONNREFUSED:
            there = " or ".join(self.call.endpoints[:3]) or "its endpoint"
            return f"{self.call}: refused, so nothing listens on {there}"
        said = os.strerror(self.error).lower() if self.error else "no answer"
        return f"{self.call}: {said}"


def check(client: Client, timeout_s: float) -> tuple[list[Unanswered], list[Unpromised]]:
    """Call every Service, and return what did not answer, and what no rule makes answer."""
    found = client.get("/netlab/v1/service-calls")
    calls = [
        Call(
            netns=NetnsName(one["netns"]),
            caller=one["caller"],
            target=_end(one["target"]),
            service=one["service"],
            endpoints=tuple(one["endpoints"]),
        )
        for one in found["calls"]
    ]
    unpromised = [
        Unpromised(service=one["service"], target=_end(one["target"]), why=one["why"])
        for one in found["unpromised"]
    ]
    return unanswered(calls, timeout_s), unpromised


def _end(end: Object) -> AddrPort:
    return AddrPort(ip_address(end["address"]), end["port"])


def unanswered(calls: Iterable[Call], timeout_s: float) -> list[Unanswered]:
    """Make the calls, again and again, and return those not answered in time."""
    began = time.monotonic()
    deadline = began + timeout_s
    left, given_up = list(calls), []
    while left:
        failed = _unanswered_once(left, min(deadline, time.monotonic() + scaled(_ATTEMPT_S)))
        now = time.monotonic()
        is_late = now >= deadline
        if is_late or now - began >= _REFUSED_S:
            given_up += [one for one in failed if is_late or one.error == errno.ECONNREFUSED]
        left = [one.call for one in failed if one not in given_up]
        if left:
            time.sleep(_AGAIN_S)
    return given_up


def _unanswered_once(calls: Iterable[Call], deadline: float) -> list[Unanswered]:
    left = []
    with selectors.DefaultSelector() as selector:
        for call in calls:
            address, port = call.target
            family = socket.AF_INET if address.version == 4 else socket.AF_INET6
            with inside(call.netns):
                sock = socket.socket(family, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
            number = sock.connect_ex((str(address), port))
            if number in {0, errno.EINPROGRESS}:
                selector.register(sock, selectors.EVENT_WRITE, call)
            else:
                left.append(Unanswered(call, number))
                sock.close()
        while selector.get_map():
            ready = selector.select(max(0.0, deadline - time.monotonic()))
            for key, _ in ready:
                left += _concluded(selector, key)
            if not ready:
                left += [Unanswered(key.data, 0) for key in selector.get_map().values()]
                _close_all(selector)
    return left


def _concluded(selector: selectors.BaseSelector, key: selectors.SelectorKey) -> list[Unanswered]:
    """Return a call that has failed; nothing for one that was answered."""
    selector.unregister(key.fileobj)
    sock = key.fileobj
    assert isinstance(sock, socket.socket)  # noqa: S101 (nothing else was registered)
    failed = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
    sock.close()
    return [Unanswered(key.data, failed)] if failed else []


def _close_all(selector: selectors.BaseSelector) -> None:
    for key in list(selector.get_map().values()):
        selector.unregister(key.fileobj)
        os.close(key.fd)
        assert isinstance(key.fileobj, socket.socket)  # noqa: S101
        key.fileobj.detach()
