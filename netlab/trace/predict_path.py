"""Predict the way of a connection's first packet through every namespace of a lab.

Theory of operation
-------------------
The packet begins at its caller, which looks for a route and walks OUTPUT. In each host that it
comes to, a walker goes through that host's own rules; where they and the routes let the packet go
on, the next host is the one that has the next hop's address::

    caller OUTPUT ─▶ router ─▶ node PREROUTING (DNAT) … POSTROUTING (SNAT) ─▶ node ─▶ pod

A rule with a die makes two ways of one; each is followed to its end. Nodes, clients and the
load balancer hang on the router's bridges: what they send each other passes the router below its
rules.

The interface that a packet comes in by is the one that its host would answer through.
"""

import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import partial
from ipaddress import ip_address
from typing import Final

from netlab.model.addresses import Address
from netlab.model.hosts import Host, HostKind
from netlab.model.packets import AddressPair, AddrPort, Nat
from netlab.netfilter.hooks import HookWalker
from netlab.netfilter.verdicts import Endpoints, Outcome, Verdict
from netlab.netfilter.verdicts import Packet as Walked
from netlab.sources.routes import AskRoute, RouteAnswer, RouteQuestion
from netlab.trace.host_rules import EitherOrder, HostRules
from netlab.trace.predicted_path import End, PredictedPath, PredictedRewrite, PredictedVisit

MAX_VISITS: Final = 32
"""A packet that goes on longer runs in a circle."""

_ON_BRIDGES: Final = {HostKind.CLIENT, HostKind.NODE, HostKind.LB}

Addresses = Mapping[str, tuple[Address, ...]]
"""By interface, without loopback."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LabContext:
    """What a kernel knows in each host of a lab."""

    hosts: Mapping[str, Host]
    addresses: Mapping[str, Addresses]
    rules: Mapping[str, HostRules]
    """Of the hosts that have some."""
    ask: AskRoute
    most_ways: int = sys.maxsize
    """Of a choice among more endpoints the first is followed, and stands for all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Going:
    """A packet on its way into a host."""

    host: str
    pair: AddressPair
    is_made_here: bool = False
    chance: Fraction = Fraction(1)
    visits: tuple[PredictedVisit, ...] = ()
    alike: Endpoints = ()


def predict_path(
    context: LabContext, caller: str, pair: AddressPair, protocol: str
) -> tuple[PredictedPath, ...]:
    """Return every way that a connection's first packet can go, the likeliest first.

    Args:
        context: The lab.
        caller: Name of the host whose socket sends it.
        pair: The connection as that socket names it.
        protocol: ``tcp``, ``udp`` or ``icmp``.

    Raises:
        SpecError: A rule on its way has a match or a target whose effect is not known.
    """
    ways = _Predictor(context, protocol).follow(_Going(host=caller, pair=pair, is_made_here=True))
    return tuple(sorted(ways, key=lambda way: -way.chance))


class _Predictor:
    def __init__(self, context: LabContext, protocol: str) -> None:
        self._context = context
        self._protocol = protocol
        self._walkers: dict[str, HookWalker | EitherOrder] = {}
        self._owners = {
            address: host
            for host, interfaces in context.addresses.items()
            for addresses in interfaces.values()
            for address in addresses
        }

    def follow(self, going: _Going) -> Iterator[PredictedPath]:
        """Yield each way's end."""
        if going.is_made_here and self._route(going.host, going.pair, "").error:
            visit = PredictedVisit(host=going.host)
            yield self._ended(replace(going, visits=(visit,)), End.UNSENT)
            return
        ifname = "" if going.is_made_here else self._came_in_by(going)
        for outcome in self._walker(going.host).walk(self._packet(going, ifname)):
            yield from self._onward(going, outcome, ifname)

    def _onward(self, going: _Going, outcome: Outcome, ifname: str) -> Iterator[PredictedPath]:
        host = going.host
        halfway = AddressPair(
            going.pair.source, AddrPort(outcome.destination, outcome.destination_port)
        )
        route = self._route(host, halfway, ifname)
        pair = AddressPair(self._source(going, outcome, route), halfway.destination)
        visit = PredictedVisit(
            host=host, hits=outcome.hits, rewrites=tuple(_rewrites(going.pair, pair))
        )
        gone = replace(
            going,
            pair=pair,
            chance=going.chance * outcome.chance,
            visits=(*going.visits, visit),
            is_made_here=False,
            alike=outcome.alike or going.alike,
        )
        end = _end(outcome, route)
        if end is not None:
            yield self._ended(gone, end)
        elif len(gone.visits) >= MAX_VISITS:
            yield self._ended(gone, End.LOST)
        else:
            yield from self._next(gone, ip_address(route.via) if route.via else None)

    def _next(self, gone: _Going, via: Address | None) -> Iterator[PredictedPath]:
        """Follow a packet that leaves its host for the next hop ``via``, or for its destination."""
        owner = self._owners.get(via or gone.pair.destination.address)
        if owner is None:
            yield self._ended(gone, End.LOST)
            return
        here, there = self._context.hosts[gone.host], self._context.hosts[owner]
        if here.kind is there.kind is HostKind.POD and here.node:
            # On one bridge; the bridge's node has its rules look at what passes.
            yield from self.follow(replace(gone, host=here.node))
            return
        visits = gone.visits
        if here.kind in _ON_BRIDGES and there.kind in _ON_BRIDGES:
            router = next(h.name for h in self._context.hosts.values() if h.kind is HostKind.ROUTER)
            visits += (PredictedVisit(host=router, is_bridged=True),)
        yield from self.follow(replace(gone, host=owner, visits=visits))

    def _walker(self, host: str) -> HookWalker | EitherOrder:
        if host not in self._walkers:
            rules = self._context.rules.get(host)
            interfaces = self._context.addresses.get(host, {}).values()
            local = [address for addresses in interfaces for address in addresses]
            route = partial(self._leaves_by, host)
            self._walkers[host] = (
                HookWalker((), local, route)
                if rules is None
                else rules.walker(local, route, self._context.most_ways)
            )
        return self._walkers[host]

    def _leaves_by(self, host: str, packet: Walked) -> str | None:
        ends = AddressPair(
            AddrPort(packet.source, packet.source_port),
            AddrPort(packet.destination, packet.destination_port),
        )
        route = self._route(host, ends, packet.in_interface)
        return None if route.error else "" if route.route == "local" else route.ifname

    def _packet(self, going: _Going, ifname: str) -> Walked:
        source, destination = going.pair
        return Walked(
            source=source.address,
            source_port=source.port,
            destination=destination.address,
            destination_port=destination.port,
            protocol=self._protocol.upper(),
            is_made_here=going.is_made_here,
            in_interface=ifname,
            out_interface=self._route(going.host, going.pair, "").ifname
            if going.is_made_here
            else "",
        )

    def _route(self, host: str, pair: AddressPair, ifname: str) -> RouteAnswer:
        """Return where ``host`` sends a packet that came in by ``ifname``, or that it made."""
        source = pair.source.address if ifname else None
        question = RouteQuestion(
            host=host,
            destination=pair.destination.address,
            source=source,
            ifname_in=ifname,
            protocol=self._protocol.upper(),
            source_port=pair.source.port,
            destination_port=pair.destination.port,
        )
        return self._context.ask(question)

    def _came_in_by(self, going: _Going) -> str:
        question = RouteQuestion(host=going.host, destination=going.pair.source.address)
        return self._context.ask(question).ifname

    def _source(self, going: _Going, outcome: Outcome, route: RouteAnswer) -> AddrPort:
        before = going.pair.source
        if outcome.is_masqueraded:
            own = _reachable(self._context.addresses.get(going.host, {}))
            # An interface without an address borrows one, as inet_select_addr does.
            of_interface = own.get(route.ifname) or next(iter(own.values()), ())
            return AddrPort(of_interface[0], 0) if of_interface else before
        return before if outcome.source == before.address else AddrPort(outcome.source, before.port)

    def _ended(self, going: _Going, end: End) -> PredictedPath:
        return PredictedPath(
            chance=going.chance,
            visits=going.visits,
            end=end,
            destination=going.pair.destination,
            alike=going.alike,
        )


def _reachable(interfaces: Addresses) -> Addresses:
    """Leave out addresses that mean nothing beyond a link; of IPv6 every interface has one."""
    found = {
        ifname: tuple(address for address in addresses if not address.is_link_local)
        for ifname, addresses in interfaces.items()
    }
    return {ifname: addresses for ifname, addresses in found.items() if addresses}


def _end(outcome: Outcome, route: RouteAnswer) -> End | None:
    """Return how the packet ended in this host; None when it goes on."""
    match outcome.verdict:
        case Verdict.DROP:
            return End.DROPPED
        case Verdict.REJECT:
            return End.REJECTED
        case _ if route.error:
            return End.UNROUTED
        case _:
            return End.DELIVERED if route.route == "local" else None


def _rewrites(before: AddressPair, after: AddressPair) -> Iterator[PredictedRewrite]:
    if before.destination != after.destination:
        yield PredictedRewrite(kind=Nat.DNAT, before=before.destination, after=after.destination)
    if before.source != after.source:
        yield PredictedRewrite(kind=Nat.SNAT, before=before.source, after=after.source)
