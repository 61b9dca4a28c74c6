"""Which connections a trace waits for: ``tcp port 31704 and src host client``.

::

    expression  =  term { ["and"] term }
    term        =  "tcp" | "udp" | "icmp" | "icmp6"
                |  ["src" | "dst"] "port" NUMBER
                |  ["src" | "dst"] ["host"] NAME or ADDRESS

Words are those of tcpdump. Without a protocol it is TCP. An end of the connection matches when it
is so on any wire of the way: before NAT or behind it.
"""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Final

from netlab.errors import SpecError
from netlab.model.addresses import Address
from netlab.model.packets import AddressPair, AddrPort

FORM: Final = (
    "tcp, udp, icmp or icmp6, and any of: port N, host NAME, src port N, dst port N, src host NAME,"
    " dst host NAME; joined by 'and'"
)
EXAMPLE: Final = "--attach 'tcp port 30080 and src host client'"
_PROTOCOLS: Final = {"tcp": "tcp", "udp": "udp", "icmp": "icmp", "icmp6": "icmpv6"}
"""What tcpdump's words are called elsewhere."""
_SIDES: Final = ("src", "dst")
_NAME: Final = re.compile(r"[A-Za-z0-9_.:/-]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class EndTest:
    """What one end of a connection must be."""

    side: str = ""
    """``src``, ``dst``, or empty for either."""
    port: int | None = None
    address: Address | None = None

    def fits(self, pair: AddressPair) -> bool:
        """Tell whether a packet with these addresses passes."""
        ends = {"src": [pair.source], "dst": [pair.destination]}.get(self.side, list(pair))
        return any(self._is(end) for end in ends)

    def _is(self, end: AddrPort) -> bool:
        return self.port in {None, end.port} and self.address in {None, end.address}


@dataclass(frozen=True, slots=True, kw_only=True)
class AttachFilter:
    """The connections that somebody waits for."""

    text: str
    protocol: str
    """``tcp``, ``udp``, ``icmp`` or ``icmpv6``."""
    tests: tuple[EndTest, ...] = ()

    def fits(self, pairs: Iterable[AddressPair]) -> bool:
        """Tell whether a packet that wore ``pairs`` on its way is wanted."""
        own_pairs = tuple(pairs)
        return all(any(test.fits(pair) for pair in own_pairs) for test in self.tests)


Resolve = Callable[[str], Address]
"""Gives the address of a name."""


def parse_attach_filter(text: str, resolve: Resolve) -> AttachFilter:
    """Return the connections that ``text`` spells.

    Args:
        text: As the user typed it.
        resolve: Looks a name up, and complains of an unknown one.

    Raises:
        SpecError: It spells none; the hint has the form.

    >>> parse_attach_filter("udp port 53", ip_address).protocol
    'udp'
    """
    return _Reader(text, resolve).read()


class _Reader:
    def __init__(self, text: str, resolve: Resolve) -> None:
        self._text = text
        self._resolve = resolve
        self._words = text.split()
        self._protocol = ""

    def read(self) -> AttachFilter:
        """Return the whole expression."""
        if not self._words:
            raise self._complaint("it is empty")
        tests = []
        while self._words:
            if (test := self._term()) is not None:
                tests.append(test)
            if self._words[:1] == ["and"]:
                self._words.pop(0)
                if not self._words:
                    raise self._complaint("it ends with 'and'")
        protocol = self._protocol or "tcp"
        if protocol.startswith("icmp") and any(test.port is not None for test in tests):
            raise self._complaint("ICMP has no ports")
        return AttachFilter(text=self._text, protocol=protocol, tests=tuple(tests))

    def _term(self) -> EndTest | None:
        word = self._words.pop(0)
        if word in _PROTOCOLS:
            if self._protocol not in {"", _PROTOCOLS[word]}:
                raise self._complaint(f"no packet is {self._protocol} and {word}")
            self._protocol = _PROTOCOLS[word]
            return None
        side = word if word in _SIDES else ""
        if side:
            word = self._next(f"'{side}' needs 'port N' or 'host NAME'")
        if word == "port":
            return EndTest(side=side, port=self._port())
        if word == "host":
            return EndTest(side=side, address=self._address(self._next("'host' needs a name")))
        if side:
            return EndTest(side=side, address=self._address(word))
        raise self._complaint(f"{word!r} is not known")

    def _port(self) -> int:
        word = self._next("'port' needs a number")
        if not (word.isascii() and word.isdigit() and 0 < int(word) < 65536):
            raise self._complaint(f"{word!r} is no port")
        return int(word)

    def _address(self, word: str) -> Address:
        if not _NAME.fullmatch(word):
            raise self._complaint(f"{word!r} is no name or address")
        try:
            return ip_address(word)
        except ValueError:
            return self._resolve(word)

    def _next(self, complaint: str) -> str:
        if not self._words:
            raise self._complaint(complaint)
        return self._words.pop(0)

    def _complaint(self, why: str) -> SpecError:
        return SpecError(f"--attach {self._text!r}: {why}", hint=f"say {FORM}; for one: {EXAMPLE}")
