"""Trace one connection through a running lab.

Theory of operation
-------------------
Everything that can tell of a packet is opened on every host first; then the connection is made;
then, when nothing more comes, all is closed, and the rest is work on values: what was heard is
joined into packets, and the last attempt's end is put in words.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from typing import Any, Final

from netlab.client.address_names import address_names
from netlab.client.cluster import Cluster, ServicePort
from netlab.linux.frames import Frame
from netlab.linux.neighbours import silent_neighbours
from netlab.linux.netns import inside
from netlab.model.addresses import Family, family_of
from netlab.model.hosts import Host
from netlab.model.rundir import kernel_layout_file
from netlab.sources.conntrack_entries import ConntrackEntry
from netlab.sources.kernel_drops import KernelDrops
from netlab.sources.routes import RouteQuestion
from netlab.trace.clues import AskSilent
from netlab.trace.connection_verdict import Question, connection_verdict
from netlab.trace.join import Evidence, join
from netlab.trace.rules_by_handle import RuleBook
from netlab.trace.session.connection_attempt import ConnectionAttempt, make_connection
from netlab.trace.session.listening import Listening, OpenDrops
from netlab.trace.session.routes import Routes
from netlab.trace.session.rules_read import RulesRead
from netlab.trace.session.targets import (
    NUMBERS,
    Names,
    Target,
    find_caller,
    find_target,
    with_payload,
)
from netlab.trace.steps import Knowledge
from netlab.trace.trace import Packet, RuleHit, Trace

TIMEOUT_S: Final = 1.5
"""How long to wait for an answer: long enough for a second SYN, which comes after one second."""

Keep = Callable[[tuple[Frame, ...]], object]
"""Takes frames."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TraceRequest:
    """What to trace."""

    caller: str
    target: str
    timeout_s: float
    predict: bool = False
    """Also predict the path from the rules, and compare."""
    payload: int | None = None
    """Bytes to send by UDP or ICMP; None for a few."""
    family: Family | None = None
    """Of the target's address; None for the first of its addresses."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LabView:
    """The lab as the trace finds it."""

    lab: str
    hosts: tuple[Host, ...]
    ports: tuple[ServicePort, ...]
    names: Mapping[str, str]
    caller: Host
    target: Target


def trace(
    cluster: Cluster,
    request: TraceRequest,
    now: float,
    keep: Keep = lambda _: None,
    open_drops: OpenDrops | None = None,
) -> Trace:
    """Make a connection and return its path.

    Args:
        cluster: The running lab.
        request: Who calls what.
        now: Seconds since 1970.
        keep: Takes the frames that were captured meanwhile, those of others too.
        open_drops: Opens the source of drop reasons; None for the kernel's.

    Raises:
        SpecError: The target is no URL that can be called.
        LabError: The caller or the target is not known to the lab.
        FileNotFoundError: The caller's namespace went meanwhile.
    """
    hosts, services = cluster.read_hosts(), read_services(cluster)
    caller = find_caller(request.caller, cluster.lab, hosts)
    names = Names(hosts=hosts, services=services, asker=caller.name, family=request.family)
    target = with_payload(find_target(request.target, names), request.payload)
    place = lab_view(cluster, hosts, services, caller=caller, target=target)
    version = target.address.address.version
    number = NUMBERS[target.protocol]
    drops = open_drops or drops_of(cluster.lab)
    with Listening(place.hosts, number, version, drops) as listening:
        rules = RulesRead(place.hosts, version)
        with listening.served():
            contact = make_connection(place.caller, target, request.timeout_s)
        books = rules.read()
    keep(listening.frames())
    heard = Heard(listening=listening, contact=contact, rules=rules, books=books)
    return assembled(place, heard, now, predict=request.predict)


def drops_of(lab: str) -> OpenDrops:
    """Return what opens the kernel's drop reasons for a lab."""
    return partial(KernelDrops, kept=kernel_layout_file(lab))


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """Everything that was heard of a connection."""

    listening: Listening
    """Closed."""
    contact: ConnectionAttempt
    rules: RulesRead
    books: Mapping[str, RuleBook]


def assembled(place: LabView, heard: Heard, now: float, *, predict: bool) -> Trace:
    """Return the trace that what was heard makes.

    Args:
        place: The lab.
        heard: What was heard.
        now: When it began, seconds since 1970.
        predict: Also predict the path from the rules, and compare.
    """
    listening, contact = heard.listening, heard.contact
    with ExitStack() as stack:
        routes = Routes(place.hosts, stack)
        packets, route_error = _joined(place, heard, routes)
        traced = Trace(
            lab=place.lab,
            started=datetime.fromtimestamp(now, UTC).isoformat(timespec="milliseconds"),
            caller=place.caller.name,
            target=place.target.text,
            protocol=place.target.protocol,
            pair=contact.pair,
            service=_service(packets),
            outcome=contact.text,
            packets=packets,
            nat=_nat(packets),
            verdict=connection_verdict(packets, _question(place, contact, listening, route_error)),
            names=place.names,
            sources=(*listening.sources(), "route queries"),
            warnings=(*listening.warnings, *heard.rules.warnings, *listening.lost),
            is_complete=not listening.lost,
            hosts=place.hosts,
        )
        if predict:
            prediction = heard.rules.path_prediction()
            traced = replace(traced, prediction=prediction.compared(traced, routes.ask))
    return traced


def read_services(cluster: Cluster) -> list[dict[str, Any]]:
    """Return the Services of the lab, as the API has them."""
    services: list[dict[str, Any]] = cluster.objects.get("/api/v1/services")["items"]
    return services


def lab_view(
    cluster: Cluster,
    hosts: tuple[Host, ...],
    services: Sequence[Mapping[str, Any]],
    *,
    caller: Host,
    target: Target,
) -> LabView:
    """Return the lab as a connection between ``caller`` and ``target`` finds it."""
    return LabView(
        lab=cluster.lab,
        hosts=hosts,
        ports=tuple(cluster.service_ports(family=family_of(target.address.address))),
        names=address_names(cluster, hosts, services),
        caller=caller,
        target=target,
    )


def _joined(place: LabView, heard: Heard, routes: Routes) -> tuple[tuple[Packet, ...], str]:
    """Return the packets, and why the caller has no route to the target, if it has none."""
    listening = heard.listening
    evidence = Evidence(
        hosts={host.name: host for host in place.hosts},
        observations=listening.observations(),
        walks=listening.walks(heard.rules.legacy),
        knowledge=Knowledge(books=heard.books, entries=listening.entries(), ask=routes.ask),
        clues=replace(listening.clues(), silent=_silent(place.hosts)),
    )
    packets = join(evidence, heard.contact.pair)
    destination = place.target.address.address
    return packets, routes.ask(RouteQuestion(place.caller.name, destination)).error


def _silent(hosts: Sequence[Host]) -> AskSilent:
    netns = {host.name: host.netns for host in hosts}

    def ask(host: str) -> frozenset[str]:
        try:
            return silent_neighbours(netns[host], inside)
        except OSError:
            # The namespace has gone, and its table of neighbours with it.
            return frozenset()

    return ask


def _question(
    place: LabView, contact: ConnectionAttempt, listening: Listening, route_error: str
) -> Question:
    nodes = {
        port.key: tuple(dict.fromkeys(b.node for b in port.backends if b.node))
        for port in place.ports
    }
    return Question(
        lab=place.lab,
        caller=place.caller.name,
        scheme=place.target.scheme,
        pair=contact.pair,
        heard=contact.heard,
        hosts={host.name: host for host in place.hosts},
        nodes_with_endpoints=nodes,
        route_error=route_error,
        counted=listening.clues().counted,
    )


def _service(packets: Sequence[Packet]) -> str:
    """Return the Service that a rule chose or refused for the last attempt."""
    hits = [s for p in packets for _, s in p.steps() if isinstance(s, RuleHit) and s.service]
    return hits[-1].service if hits else ""


def _nat(packets: Sequence[Packet]) -> tuple[ConntrackEntry, ...]:
    found = [s for p in packets for _, s in p.steps() if isinstance(s, ConntrackEntry)]
    newest = {(entry.host, entry.original): entry for entry in found}
    return tuple(newest.values())
