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
from functools import cache, partial
from ipaddress import ip_address
from typing import Final, NamedTuple

from netlab.client.address_names import address_names
from netlab.client.cluster import Cluster, ServicePort, ports_of
from netlab.client.rule_differences import differences_of
from netlab.errors import NetlabError
from netlab.kube.kinds.service.view import Service
from netlab.linux.frames import Frame
from netlab.linux.neighbours import silent_neighbours
from netlab.linux.netns import inside
from netlab.model.addresses import Family, Network, family_of
from netlab.model.hosts import Host
from netlab.model.packets import AddressPair, AddrPort
from netlab.model.rundir import kernel_layout_file
from netlab.netfilter.iptables.differences import Side
from netlab.sources.conntrack_entries import ConntrackEntry
from netlab.sources.host_state import UNKNOWN, AskHost, HostState
from netlab.sources.host_state_query import read_host_state
from netlab.sources.kernel_drops import KernelDrops
from netlab.sources.routes import RouteQuestion
from netlab.trace.clues import AskSilent
from netlab.trace.connection_verdict import connection_verdict
from netlab.trace.join import Evidence, join
from netlab.trace.outcomes import Outcome, Result
from netlab.trace.packet import Packet, RuleHit
from netlab.trace.question import AskRules, Question
from netlab.trace.rules_by_handle import RuleBook
from netlab.trace.session.exchange import Call, make_calls, target_at
from netlab.trace.session.listening import Listening, OpenDrops
from netlab.trace.session.onward import node_ports, onward_pair, proxy_at, result_of
from netlab.trace.session.routes import Routes
from netlab.trace.session.rules_read import RulesRead
from netlab.trace.session.targets import (
    NUMBERS,
    Names,
    find_caller,
    find_target,
    with_payload,
)
from netlab.trace.steps import Knowledge
from netlab.trace.trace import Trace

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
    """The lab as a trace finds it."""

    lab: str
    hosts: tuple[Host, ...]
    services: tuple[Service, ...]
    ports: tuple[ServicePort, ...]
    """Of both families and all protocols."""
    names: Mapping[str, str]
    pod_networks: Mapping[str, tuple[Network, ...]]
    """By node."""
    missing_rules: AskRules


def lab_view(cluster: Cluster) -> LabView:
    """Return the lab as it is now."""
    hosts = cluster.read_hosts()
    services, slices = tuple(cluster.services()), cluster.slices()
    return LabView(
        lab=cluster.lab,
        hosts=hosts,
        services=services,
        ports=tuple(
            port
            for family in Family
            for service in services
            for port in ports_of(service, slices, family)
        ),
        names=address_names(cluster, hosts, services),
        pod_networks=cluster.pod_networks(),
        missing_rules=_missing_rules(cluster, hosts),
    )


def _missing_rules(cluster: Cluster, hosts: Sequence[Host]) -> AskRules:
    netns = {host.name: host.netns for host in hosts}

    def ask(host: str) -> tuple[str, ...]:
        try:
            found = differences_of(netns[host], host, cluster.objects)
        except NetlabError:
            # Nobody there knows what the rules should be, or iptables cannot read what they are.
            return ()
        return tuple(one.text for one in found if one.only is Side.WANTED)

    return ask


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
    view = lab_view(cluster)
    call = _call(view, request)
    sources = _Sources(open_drops or drops_of(cluster.lab), keep)
    outcomes, heard = _made(view, [call], request.timeout_s, sources)
    connection = Connection(call=call, outcome=outcomes[0])
    traced = assembled(view, heard, connection, now, predict=request.predict)
    return with_onward(view, heard, [traced])[0]


def trace_calls(
    cluster: Cluster,
    calls: Sequence[Call],
    timeout_s: float,
    now: float,
    keep: Keep = lambda _: None,
) -> list[tuple[Outcome, Trace]]:
    """Make connections of one protocol and address family at once; return the path of each.

    Args:
        cluster: The running lab.
        calls: At least one.
        timeout_s: How long to wait for their ends.
        now: Seconds since 1970.
        keep: Takes the frames that were captured meanwhile, those of others too.

    Raises:
        FileNotFoundError: A caller's namespace went meanwhile.
    """
    view = lab_view(cluster)
    outcomes, heard = _made(view, calls, timeout_s, _Sources(drops_of(cluster.lab), keep))
    made = [Connection(call=call, outcome=end) for call, end in zip(calls, outcomes, strict=True)]
    traced = [assembled(view, heard, one, now, predict=False) for one in made]
    return list(zip(outcomes, with_onward(view, heard, traced), strict=True))


class _Sources(NamedTuple):
    open_drops: OpenDrops
    keep: Keep


def _made(
    view: LabView, calls: Sequence[Call], timeout_s: float, sources: _Sources
) -> tuple[list[Outcome], "Heard"]:
    target = calls[0].target
    version = target.address.address.version
    number = NUMBERS[target.protocol]
    with Listening(view.hosts, number, version, sources.open_drops) as listening:
        rules = RulesRead(view.hosts, version)
        with listening.served():
            outcomes = make_calls(calls, timeout_s=timeout_s)
        books = rules.read()
    sources.keep(listening.frames())
    return outcomes, Heard(listening=listening, rules=rules, books=books)


def _call(view: LabView, request: TraceRequest) -> Call:
    caller = find_caller(request.caller, view.lab, view.hosts)
    names = Names(
        hosts=view.hosts, services=view.services, asker=caller.name, family=request.family
    )
    return Call(
        caller=caller, target=with_payload(find_target(request.target, names), request.payload)
    )


def drops_of(lab: str) -> OpenDrops:
    """Return what opens the kernel's drop reasons for a lab."""
    return partial(KernelDrops, kept=kernel_layout_file(lab))


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """Everything that was heard while connections were made."""

    listening: Listening
    """Closed."""
    rules: RulesRead
    books: Mapping[str, RuleBook]


@dataclass(frozen=True, slots=True, kw_only=True)
class Connection:
    """One of the connections, as its caller has it."""

    call: Call
    outcome: Outcome

    @property
    def pair(self) -> AddressPair:
        """The source is 0.0.0.0:0, or [::]:0, when the kernel refused before there was a packet."""
        target = self.call.target.address
        nowhere = "0.0.0.0" if target.address.version == 4 else "::"  # noqa: S104
        return self.outcome.pair or AddressPair(AddrPort(ip_address(nowhere), 0), target)


def assembled(
    view: LabView, heard: Heard, connection: Connection, now: float, *, predict: bool
) -> Trace:
    """Return the trace that what was heard makes of one connection.

    Args:
        view: The lab.
        heard: What was heard.
        connection: The one that is wanted.
        now: When it began, seconds since 1970.
        predict: Also predict the path from the rules, and compare.
    """
    listening, call = heard.listening, connection.call
    with ExitStack() as stack:
        routes = Routes(view.hosts, stack)
        packets = join(_evidence(view, heard, routes), connection.pair)
        to_target = routes.ask(RouteQuestion(call.caller.name, call.target.address.address))
        question = replace(
            _question(view, connection, listening, to_target.error),
            ask=routes.ask,
            state=_host_states(view.hosts, family_of(call.target.address.address)),
            missing_rules=view.missing_rules,
        )
        traced = Trace(
            lab=view.lab,
            started=datetime.fromtimestamp(now, UTC).isoformat(timespec="milliseconds"),
            caller=call.caller.name,
            target=call.target.text,
            protocol=call.target.protocol,
            pair=connection.pair,
            service=_service(packets),
            outcome=connection.outcome.words,
            packets=packets,
            nat=_nat(packets),
            verdict=connection_verdict(packets, question),
            names=view.names,
            sources=(*listening.sources(), "route queries"),
            warnings=(*listening.warnings, *heard.rules.warnings, *listening.lost),
            is_complete=not listening.lost,
            hosts=view.hosts,
        )
        if predict:
            prediction = heard.rules.path_prediction()
            traced = replace(traced, prediction=prediction.compared(traced, routes.ask))
    return traced


def with_onward(view: LabView, heard: Heard, traced: Sequence[Trace]) -> list[Trace]:
    """Return traces with the connections that a proxy made for those which ended there."""
    seen = heard.listening.observations()
    taken: set[AddressPair] = set()
    found: dict[AddressPair, Trace] = {}
    for one in sorted(traced, key=_began):
        request = one.request()
        proxy = proxy_at(view.hosts, request.hosts()[-1]) if request is not None else None
        if proxy is None:
            continue
        ports = node_ports(view.ports, one.pair.destination)
        pair = onward_pair(seen, one.pair, proxy, ports, taken)
        if pair is None:
            continue
        taken.add(pair)
        result = result_of(seen, pair, proxy)
        target = target_at(pair.destination, "tcp")
        outcome = Outcome(
            caller=proxy.name,
            target=target.address,
            result=result,
            words="connected" if result is Result.ANSWERED else str(result),
            pair=pair,
        )
        connection = Connection(call=Call(caller=proxy, target=target), outcome=outcome)
        begun = datetime.fromisoformat(one.started).timestamp()
        found[one.pair] = assembled(view, heard, connection, begun, predict=False)
    return [replace(one, onward=found.get(one.pair)) for one in traced]


def _began(trace: Trace) -> int:
    return min((p.visits[0].hops[0].time_ns for p in trace.packets if p.visits[0].hops), default=0)


def _evidence(view: LabView, heard: Heard, routes: Routes) -> Evidence:
    listening = heard.listening
    return Evidence(
        hosts={host.name: host for host in view.hosts},
        observations=listening.observations(),
        walks=listening.walks(heard.rules.legacy),
        knowledge=Knowledge(books=heard.books, entries=listening.entries(), ask=routes.ask),
        clues=replace(listening.clues(), silent=_silent(view.hosts)),
    )


def _silent(hosts: Sequence[Host]) -> AskSilent:
    netns = {host.name: host.netns for host in hosts}

    def ask(host: str) -> frozenset[str]:
        try:
            return silent_neighbours(netns[host], inside)
        except OSError:
            # The namespace has gone, and its table of neighbours with it.
            return frozenset()

    return ask


def _host_states(hosts: Sequence[Host], family: Family) -> AskHost:
    by_name = {host.name: host for host in hosts}
    version = 4 if family is Family.IPV4 else 6

    @cache
    def ask(name: str) -> HostState:
        try:
            return read_host_state(by_name[name], inside, version)
        except OSError:
            # The namespace has gone, and all that it held with it.
            return UNKNOWN

    return ask


def _question(
    view: LabView, connection: Connection, listening: Listening, route_error: str
) -> Question:
    call = connection.call
    family = family_of(call.target.address.address)
    return Question(
        lab=view.lab,
        caller=call.caller.name,
        scheme=call.target.scheme,
        pair=connection.pair,
        heard=connection.outcome.result,
        hosts={host.name: host for host in view.hosts},
        ports=tuple(port for port in view.ports if port.family is family),
        pod_networks=view.pod_networks,
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
