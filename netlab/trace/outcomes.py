"""What came of a call, as the caller's socket and the echo server tell it."""

from dataclasses import dataclass
from enum import StrEnum
from ipaddress import ip_address

from netlab.model.addresses import Address
from netlab.model.packets import AddressPair, AddrPort


class Result(StrEnum):
    """How a call ended."""

    ANSWERED = "answered"
    REFUSED = "refused"
    TIMEOUT = "timeout"
    UNREACHABLE = "unreachable"
    """The caller's own routing, or an ICMP error, said so."""
    CLOSED = "closed"
    """The connection was made and ended without an answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """The end of one call."""

    caller: str
    target: AddrPort
    result: Result
    words: str = ""
    """The answer's first line, or how the call ended."""
    client_address: Address | None = None
    """The address the pod saw, from an echo server's answer."""
    pair: AddressPair | None = None
    """The connection as the caller's socket names it; None when the kernel refused before there was
    a packet."""

    def text(self) -> str:
        """Return the answer in one line, as the echo server or the kernel puts it."""
        if self.client_address is not None:
            return f"client_address={self.client_address}"
        return str(self.result)


def client_address_of(answer: str) -> Address | None:
    """Return the address an echo server says it was called from; None in any other answer.

    >>> client_address_of("client_address=10.244.1.1")
    IPv4Address('10.244.1.1')
    >>> client_address_of("<html>Welcome to nginx!</html>") is None
    True
    """
    for line in answer.splitlines():
        name, _, value = line.partition("=")
        if name == "client_address":
            try:
                # IPv6 callers of an IPv4 server and the reverse carry a scope or brackets.
                return ip_address(value.strip("[] ").removeprefix("::ffff:"))
            except ValueError:
                return None
    return None
