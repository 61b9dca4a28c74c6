"""All Services, each with the EndpointSlices that name it, and which of them have changed.

Theory of operation
-------------------
Rules are compiled Service by Service, so a Service and its slices are what a change is counted in.
Whoever follows the objects sets one at a time, as it changes, and asks now and then which Services
are no longer what they were; an object that is set to what it was already changes none.

Source: kube-proxy, ``pkg/proxy/servicechangetracker.go`` and ``endpointschangetracker.go``.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple, Self

from netlab.kube.kinds.service.view import EndpointSlice, Service
from netlab.model.addresses import Family


class Name(NamedTuple):
    """Of a Service or an EndpointSlice; sorts in the order in which rules are laid."""

    namespace: str
    name: str


@dataclass(frozen=True, slots=True)
class ServiceEndpoints:
    """A Service and the slices of its endpoints, by name."""

    service: Service
    slices: tuple[EndpointSlice, ...] = ()


class ServiceMap:
    """Services and their EndpointSlices at this moment."""

    def __init__(self) -> None:
        self._services: dict[Name, Service] = {}
        self._slices: dict[Name, EndpointSlice] = {}
        self._slices_of: defaultdict[Name, dict[str, EndpointSlice]] = defaultdict(dict)
        self._endpoints: Counter[Family] = Counter()
        self._endpoints_of: dict[Name, Counter[Family]] = {}
        self._uncounted: set[Name] = set()
        self._changed: set[Name] = set()

    @classmethod
    def of(cls, services: Iterable[Service], slices: Iterable[EndpointSlice]) -> Self:
        """Return the map of these objects, all of them changed."""
        made = cls()
        for service in services:
            made.set_service(Name(service.namespace, service.name), service)
        for piece in slices:
            made.set_slice(Name(piece.namespace, piece.name), piece)
        return made

    def set_service(self, name: Name, service: Service | None) -> None:
        """Take note of a Service as it is now; None when there is none of that name."""
        if self._services.get(name) == service:
            return
        self._change(name)
        if service is None:
            del self._services[name]
        else:
            self._services[name] = service

    def set_slice(self, name: Name, piece: EndpointSlice | None) -> None:
        """Take note of an EndpointSlice as it is now; None when there is none of that name."""
        old = self._slices.pop(name, None)
        if piece is not None:
            self._slices[name] = piece
        if old == piece:
            return
        if old is not None:
            owner = self._owner(old)
            del self._slices_of[owner][name.name]
            if not self._slices_of[owner]:
                del self._slices_of[owner]
        if piece is not None:
            self._slices_of[self._owner(piece)][name.name] = piece

    def take_changes(self) -> list[Name]:
        """Return the Services that are not what they were at the last call, in order."""
        changed = sorted(self._changed)
        self._changed.clear()
        return changed

    def names(self) -> list[Name]:
        """Return the name of every Service, in order."""
        return sorted(self._services)

    def get(self, name: Name) -> ServiceEndpoints | None:
        """Return a Service with its slices, or None when there is none of that name."""
        service = self._services.get(name)
        if service is None:
            return None
        slices = self._slices_of.get(name, {})
        return ServiceEndpoints(service, tuple(slices[each] for each in sorted(slices)))

    def count_endpoints(self, family: Family) -> int:
        """Return the number of endpoints of one family that Services are to be led to.

        An endpoint counts once for each port that a Service has it on. Services that kube-proxy
        leaves alone have none.
        """
        for name in self._uncounted:
            served = self.get(name)
            counted = Counter({each: _count(served, each) for each in Family if served is not None})
            self._endpoints.subtract(self._endpoints_of.pop(name, Counter()))
            self._endpoints.update(counted)
            if counted.total():
                self._endpoints_of[name] = counted
        self._uncounted.clear()
        return self._endpoints[family]

    def _owner(self, piece: EndpointSlice) -> Name:
        """Return the Service whose rules come from ``piece``, which is changed by that."""
        owner = Name(piece.namespace, "" if piece.is_skipped else piece.service_name)
        self._change(owner)
        return owner

    def _change(self, name: Name) -> None:
        self._changed.add(name)
        self._uncounted.add(name)


def _count(served: ServiceEndpoints, family: Family) -> int:
    service = served.service
    if not (service.is_proxied and any(family.holds(ip) for ip in service.cluster_ips)):
        return 0
    wanted = {(port.name, port.protocol) for port in service.ports}
    found = {
        (port.name, port.protocol, port.port, endpoint.addresses[0])
        for piece in served.slices
        if piece.address_type == family
        for port in piece.ports
        if port.port and (port.name, port.protocol) in wanted
        for endpoint in piece.endpoints
        if endpoint.addresses
    }
    return len(found)
