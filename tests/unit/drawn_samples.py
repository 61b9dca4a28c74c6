"""Traces to draw: a lab with a router, and the ways that packets take through it."""

from collections.abc import Sequence
from dataclasses import replace
from ipaddress import ip_address

from netlab.model.hosts import Host, HostKind
from netlab.model.names import NetnsName
from netlab.model.packets import AddressPair, AddrPort, Direction, Nat
from netlab.sources.conntrack_entries import ConntrackEntry
from netlab.sources.packet_key import PacketKey
from netlab.trace.packet import (
    Packet,
    Point,
    Result,
    Rewritten,
    Routed,
    RuleHit,
    Step,
    Verdict,
    Visit,
)
from netlab.trace.paths import Hop, Way
from netlab.trace.trace import Trace

POD = "source-ip-app-746d9df86c-7rv95"
HOSTILE = (
    "</script><img src=x onerror=alert(1)>--><style>*{display:none}"
    "\x1b[31m\N{RIGHT-TO-LEFT OVERRIDE}evil"
)

_ADDRESSES = {
    "client": "198.51.100.79",
    "router": "10.240.0.1",
    "node1": "10.240.0.3",
    "node2": "10.240.0.4",
    "node3": "10.240.0.5",
    POD: "10.244.1.2",
}
_KINDS = {"client": HostKind.CLIENT, "router": HostKind.ROUTER, POD: HostKind.POD}
NAMES = {address: host for host, address in _ADDRESSES.items()} | {"10.0.0.9": "svc/web"}


def host(name: str, address: str, kind: HostKind, node: str | None = None) -> Host:
    return Host(
        name=name,
        kind=kind,
        netns=NetnsName(f"netlab-x-{name}"),
        addresses=(ip_address(address),),
        node=node,
    )


HOSTS = tuple(
    host(name, address, _KINDS.get(name, HostKind.NODE), "node1" if name == POD else None)
    for name, address in _ADDRESSES.items()
)


def end(text: str) -> AddrPort:
    name, _, port = text.rpartition(":")
    address = {**_ADDRESSES, "svc": "10.0.0.9"}.get(name, name)
    return AddrPort(ip_address(address), int(port))


def pair(source: str, destination: str) -> AddressPair:
    return AddressPair(end(source), end(destination))


ASKED = pair("client:40000", "node2:30080")
SENT_ON = pair("node2:7777", f"{POD}:8080")

JUMP = RuleHit(
    table="nat",
    chain="PREROUTING",
    index=1,
    text="-A PREROUTING -j KUBE-SERVICES",
    verdict="JUMP",
    target="KUBE-SERVICES",
)
CHOICE = RuleHit(
    table="nat",
    chain="KUBE-SERVICES",
    index=2,
    text="-A KUBE-SERVICES -j DNAT --to-destination 10.244.1.2:8080",
    verdict="ACCEPT",
    target="DNAT",
    service="default/web:http",
    mark=0x4000,
)
DROP = RuleHit(
    table="filter",
    chain="KUBE-EXTERNAL-SERVICES",
    index=1,
    text='-A KUBE-EXTERNAL-SERVICES -m comment --comment "no local endpoints" -j DROP',
    verdict="DROP",
)


def rewritten(kind: Nat, before: AddrPort, after: AddrPort, by: RuleHit | None = None) -> Rewritten:
    return Rewritten(
        kind=kind, before=before, after=after, seen_at="pre_dnat", by=by, is_repeated=by is None
    )


NAT_THERE: tuple[Step, ...] = (
    Point(name="pre_wire", ifname_in="eth0", ifname_out="", mark=0),
    JUMP,
    CHOICE,
    rewritten(Nat.DNAT, ASKED.destination, SENT_ON.destination, CHOICE),
    Routed(destination="10.244.1.2", route="10.244.1.0/24", via="10.240.0.3", ifname="eth0"),
    rewritten(Nat.SNAT, ASKED.source, SENT_ON.source),
    ConntrackEntry(
        host="node2",
        identity=77,
        protocol="tcp",
        original=ASKED,
        reply=SENT_ON.reversed(),
        state="ESTABLISHED",
    ),
)
NAT_BACK: tuple[Step, ...] = (
    rewritten(Nat.UN_SNAT, SENT_ON.source, ASKED.source),
    rewritten(Nat.UN_DNAT, SENT_ON.destination, ASKED.destination),
)

Place = tuple[str, AddressPair | None, AddressPair | None, tuple[Step, ...]]
"""A host, the addresses with which a packet comes in and goes out, and what happens between."""

THERE: tuple[Place, ...] = (
    ("client", None, ASKED, ()),
    ("router", ASKED, ASKED, ()),
    ("node2", ASKED, SENT_ON, NAT_THERE),
    ("router", SENT_ON, SENT_ON, ()),
    ("node1", SENT_ON, SENT_ON, ()),
    (POD, SENT_ON, None, ()),
)
BACK: tuple[Place, ...] = (
    (POD, None, SENT_ON.reversed(), ()),
    ("node1", SENT_ON.reversed(), SENT_ON.reversed(), ()),
    ("router", SENT_ON.reversed(), SENT_ON.reversed(), ()),
    ("node2", SENT_ON.reversed(), ASKED.reversed(), NAT_BACK),
    ("router", ASKED.reversed(), ASKED.reversed(), ()),
    ("client", ASKED.reversed(), None, ()),
)
DROPPED: tuple[Place, ...] = (*THERE[:2], ("node2", ASKED, None, (DROP,)))


def packet(
    number: int,
    way: Way,
    places: Sequence[Place],
    *,
    attempt: int = 1,
    time_ns: int = 0,
    verdict: Verdict | None = None,
) -> Packet:
    """Return a packet that passes places, a microsecond for each interface."""
    clock = iter(range(time_ns, time_ns + 1_000_000, 1000))
    visits = []
    for name, came, went, steps in places:
        hops = [
            Hop(time_ns=next(clock), host=name, ifname="eth0", direction=direction, pair=ends)
            for direction, ends in ((Direction.IN, came), (Direction.OUT, went))
            if ends is not None
        ]
        visits.append(Visit(host=name, hops=tuple(hops), steps=steps))
    arrived = Verdict(
        result=Result.DELIVERED, host=places[-1][0], words=f"delivered to {places[-1][0]}"
    )
    return Packet(
        number=number,
        way=way,
        attempt=attempt,
        kind="SYN" if way is Way.REQUEST else "SYN-ACK",
        key=PacketKey("tcp", number, 0, (1000, 0, 2, number)),
        time_ns=time_ns,
        visits=tuple(visits),
        verdict=verdict or arrived,
    )


def trace(*packets: Packet, verdict: Verdict | None = None, **more: object) -> Trace:
    made = Trace(
        lab="default",
        started="2024-01-01T00:00:00.000+00:00",
        caller="client",
        target="http://node2:30080",
        protocol="tcp",
        pair=ASKED,
        service="default/web:http",
        outcome="client_address=10.240.0.4",
        packets=packets,
        nat=(),
        verdict=verdict or Verdict(result=Result.DELIVERED, host=POD, words=f"delivered to {POD}"),
        names=NAMES,
        sources=("packets", "rule trace"),
        hosts=HOSTS,
    )
    return replace(made, **more)


BY_RULE = Verdict(
    result=Result.DROPPED,
    host="node2",
    ifname="eth0",
    by=DROP,
    words="dropped on node2 by filter KUBE-EXTERNAL-SERVICES #1",
    why="externalTrafficPolicy Local sends to pods of the node that was called",
    hint="sudo netlab trace client http://node1:30080",
)


def nodeport(**more: object) -> Trace:
    """Return a call of a NodePort of node2, whose pod is on node1."""
    return trace(packet(1, Way.REQUEST, THERE), packet(2, Way.REPLY, BACK, time_ns=500_000), **more)


def dropped() -> Trace:
    """Return the same with policy Local: node2 drops it."""
    return trace(packet(1, Way.REQUEST, DROPPED, verdict=BY_RULE), verdict=BY_RULE)


def retried() -> Trace:
    """Return two attempts; node2 drops the first."""
    later = 1_000_000_000
    return trace(
        packet(1, Way.REQUEST, DROPPED, verdict=BY_RULE),
        packet(2, Way.REQUEST, THERE, attempt=2, time_ns=later),
        packet(3, Way.REPLY, BACK, attempt=2, time_ns=later + 500_000),
    )


def hairpin() -> Trace:
    """Return a pod that reaches itself through its Service."""
    asked, sent = pair(f"{POD}:40000", "svc:80"), pair("10.244.1.1:7777", f"{POD}:8080")
    there = (
        rewritten(Nat.DNAT, asked.destination, sent.destination, CHOICE),
        rewritten(Nat.SNAT, asked.source, sent.source),
    )
    places: tuple[Place, ...] = (
        (POD, None, asked, ()),
        ("node1", asked, sent, there),
        (POD, sent, None, ()),
    )
    return trace(packet(1, Way.REQUEST, places), caller=POD, target="http://web", pair=asked)


def unsent() -> Trace:
    """Return a call that its own kernel refused: no packet at all."""
    verdict = Verdict(
        result=Result.UNSENT, host="client", words="client sent nothing: no route for 192.0.2.9"
    )
    return trace(verdict=verdict, service="", outcome="no route to host")


def hostile() -> Trace:
    """Return a trace with a text of somebody else's wherever one can stand."""
    hit = replace(CHOICE, text=f'-A KUBE-SERVICES -m comment --comment "{HOSTILE}" -j DNAT')
    steps = (replace(JUMP, comment=HOSTILE), replace(hit, comment=HOSTILE, service=HOSTILE))
    places = (*THERE[:2], ("node2", ASKED, SENT_ON, (*steps, *NAT_THERE[3:])), *THERE[3:])
    return trace(
        packet(1, Way.REQUEST, places),
        service=HOSTILE,
        outcome=HOSTILE,
        target=f"http://node2/{HOSTILE}",
        names={**NAMES, "10.244.1.2": HOSTILE},
        warnings=(HOSTILE,),
    )


def looped() -> Trace:
    """Return a node that calls itself: the packet leaves for ``lo`` and comes back."""
    asked = pair("node1:40000", "node1:9")
    there: tuple[Place, ...] = (("node1", None, asked, ()), ("node1", asked, None, ()))
    back: tuple[Place, ...] = (
        ("node1", None, asked.reversed(), ()),
        ("node1", asked.reversed(), None, ()),
    )
    return trace(
        packet(1, Way.REQUEST, there), packet(2, Way.REPLY, back, time_ns=100_000), caller="node1"
    )


def balanced() -> Trace:
    """Return the path of ``nodeport`` with a load balancer before node2, and the reply past it."""
    lb = host("lb", "10.240.0.2", HostKind.LB)
    there = (*THERE[:2], ("lb", ASKED, ASKED, ()), ("router", ASKED, ASKED, ()), *THERE[2:])
    return trace(
        packet(1, Way.REQUEST, there),
        packet(2, Way.REPLY, BACK, time_ns=500_000),
        hosts=(*HOSTS[:2], lb, *HOSTS[2:]),
    )


def crowded() -> Trace:
    """Return the path of ``nodeport`` in a lab of fifty nodes and many pods."""
    nodes = [host(f"node{i}", f"10.240.1.{i}", HostKind.NODE) for i in range(4, 51)]
    pods = [host(f"web-{i}", f"10.244.1.{i}", HostKind.POD, "node1") for i in range(3, 30)]
    return nodeport(hosts=(*HOSTS, *nodes, *pods))
