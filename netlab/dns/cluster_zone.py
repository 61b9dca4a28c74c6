"""The cluster's zone: Services, their endpoints and pods by name, and back by address.

Theory of operation
-------------------
The zone holds objects, not records: a question names the Service that it is about, and the answer
is made from that one. So a change costs as much as it touches. Back from an address to names leads
an index.

=============================================  ============================================
name                                           records
=============================================  ============================================
``SERVICE.NAMESPACE.svc.cluster.local``        A and AAAA of the ClusterIPs, or, when it is
                                               headless, of the endpoints; CNAME of an
                                               ExternalName; SRV of every port
``_PORT._PROTOCOL.SERVICE.NAMESPACE.svc...``   SRV
``HOSTNAME.SERVICE.NAMESPACE.svc...``          A, AAAA and SRV of an endpoint
``10-244-1-2.NAMESPACE.pod.cluster.local``     A or AAAA of the address that it spells
``dns-version.cluster.local``                  TXT
``2.1.244.10.in-addr.arpa``, ``...ip6.arpa``   PTR
=============================================  ============================================

A name that exists, or below which one does, has no data of another type (NODATA); any other does
not exist (NXDOMAIN). Both come with the zone's SOA.

Source: Kubernetes DNS-Based Service Discovery, version 1.1.0; CoreDNS, ``plugin/kubernetes``, for
what the specification leaves open: times, weights, names of endpoints, pod names unverified.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Final, NamedTuple

from netlab.dns.names import address_in_label, address_of_reverse, type_of
from netlab.dns.objects import EndpointSlice, Port, Service
from netlab.dns.records import Answer, Rcode, Record, Soa, Srv, Type, is_within

DNS_SERVICE: Final = ("kube-system", "kube-dns")
TTL_S: Final = 30
SCHEMA_VERSION: Final = "1.1.0"
_VERSION_TTL_S: Final = 28_800
_WEIGHT: Final = 100
"""Shared by all SRV records of an answer."""
_PROTOCOLS: Final = frozenset({"_tcp", "_udp", "_sctp"})
_NO_PORT: Final = Port(name="", protocol="tcp", number=0)

Name = tuple[str, str]
"""Namespace and name of an object."""


class _Backend(NamedTuple):
    hostname: str
    """Empty for a ClusterIP."""
    address: str
    port: Port


class ClusterZone:
    """The zone of one cluster.

    Args:
        domain: Its name.
        serial: Of the SOA record; seconds since 1970 at which the server started will do.
    """

    def __init__(self, domain: str = "cluster.local", serial: int = 1) -> None:
        self.domain = domain
        self.version = 0
        """Another number whenever an answer may be another."""
        self._serial = serial
        self._namespaces: set[str] = set()
        self._services: dict[Name, Service] = {}
        self._slices: dict[Name, EndpointSlice] = {}
        self._slices_of: dict[Name, dict[Name, EndpointSlice]] = {}
        self._addresses_of: dict[Name, frozenset[str]] = {}
        self._services_at: dict[str, set[Name]] = {}

    def set_namespace(self, name: str, *, exists: bool) -> None:
        """Take note of a namespace, or of its end."""
        self.version += 1
        if exists:
            self._namespaces.add(name)
        else:
            self._namespaces.discard(name)

    def set_service(self, name: Name, service: Service | None) -> None:
        """Take a Service, or drop it when it is None."""
        self.version += 1
        if service is None:
            self._services.pop(name, None)
        else:
            self._services[name] = service
        self._index(name)

    def set_slice(self, name: Name, piece: EndpointSlice | None) -> None:
        """Take an EndpointSlice, or drop it when it is None."""
        self.version += 1
        old = self._slices.pop(name, None)
        if old is not None:
            owner = old.namespace, old.service
            del self._slices_of[owner][name]
            self._index(owner)
        if piece is not None:
            owner = piece.namespace, piece.service
            self._slices[name] = piece
            self._slices_of.setdefault(owner, {})[name] = piece
            self._index(owner)

    def answer(self, name: str, qtype: int) -> Answer | None:
        """Return what is to be said of ``name``; None when it is another's to say."""
        if (address := address_of_reverse(name)) is not None:
            return self._reverse(name, address, qtype)
        if not is_within(name, self.domain):
            return None
        found = self._records(name, qtype)
        if found is None:
            return Answer(rcode=Rcode.NXDOMAIN, authority=(self._soa(),))
        if not found:
            return Answer(authority=(self._soa(),))
        return Answer(answers=tuple(found), additional=tuple(self._targets(found)))

    def _records(self, name: str, qtype: int) -> Sequence[Record] | None:
        """Return the records of a name that are of one type; None when there is no such name."""
        labels = name.removesuffix(self.domain).rstrip(".").split(".")
        match labels:
            case [*before, service, namespace, "svc"]:
                return self._of_service(name, (namespace, service), before, qtype)
            case [label, namespace, "pod"] if namespace in self._namespaces:
                address = address_in_label(label)
                return None if address is None else _address_records(name, [address], qtype)
            case [namespace, "svc" | "pod"] if namespace in self._namespaces:
                return ()
            case _:
                fixed = self._fixed()
                if name not in fixed:
                    return None
                return [record for record in fixed[name] if record.type == qtype]

    def _fixed(self) -> dict[str, Sequence[Record]]:
        """Return the names that there are without any object."""
        zone, server = self.domain, f"ns.dns.{self.domain}"
        own = self._services.get(DNS_SERVICE)
        addresses = own.cluster_ips if own is not None else ()
        return {
            zone: (self._soa(), Record(zone, Type.NS, TTL_S, server)),
            server: [Record(server, type_of(one), TTL_S, one) for one in addresses],
            f"dns-version.{zone}": [
                Record(f"dns-version.{zone}", Type.TXT, _VERSION_TTL_S, SCHEMA_VERSION)
            ],
            **dict.fromkeys((f"dns.{zone}", f"pod.{zone}", f"svc.{zone}"), ()),
        }

    def _of_service(
        self, name: str, key: Name, before: Sequence[str], qtype: int
    ) -> Sequence[Record] | None:
        service = self._services.get(key)
        if service is None:
            return None
        if service.external_name:
            return None if before else [Record(name, Type.CNAME, TTL_S, service.external_name)]
        found = self._selected(service, before)
        if not found:
            return None
        if before and before[-1] in _PROTOCOLS and (len(before) == 1 or qtype != Type.SRV):
            return ()
        if qtype == Type.SRV:
            return _srv_records(name, [(self._target(service, one), one.port) for one in found])
        return _address_records(name, [one.address for one in found], qtype)

    def _selected(self, service: Service, before: Sequence[str]) -> list[_Backend]:
        """Return what the labels before a Service's name leave of what stands behind it."""
        match before:
            case []:
                return list(self._backends(service))
            case [protocol] if protocol in _PROTOCOLS:
                return [
                    one for one in self._backends(service) if f"_{one.port.protocol}" == protocol
                ]
            case [hostname]:
                return [one for one in self._endpoints(service) if one.hostname == hostname]
            case [port, protocol]:
                return [
                    one
                    for one in self._backends(service)
                    if (f"_{one.port.name.lower()}", f"_{one.port.protocol}") == (port, protocol)
                    and one.port.name
                ]
            case _:
                return []

    def _backends(self, service: Service) -> Iterable[_Backend]:
        """Return what a Service's name stands for."""
        if service.is_headless:
            return self._endpoints(service)
        ports = service.ports
        return [_Backend("", address, port) for port in ports for address in service.cluster_ips]

    def _endpoints(self, service: Service) -> Iterator[_Backend]:
        for piece in self._slices_of.get((service.namespace, service.name), {}).values():
            for endpoint in piece.endpoints:
                # The endpoints of a Service without ports have names all the same.
                for port in piece.ports or (_NO_PORT,):
                    yield _Backend(endpoint.hostname.lower(), endpoint.address, port)

    def _target(self, service: Service, backend: _Backend) -> str:
        full = f"{service.name}.{service.namespace}.svc.{self.domain}"
        return f"{backend.hostname}.{full}" if backend.hostname else full

    def _targets(self, found: Iterable[Record]) -> Iterator[Record]:
        """Return the addresses of the names that SRV records lead to."""
        names = dict.fromkeys(one.data.target for one in found if isinstance(one.data, Srv))
        for name in names:
            for qtype in (Type.A, Type.AAAA):
                yield from self._records(name, qtype) or ()

    def _reverse(self, name: str, address: str, qtype: int) -> Answer | None:
        targets = []
        for key in sorted(self._services_at.get(address, ())):
            service = self._services[key]
            targets += [
                self._target(service, one)
                for one in self._backends(service)
                if one.address == address
            ]
        if not targets:
            return None
        if qtype != Type.PTR:
            return Answer(authority=(self._soa(),))
        records = [Record(name, Type.PTR, TTL_S, target) for target in dict.fromkeys(targets)]
        return Answer(answers=tuple(records))

    def _index(self, key: Name) -> None:
        """Have the addresses of a Service lead back to it."""
        for address in self._addresses_of.pop(key, ()):
            self._services_at[address].discard(key)
            if not self._services_at[address]:
                del self._services_at[address]
        service = self._services.get(key)
        if service is None:
            return
        addresses = frozenset(one.address for one in self._backends(service))
        self._addresses_of[key] = addresses
        for address in addresses:
            self._services_at.setdefault(address, set()).add(key)

    def _soa(self) -> Record:
        data = Soa(
            primary=f"ns.dns.{self.domain}",
            mailbox=f"hostmaster.{self.domain}",
            serial=self._serial,
            refresh=7200,
            retry=1800,
            expire=86_400,
            minimum=TTL_S,
        )
        return Record(self.domain, Type.SOA, TTL_S, data)


def _address_records(name: str, addresses: Iterable[str], qtype: int) -> Sequence[Record]:
    return [
        Record(name, type_of(address), TTL_S, address)
        for address in dict.fromkeys(addresses)
        if type_of(address) == qtype
    ]


def _srv_records(name: str, found: Iterable[tuple[str, Port]]) -> Sequence[Record]:
    ends = list(dict.fromkeys((target, port.number) for target, port in found if port.number))
    weight = _WEIGHT // len(ends) if ends else 0
    return [Record(name, Type.SRV, TTL_S, Srv(0, weight, port, target)) for target, port in ends]
