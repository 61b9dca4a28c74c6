"""The words of one match to its value."""

from collections.abc import Callable
from ipaddress import ip_network
from typing import Final

from netlab.netfilter.iptables.matches import (
    CT_STATES,
    AddrType,
    Comment,
    CtState,
    Destination,
    DestinationPorts,
    InInterface,
    IpProtocol,
    Mark,
    Match,
    OtherMatch,
    OutInterface,
    Ports,
    RecentCheck,
    RecentSet,
    Side,
    Source,
    Statistic,
)
from netlab.netfilter.iptables.save_format import WHOLE_ADDRESS
from netlab.netfilter.iptables.words import masked


def parse_match(words: list[str]) -> Match:
    """Return the match that ``words`` spell, or an ``OtherMatch`` that holds them."""
    inverted = words[0] == "!"
    head, *rest = words[1:] if inverted else words
    try:
        if head == "-m" and rest and not inverted:
            known = _extension(rest[0], rest[1:])
        else:
            known = _header(head, rest, inverted=inverted)
    except ValueError:
        known = None
    return known or OtherMatch(tuple(words))


def _header(option: str, values: list[str], *, inverted: bool) -> Match | None:
    match [option, *values]:
        case ["-s", network]:
            return Source(ip_network(network, strict=False), inverted)
        case ["-d", network]:
            return Destination(ip_network(network, strict=False), inverted)
        case ["-i", ifname]:
            return InInterface(ifname, inverted)
        case ["-o", ifname]:
            return OutInterface(ifname, inverted)
        case ["-p", protocol]:
            return IpProtocol(protocol, inverted)
        case _:
            return None


def _extension(name: str, words: list[str]) -> Match | None:
    inverted = words[:1] == ["!"]
    reader = _EXTENSIONS.get(name)
    if reader is not None:
        return reader(words[1:] if inverted else words, inverted)
    if name in {"tcp", "udp", "sctp"}:
        return _ports(name, words)
    if name == "comment" and words[:1] == ["--comment"] and len(words) == 2:
        return Comment(words[1])
    return None


def _addrtype(words: list[str], inverted: bool) -> Match | None:  # noqa: FBT001
    match words:
        case ["--src-type", kind]:
            return AddrType(Side.SOURCE, kind, inverted)
        case ["--dst-type", kind]:
            return AddrType(Side.DESTINATION, kind, inverted)
        case _:
            return None


def _mark(words: list[str], inverted: bool) -> Match | None:  # noqa: FBT001
    match words:
        case ["--mark", value]:
            return Mark(*masked(value), inverted)
        case _:
            return None


def _conntrack(words: list[str], inverted: bool) -> Match | None:  # noqa: FBT001
    match words:
        case ["--ctstate", value] if set(value.split(",")) <= set(CT_STATES):
            return CtState(frozenset(value.split(",")), inverted)
        case _:
            return None


def _statistic(words: list[str], inverted: bool) -> Match | None:  # noqa: FBT001
    match words:
        case ["--mode", "random", "--probability", value] if not inverted:
            return Statistic(float(value))
        case _:
            return None


_WHOLE_SOURCE: Final = [["--mask", mask, "--rsource"] for mask in WHOLE_ADDRESS.values()]
"""What iptables-save adds to every ``recent`` that names no mask and no side."""


def _recent(words: list[str], inverted: bool) -> Match | None:  # noqa: FBT001
    own = words[:-3] if words[-3:] in _WHOLE_SOURCE else words
    match own:
        case _ if inverted:
            return None
        case ["--set", "--name", name]:
            return RecentSet(name)
        case ["--rcheck", "--seconds", seconds, "--reap", "--name", name]:
            return RecentCheck(name, int(seconds))
        case ["--rcheck", "--seconds", seconds, "--name", name]:
            return RecentCheck(name, int(seconds), reap=False)
        case _:
            return None


def _multiport(words: list[str], inverted: bool) -> Match | None:  # noqa: FBT001
    match words:
        # A range, 80:90, is no number, and so no value of ours.
        case ["--dports", ports] if not inverted:
            return DestinationPorts(tuple(map(int, ports.split(","))))
        case _:
            return None


_EXTENSIONS: Final[dict[str, Callable[[list[str], bool], Match | None]]] = {
    "addrtype": _addrtype,
    "mark": _mark,
    "conntrack": _conntrack,
    "statistic": _statistic,
    "recent": _recent,
    "multiport": _multiport,
}


def _ports(protocol: str, words: list[str]) -> Match | None:
    match words:
        case []:
            return Ports(protocol)
        case ["--dport", port]:
            return Ports(protocol, destination=int(port))
        case ["--sport", port]:
            return Ports(protocol, source=int(port))
        case ["--sport", source, "--dport", destination]:
            return Ports(protocol, destination=int(destination), source=int(source))
        case _:
            return None
