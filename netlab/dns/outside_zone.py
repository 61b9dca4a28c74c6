"""The names of the lab's outside world: its clients, its nodes' ExternalIPs, its load balancers.

The outside world of a lab is whole: what is not in here does not exist.
"""

from collections.abc import Mapping, Sequence
from typing import Final

from netlab.dns.names import address_of_reverse, reverse_name, type_of
from netlab.dns.records import Answer, Rcode, Record, Soa, Type, is_within

DOMAIN: Final = "netlab.test"
"""Below a domain that RFC 6761 keeps for such purposes."""
TTL_S: Final = 60
"""As AWS has it for a load balancer's name."""


class OutsideZone:
    """The names of one lab's outside world.

    Args:
        addresses: Addresses by name, of both families; names are whole.
    """

    def __init__(self, addresses: Mapping[str, Sequence[str]]) -> None:
        self.version = 0
        self._addresses: dict[str, Sequence[str]] = {}
        self._reverse: dict[str, str] = {}
        self._above: set[str] = set()
        self.set(addresses)

    def set(self, addresses: Mapping[str, Sequence[str]]) -> None:
        """Take other names."""
        if addresses == self._addresses:
            return
        self.version += 1
        self._addresses = dict(addresses)
        self._reverse = {
            reverse_name(one): name for name, found in addresses.items() for one in reversed(found)
        }
        self._above = {"", "test", DOMAIN}
        for name in addresses:
            labels = name.split(".")
            self._above |= {".".join(labels[i:]) for i in range(len(labels))}

    def answer(self, name: str, qtype: int) -> Answer:
        """Return what is to be said of ``name``."""
        if address_of_reverse(name) is not None and name in self._reverse:
            found = [Record(name, Type.PTR, TTL_S, self._reverse[name])]
        else:
            found = [
                Record(name, type_of(one), TTL_S, one) for one in self._addresses.get(name, ())
            ]
        soa = self._soa(name)
        if name in (DOMAIN, "") and qtype == Type.SOA:
            return Answer(answers=(soa,))
        answers = tuple(record for record in found if record.type == qtype)
        exists = bool(found) or name in self._above
        if answers:
            return Answer(answers=answers)
        return Answer(rcode=Rcode.NOERROR if exists else Rcode.NXDOMAIN, authority=(soa,))

    def _soa(self, name: str) -> Record:
        """Return who answers for a name: the lab's domain, or its root."""
        zone = DOMAIN if is_within(name, DOMAIN) else ""
        data = Soa(f"ns.{DOMAIN}", f"hostmaster.{DOMAIN}", self.version, 7200, 1800, 86_400, TTL_S)
        return Record(zone, Type.SOA, TTL_S, data)
