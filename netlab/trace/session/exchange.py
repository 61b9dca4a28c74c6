"""Connections made from hosts of a lab, many at once: one request of any scheme, and its answer.

Theory of operation
-------------------
A socket stays in the namespace it was created in, so one thread creates all of them, each in its
caller's, and waits for them together. What a scheme sends and expects is a generator that yields
whenever it has to wait; whatever else is worth hearing meanwhile waits in the same selector.

An echo request has an identifier of its own each time. Connection tracking knows pings by it: with
one identifier, a second ping within thirty seconds would be of the first one's connection.
"""

import errno
import os
import selectors
import socket
import struct
import time
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Final, NamedTuple, Protocol

from netlab.errors import HostError
from netlab.linux.netns import inside
from netlab.model.hosts import Host
from netlab.model.packets import AddressPair, AddrPort
from netlab.trace.outcomes import Outcome, Result, client_address_of

AT_ONCE: Final = 256
"""Open connections; each is a descriptor, and a lab may ask for thousands."""

MAX_ANSWER: Final = 1 << 20

_RECVERR: Final = {
    socket.AF_INET: (socket.IPPROTO_IP, 11),
    socket.AF_INET6: (socket.IPPROTO_IPV6, 25),
}
"""IP_RECVERR and IPV6_RECVERR: linux/in.h, linux/in6.h"""

_ECHO: Final = {4: (8, 0), 6: (128, 129)}
"""Types of an echo's request and reply, by the version of the Internet Protocol."""

_UNREACHABLE: Final = frozenset(
    {errno.ENETUNREACH, errno.EHOSTUNREACH, errno.EACCES, errno.EPERM, errno.EADDRNOTAVAIL}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """The other end of a connection."""

    text: str
    """As the user typed it."""
    scheme: str
    """``http``, ``https``, ``tcp``, ``udp`` or ``icmp``."""
    name: str
    netloc: str
    """Name and port, as the URL has them."""
    address: AddrPort
    path: str = "/"
    payload: int | None = None
    """Bytes to send as a UDP datagram or in an ICMP echo; None for a few."""

    @property
    def protocol(self) -> str:
        """``tcp``, ``udp``, ``icmp`` or ``icmpv6``."""
        protocol = SCHEMES[self.scheme].protocol
        return "icmpv6" if protocol == "icmp" and self.address.address.version == 6 else protocol


def target_at(address: AddrPort, scheme: str = "http") -> Target:
    """Return an address as a target."""
    netloc = str(address)
    return Target(
        text=f"{scheme}://{netloc}",
        scheme=scheme,
        name=str(address.address),
        netloc=netloc,
        address=address,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A connection to be made."""

    caller: Host
    target: Target


class Listener(Protocol):
    """Something else to serve while connections are under way."""

    def fileno(self) -> int:
        """Return the descriptor to wait on."""

    def serve(self) -> None:
        """Take what is ready."""


def make_calls(calls: Sequence[Call], *, timeout_s: float) -> list[Outcome]:
    """Make all calls, some at a time, and return their ends in the order of ``calls``.

    Raises:
        FileNotFoundError: A caller's namespace is gone.
    """
    outcomes: list[Outcome] = []
    for start in range(0, len(calls), AT_ONCE):
        exchanges = [_Exchange(call) for call in calls[start : start + AT_ONCE]]
        try:
            _drive(exchanges, (), time.monotonic() + timeout_s)
        finally:
            for exchange in exchanges:
                exchange.close()
        outcomes.extend(exchange.outcome() for exchange in exchanges)
    return outcomes


def listen(listeners: Sequence[Listener], duration_s: float) -> None:
    """Serve ``listeners`` for so long and make no calls."""
    _drive((), listeners, time.monotonic() + duration_s)


def _drive(
    exchanges: Sequence["_Exchange"], listeners: Sequence[Listener], deadline: float
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


def _open_socket(family: socket.AddressFamily, kind: int, number: int) -> socket.socket:
    try:
        return socket.socket(family, kind | socket.SOCK_NONBLOCK, number)
    except OSError as error:
        if error.errno != errno.EAFNOSUPPORT:
            raise
        raise HostError(
            "this kernel was started without IPv6", hint="start it without ipv6.disable=1"
        ) from error


class _Exchange:
    """One connection, from its first packet to the end of the answer."""

    def __init__(self, call: Call) -> None:
        self.call = call
        self._result: Result | None = None
        self._text = ""
        self._pair: AddressPair | None = None
        self._answer = bytearray()
        self._events = selectors.EVENT_READ
        target = call.target
        family = socket.AF_INET if target.address.address.version == 4 else socket.AF_INET6
        kind, number = _KINDS[target.protocol]
        with inside(call.caller.netns):
            self._socket = _open_socket(family, kind, number)
            self._identity = _free_port(family) if kind == socket.SOCK_RAW else 0
        if kind != socket.SOCK_STREAM:
            # Without it, only a refusal is told to such a socket, no other ICMP error.
            self._socket.setsockopt(*_RECVERR[family], 1)
        self._talk = SCHEMES[target.scheme].talk(self._socket, target, self)

    @property
    def done(self) -> bool:
        """Whether nothing more is to come."""
        return self._result is not None

    @property
    def identity(self) -> int:
        """The identifier of an echo request."""
        return self._identity

    @property
    def answer(self) -> bytearray:
        """What came so far."""
        return self._answer

    def fileno(self) -> int:
        """Return the socket's descriptor."""
        return self._socket.fileno()

    def start(self) -> None:
        """Send the first packet."""
        target = self.call.target.address
        error = self._socket.connect_ex((str(target.address), target.port))
        if error not in {0, errno.EINPROGRESS}:
            self._fail(error, os.strerror(error))
            return
        address, port = self._socket.getsockname()[:2]
        here = AddrPort(ip_address(address.partition("%")[0]), port if target.port else 0)
        self._pair = AddressPair(here, target)
        self.proceed()

    def watch(self, selector: selectors.BaseSelector) -> None:
        """Have the selector wait for what comes next, or for nothing any more."""
        known = selector.get_map().get(self)
        if self.done and known is not None:
            selector.unregister(self)
        elif known is None and not self.done:
            selector.register(self, self._events, self.proceed)
        elif known is not None and known.events != self._events:
            selector.modify(self, self._events, self.proceed)

    def proceed(self) -> None:
        """Send or receive what can be without waiting."""
        try:
            self._events = next(self._talk)
        except StopIteration as end:
            self._result, self._text = end.value
        except OSError as failure:
            self._fail(failure.errno or 0, failure.strerror or str(failure))

    def outcome(self) -> Outcome:
        """Return what came of the call so far; what is not done has run out of time."""
        result = self._result or (Result.ANSWERED if self._answer else Result.TIMEOUT)
        answer = self._answer.decode(errors="replace")
        return Outcome(
            caller=self.call.caller.name,
            target=self.call.target.address,
            result=result,
            client_address=client_address_of(answer),
            words=self._text or (_first_line(answer) if answer else "no answer"),
            pair=self._pair,
        )

    def close(self) -> None:
        """Close the socket; an unanswered SYN is not sent again."""
        self._talk.close()
        self._socket.close()

    def _fail(self, error: int, words: str) -> None:
        self._text = words
        if error == errno.ECONNREFUSED:
            self._result = Result.REFUSED
        elif error in _UNREACHABLE:
            self._result = Result.UNREACHABLE
        elif error == errno.ETIMEDOUT:
            self._result = Result.TIMEOUT
        else:
            self._result = Result.CLOSED


_Talk = Generator[int, None, tuple[Result, str]]
"""Yields what to wait for; returns how it ended, and in which words."""


def _connected(opened: socket.socket) -> Generator[int, None, None]:
    yield selectors.EVENT_WRITE
    error = opened.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
    if error:
        raise OSError(error, os.strerror(error))


def _tcp(opened: socket.socket, target: Target, exchange: _Exchange) -> _Talk:
    del target, exchange
    yield from _connected(opened)
    return Result.ANSWERED, "connected"


def _http(opened: socket.socket, target: Target, exchange: _Exchange) -> _Talk:
    yield from _connected(opened)
    opened.send(_request(target))
    while len(exchange.answer) < MAX_ANSWER:
        yield selectors.EVENT_READ
        piece = opened.recv(1 << 16)
        if not piece:
            break
        exchange.answer.extend(piece)
    return _answered(exchange)


def _https(opened: socket.socket, target: Target, exchange: _Exchange) -> _Talk:
    import ssl  # noqa: PLC0415 a tenth of a trace's imports

    yield from _connected(opened)
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    came, sent = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = context.wrap_bio(came, sent, server_hostname=target.name)
    is_sent = False
    while len(exchange.answer) < MAX_ANSWER:
        try:
            if not is_sent:
                tls.do_handshake()
                tls.write(_request(target))
                is_sent = True
            piece = tls.read(1 << 16)
            if not piece:
                break
            exchange.answer.extend(piece)
        except ssl.SSLWantReadError:
            opened.send(sent.read())
            yield selectors.EVENT_READ
            piece = opened.recv(1 << 16)
            came.write(piece) if piece else came.write_eof()
        except (ssl.SSLEOFError, ssl.SSLZeroReturnError):
            break
    return _answered(exchange)


def _udp(opened: socket.socket, target: Target, exchange: _Exchange) -> _Talk:
    opened.send(_payload(b"netlab\n", target))
    yield selectors.EVENT_READ
    exchange.answer.extend(opened.recv(1 << 16))
    return Result.ANSWERED, _first_line(exchange.answer.decode(errors="replace")) or "answered"


def _icmp(opened: socket.socket, target: Target, exchange: _Exchange) -> _Talk:
    version = target.address.address.version
    asks, answers = _ECHO[version]
    opened.send(_echo(asks, exchange.identity, _payload(b"netlab..", target)))
    while True:
        yield selectors.EVENT_READ
        packet = opened.recv(1 << 16)
        # A raw socket of IPv4 gets the packet's IP header too.
        message = packet[(packet[0] & 15) * 4 :] if version == 4 else packet
        if message[0] == answers and message[4:6] == struct.pack(">H", exchange.identity):
            return Result.ANSWERED, "echo reply"


class _Scheme(NamedTuple):
    protocol: str
    talk: Callable[[socket.socket, Target, _Exchange], _Talk]
    port: int | None = None
    """The port of a URL that names none."""


SCHEMES: Final = {
    "http": _Scheme("tcp", _http, 80),
    "https": _Scheme("tcp", _https, 443),
    "tcp": _Scheme("tcp", _tcp),
    "udp": _Scheme("udp", _udp),
    "icmp": _Scheme("icmp", _icmp),
}

_KINDS: Final = {
    "tcp": (socket.SOCK_STREAM, socket.IPPROTO_TCP),
    "udp": (socket.SOCK_DGRAM, socket.IPPROTO_UDP),
    "icmp": (socket.SOCK_RAW, socket.IPPROTO_ICMP),
    "icmpv6": (socket.SOCK_RAW, socket.IPPROTO_ICMPV6),
}


def _answered(exchange: _Exchange) -> tuple[Result, str]:
    if not exchange.answer:
        return Result.CLOSED, "the connection was closed without an answer"
    text = exchange.answer.decode(errors="replace")
    address = client_address_of(text)
    return Result.ANSWERED, f"client_address={address}" if address else _first_line(text)


def _first_line(text: str) -> str:
    return text.strip().partition("\n")[0].rstrip()[:200]


def _request(target: Target) -> bytes:
    lines = (
        f"GET {target.path} HTTP/1.1",
        f"Host: {target.netloc}",
        "User-Agent: netlab",
        "Connection: close",
    )
    return "".join(f"{line}\r\n" for line in (*lines, "")).encode()


def _payload(few: bytes, target: Target) -> bytes:
    return few if target.payload is None else few.ljust(target.payload, b".")[: target.payload]


def _echo(kind: int, identity: int, payload: bytes) -> bytes:
    """Return an echo; of ICMPv6, where addresses count too, the kernel makes the checksum anew."""
    body = struct.pack(">BBHHH", kind, 0, 0, identity, 1) + payload
    even = body + bytes(len(body) % 2)
    total = sum(struct.unpack(f">{len(even) // 2}H", even))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return body[:2] + struct.pack(">H", ~total & 0xFFFF) + body[4:]


def _free_port(family: socket.AddressFamily) -> int:
    """Return a number that the kernel gives to nobody else at the moment, another each time."""
    with socket.socket(family, socket.SOCK_DGRAM) as taken:
        taken.bind(("", 0))
        return int(taken.getsockname()[1])
