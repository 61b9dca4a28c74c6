"""Many HTTP requests and datagrams at once, each made inside its caller's network namespace.

Theory of operation
-------------------
A socket stays in the namespace it was created in, so one thread creates all of them, each in its
own place, and waits for them together. Whatever else is worth hearing meanwhile (captures) waits in
the same selector.
"""

import errno
import selectors
import socket
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Final, Protocol

from netlab.linux.netns import inside
from netlab.model.hosts import Host
from netlab.model.packets import AddressPair, AddrPort
from netlab.trace.outcomes import Outcome, Result, client_address_of
from netlab.trace.paths import Flow

AT_ONCE: Final = 256
"""Open calls; each is a descriptor, and a lab may ask for thousands."""

MAX_ANSWER: Final = 1 << 20

DATAGRAM: Final = b"netlab\n"
"""What is sent to a UDP port; a trace sends the same."""

TCP_REPAIR: Final = 19
TCP_REPAIR_QUEUE: Final = 20
TCP_QUEUE_SEQ: Final = 21
TCP_SEND_QUEUE: Final = 2
TCP_REPAIR_OFF_NO_WP: Final = -1
"""linux/tcp.h"""

_RECVERR: Final = {
    socket.AF_INET: (socket.IPPROTO_IP, 11),
    socket.AF_INET6: (socket.IPPROTO_IPV6, 25),
}
"""IP_RECVERR and IPV6_RECVERR: linux/in.h, linux/in6.h"""

_UNREACHABLE: Final = frozenset(
    {errno.ENETUNREACH, errno.EHOSTUNREACH, errno.EACCES, errno.EPERM, errno.EADDRNOTAVAIL}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A ``GET /`` to be made, or a datagram to be sent."""

    caller: Host
    target: AddrPort
    protocol: str = "tcp"
    """Or ``udp``: one datagram, and one is waited for."""


class Listener(Protocol):
    """Something else to serve while calls are under way."""

    def fileno(self) -> int:
        """Return the descriptor to wait on."""

    def serve(self) -> None:
        """Take what is ready."""


def make_calls(
    calls: Sequence[Call], *, timeout_s: float, listeners: Sequence[Listener] = ()
) -> list[Outcome]:
    """Make all calls, some at a time, and return their ends in the order of ``calls``.

    Raises:
        FileNotFoundError: A caller's namespace is gone.
    """
    outcomes: list[Outcome] = []
    for start in range(0, len(calls), AT_ONCE):
        exchanges = [_Exchange(call) for call in calls[start : start + AT_ONCE]]
        try:
            _drive(exchanges, time.monotonic() + timeout_s, listeners)
        finally:
            for exchange in exchanges:
                exchange.close()
        outcomes.extend(exchange.outcome() for exchange in exchanges)
    return outcomes


def listen(listeners: Sequence[Listener], duration_s: float) -> None:
    """Serve ``listeners`` for so long and make no calls."""
    _drive([], time.monotonic() + duration_s, listeners)


def _drive(
    exchanges: Sequence["_Exchange"], deadline: float, listeners: Sequence[Listener]
) -> None:
    with selectors.DefaultSelector() as selector:
        for listener in listeners:
            selector.register(listener, selectors.EVENT_READ, listener.serve)
        for exchange in exchanges:
            exchange.start()
            exchange.watch(selector)
        while (left := deadline - time.monotonic()) > 0:
            if exchanges and all(exchange.done for exchange in exchanges):
                return
            for key, _ in selector.select(left):
                serve: Callable[[], None] = key.data
                serve()
                if isinstance(key.fileobj, _Exchange):
                    key.fileobj.watch(selector)


class _Exchange:
    """One connection from SYN to the end of the answer, or one datagram and its answer."""

    def __init__(self, call: Call) -> None:
        self.call = call
        self._result: Result | None = None
        self._flow: Flow | None = None
        self._is_datagram = call.protocol == "udp"
        self._unsent = DATAGRAM if self._is_datagram else _request(call.target)
        self._answer = bytearray()
        family = socket.AF_INET if call.target.address.version == 4 else socket.AF_INET6
        with inside(call.caller.netns):
            kind = socket.SOCK_DGRAM if self._is_datagram else socket.SOCK_STREAM
            self._socket = socket.socket(family, kind | socket.SOCK_NONBLOCK)
        if self._is_datagram:
            # Without it, only a refusal is told to a datagram socket, no other ICMP error.
            self._socket.setsockopt(*_RECVERR[family], 1)

    @property
    def done(self) -> bool:
        """Whether nothing more is to come."""
        return self._result is not None

    def fileno(self) -> int:
        """Return the socket's descriptor."""
        return self._socket.fileno()

    def start(self) -> None:
        """Send the SYN."""
        target = self.call.target
        error = self._socket.connect_ex((str(target.address), target.port))
        if error not in {0, errno.EINPROGRESS}:
            self._fail(error)
            return
        address, port = self._socket.getsockname()[:2]
        self._flow = Flow(
            host=self.call.caller.name,
            pair=AddressPair(AddrPort(ip_address(address), port), target),
            initial_sequence=_initial_sequence(self._socket),
        )

    def watch(self, selector: selectors.BaseSelector) -> None:
        """Have the selector wait for what comes next, or for nothing any more."""
        events = selectors.EVENT_WRITE if self._unsent else selectors.EVENT_READ
        known = selector.get_map().get(self)
        if self.done and known is not None:
            selector.unregister(self)
        elif known is None and not self.done:
            selector.register(self, events, self.proceed)
        elif known is not None and known.events != events:
            selector.modify(self, events, self.proceed)

    def proceed(self) -> None:
        """Send or receive what can be without waiting."""
        error = self._socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if error:
            self._fail(error)
            return
        try:
            if self._unsent:
                self._unsent = self._unsent[self._socket.send(self._unsent) :]
            else:
                self._receive()
        except BlockingIOError:
            return
        except OSError as failure:
            self._fail(failure.errno or 0)

    def outcome(self) -> Outcome:
        """Return what came of the call so far; what is not done has run out of time."""
        result = self._result or (Result.ANSWERED if self._answer else Result.TIMEOUT)
        seen = client_address_of(self._answer.decode(errors="replace"))
        return Outcome(
            caller=self.call.caller.name,
            target=self.call.target,
            result=result,
            client_address=seen,
            flow=self._flow,
        )

    def close(self) -> None:
        """Close the socket; an unanswered SYN is not sent again."""
        self._socket.close()

    def _receive(self) -> None:
        piece = self._socket.recv(65536)
        self._answer += piece
        if self._is_datagram:
            self._result = Result.ANSWERED
        elif not piece or len(self._answer) > MAX_ANSWER:
            self._result = Result.ANSWERED if self._answer else Result.CLOSED

    def _fail(self, error: int) -> None:
        if error == errno.ECONNREFUSED:
            self._result = Result.REFUSED
        elif error in _UNREACHABLE:
            self._result = Result.UNREACHABLE
        elif error == errno.ETIMEDOUT:
            self._result = Result.TIMEOUT
        else:
            self._result = Result.CLOSED


def _request(target: AddrPort) -> bytes:
    lines = ("GET / HTTP/1.1", f"Host: {target}", "User-Agent: netlab", "Connection: close")
    return "".join(f"{line}\r\n" for line in (*lines, "")).encode()


def _initial_sequence(connecting: socket.socket) -> int | None:
    """Return the sequence number of the SYN that ``connecting`` has sent.

    The kernel shows it in repair mode only, which was made for moving live connections and needs
    CAP_NET_ADMIN. Nothing is sent, and nothing changes, when the mode is left without a probe.
    """
    try:
        connecting.setsockopt(socket.IPPROTO_TCP, TCP_REPAIR, 1)
    except OSError:
        return None  # the addresses alone find the connection, unless its own host rewrites them
    try:
        connecting.setsockopt(socket.IPPROTO_TCP, TCP_REPAIR_QUEUE, TCP_SEND_QUEUE)
        following = connecting.getsockopt(socket.IPPROTO_TCP, TCP_QUEUE_SEQ)
    finally:
        connecting.setsockopt(socket.IPPROTO_TCP, TCP_REPAIR, TCP_REPAIR_OFF_NO_WP)
    return (following - 1) % 2**32
