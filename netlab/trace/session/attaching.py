"""Trace a connection that somebody else makes: wait for it, then hear it to its end.

Theory of operation
-------------------
Everything listens as for a connection of netlab's own. What is heard is looked through a few times
a second, until the first packet of a wanted connection is among it; then listening goes on until
that connection has been answered and nothing more comes, or ``SETTLE_S`` are over.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from netlab.client.cluster import Cluster
from netlab.errors import ExpectationError
from netlab.linux.timeouts import scaled
from netlab.model.addresses import Family
from netlab.model.hosts import Host
from netlab.trace.attach_filter import AttachFilter, parse_attach_filter
from netlab.trace.new_connections import NewConnection, find_new_connection
from netlab.trace.outcomes import Outcome, Result
from netlab.trace.session.exchange import Call, Target
from netlab.trace.session.listening import Listening
from netlab.trace.session.rules_read import RulesRead
from netlab.trace.session.targets import NUMBERS, Names, find_caller
from netlab.trace.session.tracing import Connection, Heard, Keep, assembled, drops_of, lab_view
from netlab.trace.trace import Trace

LOOK_S: Final = 0.05
"""Between two looks at what was heard."""
SETTLE_S: Final = 1.5
"""How long a connection is heard at most, once it has begun; a second SYN comes after one."""
KEPT_NS: Final = 2_000_000_000
"""How long what belongs to no wanted connection is kept: its first packet may be under way."""
REST_S: Final = 0.3
"""How long nothing must come, after an answer, for a connection to count as over."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AttachRequest:
    """What to wait for."""

    expression: str
    caller: str | None
    """Whose connections count; None for everybody's."""
    timeout_s: float
    predict: bool = False
    family: Family | None = None
    """Of the connections; None for that of the addresses in the expression, or the lab's first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hearer:
    """Who waits."""

    clock: Callable[[], float]
    """Gives seconds since 1970."""
    say: Callable[[str], None]
    """Takes one line when the waiting begins."""
    keep: Keep = lambda _: None
    """Takes the frames that were captured meanwhile, those of others too."""


def attach(cluster: Cluster, request: AttachRequest, hearer: Hearer) -> Trace:
    """Wait for a connection and return its path.

    Args:
        cluster: The running lab.
        request: What to wait for.
        hearer: Who waits.

    Raises:
        SpecError: The expression is none.
        LabError: A host is not known to the lab.
        ExpectationError: No such connection came in time.
    """
    view = lab_view(cluster)
    hosts, services = view.hosts, view.services
    is_icmp6 = "icmp6" in request.expression.split()
    family = request.family or (Family.IPV6 if is_icmp6 else None)
    names = Names(hosts=hosts, services=services, asker="--attach", family=family)
    wanted = parse_attach_filter(request.expression, names.address_of)
    callers = [host.name for host in hosts]
    if request.caller is not None:
        callers = [find_caller(request.caller, cluster.lab, hosts).name]
    version = _version(wanted, family, hosts)
    number = NUMBERS[wanted.protocol]
    with Listening(hosts, number, version, drops_of(cluster.lab)) as listening:
        rules = RulesRead(hosts, version)
        hearer.say(f"waiting {request.timeout_s:g} s for a connection: {request.expression}")
        new_connection = _await(listening, wanted, callers, request.timeout_s)
        now = hearer.clock()
        _settle(listening, new_connection)
        books = rules.read()
    hearer.keep(listening.frames())
    caller = next(host for host in hosts if host.name == new_connection.caller)
    call = Call(caller=caller, target=_target(new_connection, wanted))
    connection = Connection(call=call, outcome=_outcome(listening, new_connection))
    heard = Heard(listening=listening, rules=rules, books=books)
    traced = assembled(view, heard, connection, now, predict=request.predict)
    # Its socket is another program's: what it got is known, not what it made of it.
    answer = traced.reply()
    return replace(traced, outcome=answer.kind if answer else "nothing so far")


def _version(wanted: AttachFilter, family: Family | None, hosts: Sequence[Host]) -> int:
    """Return 4 or 6: which version of the Internet Protocol to listen to."""
    if family is not None:
        return 4 if family is Family.IPV4 else 6
    if wanted.protocol == "icmp":
        return 4
    named = [test.address for test in wanted.tests if test.address is not None]
    known = [*named, *(address for host in hosts for address in host.addresses)]
    return known[0].version if known else 4


def _await(
    listening: Listening, wanted: AttachFilter, callers: Sequence[str], timeout_s: float
) -> NewConnection:
    deadline = time.monotonic() + timeout_s
    while (left := deadline - time.monotonic()) > 0:
        if listening.hear(min(LOOK_S, left)):
            found = find_new_connection(
                listening.observations(), listening.walks(), wanted, callers
            )
            if found is not None:
                return found
            listening.forget(time.time_ns() - KEPT_NS)
    raise ExpectationError(
        f"no new connection {wanted.text!r} came within {timeout_s:g} s",
        hint="connections that were there before do not count; --timeout waits longer",
    )


def _settle(listening: Listening, new_connection: NewConnection) -> None:
    """Hear a connection until it has its answer and rests, or for so long."""
    deadline = time.monotonic() + scaled(SETTLE_S)
    heard_at = time.monotonic()
    while (now := time.monotonic()) < deadline:
        if now - heard_at > REST_S and _is_answered(listening, new_connection):
            return
        if listening.hear(LOOK_S):
            heard_at = time.monotonic()


def _is_answered(listening: Listening, new_connection: NewConnection) -> bool:
    """Tell whether the caller's host was seen to get an answer."""
    answer = new_connection.pair.reversed()
    own_pairs = {
        pair
        for walk in listening.walks()
        if walk.host == new_connection.caller
        for pair in walk.pairs()
    }
    return answer in own_pairs or any(
        seen.host == new_connection.caller and seen.pair == answer
        for seen in listening.observations()
    )


def _target(new_connection: NewConnection, wanted: AttachFilter) -> Target:
    end = new_connection.pair.destination
    scheme = wanted.protocol.removesuffix("v6")
    text = f"{scheme}://{end if end.port else str(end).removesuffix(':0')}"
    return Target(text=text, scheme=scheme, name=str(end.address), netloc=str(end), address=end)


def _outcome(listening: Listening, new_connection: NewConnection) -> Outcome:
    """Return what the caller's socket heard, as far as the wires tell."""
    heard = Result.ANSWERED if _is_answered(listening, new_connection) else Result.TIMEOUT
    return Outcome(
        caller=new_connection.caller,
        target=new_connection.pair.destination,
        result=heard,
        words=str(heard),
        pair=new_connection.pair,
    )
