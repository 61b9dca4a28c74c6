"""One connection, made inside its caller's network namespace for a trace to watch."""

import errno
import os
import select
import socket
import struct
import time
from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Final

from netlab.linux.netns import inside
from netlab.model.hosts import Host
from netlab.model.packets import AddressPair, AddrPort
from netlab.trace.outcomes import Result, client_address_of
from netlab.trace.session.targets import Target

MAX_ANSWER: Final = 1 << 16
_ECHO: Final = {4: (8, 0), 6: (128, 129)}
"""Types of an echo's request and reply, by the version of the Internet Protocol."""
_UNREACHABLE: Final = {errno.ENETUNREACH, errno.EHOSTUNREACH, errno.EACCES, errno.EPERM}


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionAttempt:
    """What came of a connection, as its caller's socket has it."""

    pair: AddressPair
    """The source is 0.0.0.0:0, or [::]:0, when the kernel refused before there was a packet."""
    heard: Result
    text: str
    """The answer's first words, or how it ended."""


def make_connection(caller: Host, target: Target, timeout_s: float) -> ConnectionAttempt:
    """Call ``target`` from ``caller`` and wait for the end, or for the time to run out.

    Raises:
        FileNotFoundError: The caller's namespace is gone.
    """
    talk = _TALKS[target.scheme]
    family = socket.AF_INET if target.address.address.version == 4 else socket.AF_INET6
    kind, protocol = _KINDS[target.protocol]
    with inside(caller.netns):
        opened = socket.socket(family, kind, protocol)
    nowhere = ip_address("0.0.0.0" if family == socket.AF_INET else "::")  # noqa: S104
    pair = AddressPair(AddrPort(nowhere, 0), target.address)
    with opened:
        try:
            pair = _begin(opened, target)
            text = talk(opened, target, time.monotonic() + timeout_s)
        except TimeoutError:
            return ConnectionAttempt(pair=pair, heard=Result.TIMEOUT, text="no answer")
        except OSError as error:
            return ConnectionAttempt(
                pair=pair, heard=_heard(error), text=error.strerror or str(error)
            )
    return ConnectionAttempt(pair=pair, heard=Result.ANSWERED, text=text)


def _begin(opened: socket.socket, target: Target) -> AddressPair:
    opened.setblocking(False)  # noqa: FBT003 (the standard library's own signature)
    number = opened.connect_ex((str(target.address.address), target.address.port))
    if number not in {0, errno.EINPROGRESS}:
        raise OSError(number, os.strerror(number))
    address, port = opened.getsockname()[:2]
    here = AddrPort(ip_address(address), port if target.address.port else 0)
    return AddressPair(here, target.address)


def _http(opened: socket.socket, target: Target, deadline: float) -> str:
    _connected(opened, deadline)
    if target.scheme == "https":
        import ssl  # noqa: PLC0415 a tenth of a trace's imports

        context = ssl.create_default_context()
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        opened.settimeout(_left(deadline))
        opened = context.wrap_socket(opened, server_hostname=target.name)
    lines = (f"GET {target.path} HTTP/1.1", f"Host: {target.netloc}", "Connection: close", "", "")
    opened.settimeout(_left(deadline))
    opened.sendall("\r\n".join(lines).encode())
    answer = bytearray()
    while len(answer) < MAX_ANSWER:
        opened.settimeout(_left(deadline))
        piece = opened.recv(MAX_ANSWER)
        if not piece:
            break
        answer += piece
    text = answer.decode(errors="replace")
    address = client_address_of(text)
    return f"client_address={address}" if address else text.split("\r\n", 1)[0][:200]


def _tcp(opened: socket.socket, target: Target, deadline: float) -> str:
    del target
    _connected(opened, deadline)
    return "connected"


def _udp(opened: socket.socket, target: Target, deadline: float) -> str:
    opened.settimeout(_left(deadline))
    opened.send(_payload(b"netlab\n", target))
    answer = opened.recv(MAX_ANSWER).decode(errors="replace")
    return answer.strip()[:200] or "answered"


def _icmp(opened: socket.socket, target: Target, deadline: float) -> str:
    identity = opened.fileno()
    version = target.address.address.version
    asks, answers = _ECHO[version]
    opened.settimeout(_left(deadline))
    opened.send(_echo(asks, identity, 1, _payload(b"netlab..", target)))
    while True:
        opened.settimeout(_left(deadline))
        packet = opened.recv(MAX_ANSWER)
        # A raw socket of IPv4 gets the packet's IP header too.
        message = packet[(packet[0] & 15) * 4 :] if version == 4 else packet
        if message[0] == answers and message[4:6] == struct.pack(">H", identity):
            return "echo reply"


def _payload(few: bytes, target: Target) -> bytes:
    return few if target.payload is None else few.ljust(target.payload, b".")[: target.payload]


def _echo(kind: int, identity: int, sequence: int, payload: bytes) -> bytes:
    """Return an echo; of ICMPv6, where addresses count too, the kernel makes the checksum anew."""
    body = struct.pack(">BBHHH", kind, 0, 0, identity, sequence) + payload
    even = body + bytes(len(body) % 2)
    total = sum(struct.unpack(f">{len(even) // 2}H", even))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return body[:2] + struct.pack(">H", ~total & 0xFFFF) + body[4:]


def _connected(opened: socket.socket, deadline: float) -> None:
    if not select.select([], [opened], [], _left(deadline))[1]:
        raise TimeoutError
    number = opened.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
    if number:
        raise OSError(number, os.strerror(number))


def _left(deadline: float) -> float:
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError
    return left


def _heard(error: OSError) -> Result:
    if error.errno == errno.ECONNREFUSED:
        return Result.REFUSED
    return Result.UNREACHABLE if error.errno in _UNREACHABLE else Result.CLOSED


_Talk = Callable[[socket.socket, Target, float], str]
_TALKS: Final[dict[str, _Talk]] = {
    "http": _http,
    "https": _http,
    "tcp": _tcp,
    "udp": _udp,
    "icmp": _icmp,
}
_KINDS: Final = {
    "tcp": (socket.SOCK_STREAM, socket.IPPROTO_TCP),
    "udp": (socket.SOCK_DGRAM, socket.IPPROTO_UDP),
    "icmp": (socket.SOCK_RAW, socket.IPPROTO_ICMP),
    "icmpv6": (socket.SOCK_RAW, socket.IPPROTO_ICMPV6),
}
