"""The words of a target to its value."""

from ipaddress import ip_address
from typing import Final

from netlab.model.addresses import Address
from netlab.netfilter.iptables.targets import (
    Accept,
    Dnat,
    Drop,
    Goto,
    Jump,
    Masquerade,
    OtherTarget,
    Reject,
    Return,
    SetMark,
    Snat,
    Target,
)
from netlab.netfilter.iptables.words import ALL_BITS, masked


def parse_target(words: list[str], chains: frozenset[str]) -> Target:
    """Return the target that ``words`` spell; a ``-j`` to one of ``chains`` is a jump.

    What has no value of its own becomes an ``OtherTarget`` that holds the words.
    """
    match words:
        case ["-g", name]:
            return Goto(name)
        case ["-j", name] if name in chains:
            return Jump(name)
        case ["-j", name] if name in _VERDICTS:
            return _VERDICTS[name]
        case ["-j", name, *options]:
            try:
                known = _options(name, options)
            except ValueError:
                known = None
            return known or OtherTarget(tuple(words))
        case _:
            return OtherTarget(tuple(words))


_VERDICTS: Final[dict[str, Target]] = {
    "RETURN": Return(),
    "ACCEPT": Accept(),
    "DROP": Drop(),
    "REJECT": Reject(),
    "MASQUERADE": Masquerade(),
}


def _options(name: str, options: list[str]) -> Target | None:
    match [name, *options]:
        case ["REJECT", "--reject-with", message]:
            return Reject(message)
        case ["MASQUERADE", "--random-fully"]:
            return Masquerade(random_fully=True)
        case ["DNAT", "--to-destination", where]:
            return Dnat(*_where(where))
        case ["SNAT", "--to-source", where]:
            return Snat(*_where(where))
        case ["MARK", operation, value]:
            return _set_mark(operation, value)
        case _:
            return None


def _set_mark(operation: str, text: str) -> Target | None:
    value, mask = masked(text)
    match operation:
        case "--set-xmark":
            return SetMark(value, mask)
        case "--set-mark":
            return SetMark(value, mask | value)
        case "--or-mark":
            return SetMark(value, value)
        case "--xor-mark":
            return SetMark(value, 0)
        case "--and-mark":
            return SetMark(0, ALL_BITS & ~value)
        case _:
            return None


def _where(text: str) -> tuple[Address, int | None]:
    """Split ``192.0.2.1:80`` or ``[2001:db8::1]:80``; the port may be missing."""
    if text.startswith("["):
        address, _, port = text[1:].partition("]:")
    elif text.count(":") > 1:
        address, port = text, ""
    else:
        address, _, port = text.partition(":")
    return ip_address(address), int(port) if port else None
