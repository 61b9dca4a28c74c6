"""What a person asks about a packet: ``pod 10.0.0.2 -> 172.30.0.41:80/tcp``."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from ipaddress import ip_address
from typing import Final

from netlab.model.addresses import Address, Family
from netlab.model.packets import Protocol

FORM: Final = "[pod|node|client|localhost] SOURCE -> DESTINATION:PORT/PROTOCOL"
EXAMPLE: Final = "pod 10.0.0.2 -> 172.30.0.41:80/tcp"
OBJECT_EXAMPLE: Final = (
    '{"sourceIP": "10.0.0.2", "destIP": "172.30.0.41", "destPort": 80, "protocol": "TCP"}'
)
"""The same in JSON."""

_FLOW: Final = re.compile(
    r"\s*(?:(?P<origin>[a-z]+)\s+)?(?P<source>[0-9a-fA-F.:\[\]]+)?\s*(?:->|→)\s*"
    r"(?P<destination>\[[^\]]+\]|[^\s\[\]]+):(?P<port>\d{1,5})(?:/(?P<protocol>\w+))?\s*",
    re.ASCII,
)


class Origin(StrEnum):
    """What sends a packet."""

    POD = "pod"
    NODE = "node"
    CLIENT = "client"
    LOCALHOST = "localhost"


class FlowError(ValueError):
    """A flow that nobody can read; the message says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowQuestion:
    """A flow that somebody asks about."""

    source: Address
    destination: Address
    port: int
    protocol: Protocol = Protocol.TCP
    origin: Origin | None = None
    """None when only the address tells."""
    label: str = ""
    """The asker's own name for it."""

    @property
    def family(self) -> Family:
        """The address family of both ends."""
        return Family.IPV4 if self.source.version == 4 else Family.IPV6

    def __str__(self) -> str:
        """Return the flow as ``parse_flow`` reads it."""
        host = self.destination
        there = f"{host if host.version == 4 else f'[{host}]'}:{self.port}"
        who = f"{self.origin} " if self.origin else ""
        return f"{who}{self.source} -> {there}/{self.protocol.lower()}"


def parse_flow(text: str) -> FlowQuestion:
    """Return the flow that ``text`` spells; the protocol is TCP when it names none.

    Raises:
        FlowError: It spells none.

    >>> print(parse_flow("client 203.0.113.2 -> 1.2.3.4:80"))
    client 203.0.113.2 -> 1.2.3.4:80/tcp
    """
    found = _FLOW.fullmatch(text)
    if not found:
        raise FlowError(f"{text!r} is no flow")
    fields = {key: value for key, value in found.groupdict().items() if value}
    if "source" not in fields and fields.get("origin") == Origin.LOCALHOST:
        fields["source"] = "::1" if ":" in fields["destination"] else "127.0.0.1"
    return _question(fields)


def flow_of(value: object) -> FlowQuestion:
    """Return the flow of one entry of a JSON list: a text, or an object.

    An object has ``sourceIP``, ``destIP``, ``destPort`` and, if it is not TCP, ``protocol``; it may
    have ``origin``, and ``id`` and ``name`` to be known by. Its other fields are the asker's own.

    Raises:
        FlowError: It is neither, or a field of it is missing or wrong.
    """
    if isinstance(value, str):
        return parse_flow(value)
    if not isinstance(value, Mapping):
        raise FlowError(f"{value!r} is neither a text nor an object")
    names = {"sourceIP": "source", "destIP": "destination", "destPort": "port"}
    missing = [name for name in names if name not in value]
    if missing:
        raise FlowError(f"a flow without {', '.join(missing)}")
    fields = {short: str(value[name]) for name, short in names.items()}
    fields |= {key: str(value[key]) for key in ("protocol", "origin") if value.get(key)}
    fields["label"] = " ".join(str(value[key]) for key in ("id", "name") if value.get(key))
    return _question(fields)


def _question(fields: Mapping[str, str]) -> FlowQuestion:
    source = _address(fields.get("source", ""), "source")
    destination = _address(fields["destination"], "destination")
    if source.version != destination.version:
        raise FlowError(f"{source} and {destination} are of different address families")
    port = fields["port"]
    if not port.isdecimal() or not 1 <= int(port) <= 65535:
        raise FlowError(f"port {port} is not between 1 and 65535")
    return FlowQuestion(
        source=source,
        destination=destination,
        port=int(port),
        protocol=Protocol(_one_of(fields.get("protocol", "TCP").upper(), Protocol, "protocol")),
        origin=Origin(_one_of(fields["origin"], Origin, "origin")) if "origin" in fields else None,
        label=fields.get("label", ""),
    )


def _address(text: str, which: str) -> Address:
    try:
        return ip_address(text.strip("[]"))
    except ValueError:
        raise FlowError(f"{text!r} is no {which} address" if text else f"no {which}") from None


def _one_of(text: str, known: type[StrEnum], what: str) -> str:
    if text not in list(known):
        raise FlowError(f"{what} {text!r} is none of {', '.join(map(str, known))}")
    return text
