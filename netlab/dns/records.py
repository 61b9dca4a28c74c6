"""Resource records, and what a zone answers to a question.

Names are in lower case and end without a dot; the root is the empty name.

Source: RFC 1035, RFC 2308 (negative answers), RFC 2782 (SRV), RFC 3596 (AAAA).
"""

from dataclasses import dataclass
from enum import IntEnum
from typing import NamedTuple, Protocol


class Type(IntEnum):
    """The types of records that zones here hold."""

    A = 1
    NS = 2
    CNAME = 5
    SOA = 6
    PTR = 12
    TXT = 16
    AAAA = 28
    SRV = 33


class Rcode(IntEnum):
    """How a question ended."""

    NOERROR = 0
    FORMERR = 1
    SERVFAIL = 2
    NXDOMAIN = 3
    NOTIMP = 4
    REFUSED = 5


class Srv(NamedTuple):
    """The data of an SRV record."""

    priority: int
    weight: int
    port: int
    target: str


class Soa(NamedTuple):
    """The data of a SOA record; times are in seconds."""

    primary: str
    mailbox: str
    serial: int
    refresh: int
    retry: int
    expire: int
    minimum: int


class Record(NamedTuple):
    """One resource record, of class IN."""

    name: str
    type: Type
    ttl: int
    """Seconds."""
    data: str | Srv | Soa
    """An address, a name or a text, by the type."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a zone says to a question. NODATA is NOERROR without answers."""

    rcode: Rcode = Rcode.NOERROR
    answers: tuple[Record, ...] = ()
    authority: tuple[Record, ...] = ()
    """The zone's SOA, where the answer is negative."""
    additional: tuple[Record, ...] = ()


class Zone(Protocol):
    """Who answers for some names."""

    def answer(self, name: str, qtype: int) -> Answer | None:
        """Return what is to be said of ``name``; None when it is another's to say."""


def is_within(name: str, domain: str) -> bool:
    """Return whether a name is a domain's own or lies below it.

    >>> is_within("a.cluster.local", "cluster.local"), is_within("xcluster.local", "cluster.local")
    (True, False)
    """
    return name == domain or name.endswith(f".{domain}") or not domain
