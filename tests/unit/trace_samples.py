"""A traced connection written by hand: client to a NodePort of node2, whose pod is elsewhere."""

from dataclasses import replace
from ipaddress import ip_address

from netlab.client.cluster import Backend, ServicePort
from netlab.model.hosts import Host, HostKind
from netlab.model.names import NetnsName
from netlab.model.packets import AddressPair, AddrPort, Direction
from netlab.sources.conntrack_entries import ConntrackEntry
from netlab.sources.observations import Observation
from netlab.sources.packet_key import PacketKey, rule_trace_key
from netlab.sources.routes import RouteAnswer, RouteQuestion
from netlab.sources.rule_trace_messages import (
    POINTS,
    STARTS,
    TABLE_PREFIX,
    Header,
    Report,
    TraceMessage,
)
from netlab.trace.connection_verdict import connection_verdict
from netlab.trace.join import Evidence, join
from netlab.trace.outcomes import Result as Heard
from netlab.trace.question import Question
from netlab.trace.rule_walks import split
from netlab.trace.rules_by_handle import book_by_handle
from netlab.trace.steps import Knowledge
from netlab.trace.trace import Trace

TABLE = f"{TABLE_PREFIX}1"
ADDRESSES = {"client": "198.51.100.79", "node2": "10.240.0.4", "web": "10.244.1.2"}
KINDS = {"client": HostKind.CLIENT, "node2": HostKind.NODE, "web": HostKind.POD}
NAMES = {address: name for name, address in ADDRESSES.items()}
HOSTS = {
    name: Host(
        name=name,
        kind=KINDS[name],
        netns=NetnsName(f"netlab-x-{name}"),
        addresses=(ip_address(address),),
    )
    for name, address in ADDRESSES.items()
}

RULES = r"""*nat
:PREROUTING ACCEPT [0:0]
:KUBE-NODEPORTS - [0:0]
:KUBE-SEP-AAAA - [0:0]
-A PREROUTING -m comment --comment "kubernetes service portals" -j KUBE-NODEPORTS
-A KUBE-NODEPORTS -p tcp -m comment --comment "default/web:http" -j KUBE-SEP-AAAA
-A KUBE-SEP-AAAA -p tcp -m comment --comment "default/web:http" -j DNAT --to-destination 10.244.1.2:8080
-A POSTROUTING -j MASQUERADE --random-fully
COMMIT
*filter
:INPUT ACCEPT [0:0]
-A INPUT -m comment --comment "default/web:http has no local endpoints" -j DROP
COMMIT
"""  # noqa: E501 (as iptables-save prints it)

HANDLES = {
    ("nat", "PREROUTING"): [11],
    ("nat", "KUBE-NODEPORTS"): [12],
    ("nat", "KUBE-SEP-AAAA"): [13],
    ("nat", "POSTROUTING"): [14],
    ("filter", "INPUT"): [5],
}

_POINT_NAMES = {name for name, _, _ in POINTS}


def end(text: str) -> AddrPort:
    name, _, port = text.partition(":")
    return AddrPort(ip_address(ADDRESSES[name]), int(port))


def pair(text: str) -> AddressPair:
    source, _, destination = text.partition(">")
    return AddressPair(end(source), end(destination))


SOCKET = pair("client:40000>node2:30080")
HALFWAY = pair("client:40000>web:8080")
BEHIND = pair("node2:7777>web:8080")
SYN = PacketKey("tcp", 100, 0, (1000, 0, 0x02, 1))
SYN_AGAIN = PacketKey("tcp", 101, 0, (1000, 0, 0x02, 2))
SYN_ACK = PacketKey("tcp", 0, 0, (5000, 1001, 0x12, 9))
RST = PacketKey("tcp", 0, 0, (0, 1001, 0x14, 0))


def seen(
    key: PacketKey, time_ns: int, place: str, ends: AddressPair, *, flooded: bool = False
) -> Observation:
    """Return an observation at ``host ifname in|out``."""
    host, ifname, direction = place.split()
    return Observation(
        time_ns=time_ns,
        host=host,
        ifname=ifname,
        direction=Direction(direction),
        pair=ends,
        key=key,
        for_another=flooded,
    )


def point(host: str, name: str, key: PacketKey, ends: AddressPair, **more: object) -> TraceMessage:
    """Return what the kernel says at one of netlab's chains."""
    assert name in _POINT_NAMES
    message = TraceMessage(
        host=host,
        identity=1,
        time_ns=0,
        table=TABLE,
        chain=name,
        report=Report.RULE,
        handle=9 if name in STARTS else None,
        verdict="CONTINUE",
        header=Header(rule_trace_key(key), ends, 64),
    )
    return replace(message, **more)


def hit(host: str, chain: str, handle: int | None, verdict: str, **more: object) -> TraceMessage:
    """Return what the kernel says of a rule, of table nat unless ``more`` says otherwise."""
    message = TraceMessage(
        host=host,
        identity=1,
        time_ns=0,
        table="nat",
        chain=chain,
        report=Report.RULE if handle else Report.POLICY,
        handle=handle,
        verdict=verdict,
    )
    return replace(message, **more)


def there(key: PacketKey, at: int = 0) -> list[Observation]:
    """Return a request on all its wires."""
    return [
        seen(key, at + 10, "client eth0 out", SOCKET),
        seen(key, at + 20, "node2 eth0 in", SOCKET),
        seen(key, at + 40, "node2 eth0 out", BEHIND),
        seen(key, at + 50, "web eth0 in", BEHIND),
    ]


def back(key: PacketKey, at: int) -> list[Observation]:
    """Return a reply on all its wires."""
    return [
        seen(key, at + 10, "web eth0 out", BEHIND.reversed()),
        seen(key, at + 20, "node2 eth0 in", BEHIND.reversed()),
        seen(key, at + 40, "node2 eth0 out", SOCKET.reversed()),
        seen(key, at + 50, "client eth0 in", SOCKET.reversed()),
    ]


def nodeport_walk(key: PacketKey = SYN) -> list[TraceMessage]:
    """Return node2's rules at work on a SYN: DNAT, then SNAT."""
    return [
        point("node2", "pre_wire", key, SOCKET, ifname_in="eth0"),
        hit("node2", "PREROUTING", 11, "JUMP", target="KUBE-NODEPORTS"),
        hit("node2", "KUBE-NODEPORTS", 12, "JUMP", target="KUBE-SEP-AAAA"),
        hit("node2", "KUBE-SEP-AAAA", 13, "ACCEPT"),
        point("node2", "pre_dnat", key, HALFWAY, ifname_in="eth0"),
        point("node2", "fwd_last", key, HALFWAY, ifname_in="eth0", ifname_out="eth0"),
        hit("node2", "POSTROUTING", 14, "ACCEPT"),
        point("node2", "post_wire", key, BEHIND, ifname_out="eth0"),
    ]


def drop_walk(key: PacketKey = SYN) -> list[TraceMessage]:
    """Return node2's rules dropping a SYN."""
    return [
        point("node2", "pre_wire", key, SOCKET, ifname_in="eth0"),
        point("node2", "pre_dnat", key, SOCKET, ifname_in="eth0"),
        hit("node2", "INPUT", 5, "DROP", table="filter"),
    ]


ENTRY = ConntrackEntry(
    host="node2",
    identity=77,
    protocol="tcp",
    original=SOCKET,
    reply=BEHIND.reversed(),
    state="ESTABLISHED",
)


def ask(question: RouteQuestion) -> RouteAnswer:
    """Answer as node2 would."""
    if question.destination == ip_address(ADDRESSES[question.host]):
        return RouteAnswer(route="local")
    return RouteAnswer(route="10.244.1.0/24", via="10.240.0.3", ifname="eth0", table=254)


def evidence(
    observations: list[Observation],
    messages: list[TraceMessage],
    *entries: ConntrackEntry,
    rules: str = RULES,
) -> Evidence:
    return Evidence(
        hosts=HOSTS,
        observations=tuple(observations),
        walks=split(messages, TABLE),
        knowledge=Knowledge(
            books={"node2": book_by_handle(rules, HANDLES)}, entries=entries, ask=ask
        ),
    )


PORT = ServicePort(
    namespace="default",
    name="web",
    port_name="http",
    cluster_ip=ip_address("10.0.0.80"),
    port=80,
    node_port=30080,
    policy="Local",
    type="NodePort",
    backends=(Backend(address=ip_address("10.244.1.2"), port=8080, node="node1"),),
)


def question(heard: Heard = Heard.ANSWERED, route_error: str = "") -> Question:
    return Question(
        lab="default",
        caller="client",
        scheme="http",
        pair=SOCKET,
        heard=heard,
        hosts=HOSTS,
        ports=(PORT,),
        route_error=route_error,
    )


def make_trace(
    observations: list[Observation],
    messages: list[TraceMessage],
    *entries: ConntrackEntry,
    heard: Heard = Heard.ANSWERED,
    rules: str = RULES,
) -> Trace:
    """Return what a trace makes of the evidence."""
    packets = join(evidence(observations, messages, *entries, rules=rules), SOCKET)
    return Trace(
        lab="default",
        started="2024-01-01T00:00:00.000+00:00",
        caller="client",
        target="http://node2:30080",
        protocol="tcp",
        pair=SOCKET,
        service="default/web:http",
        outcome=str(heard),
        packets=packets,
        nat=entries,
        verdict=connection_verdict(packets, question(heard)),
        names=NAMES,
        sources=("packets", "rule trace"),
        hosts=tuple(HOSTS.values()),
    )


def delivered(rules: str = RULES) -> Trace:
    observations = [*there(SYN), *back(SYN_ACK, 1000)]
    return make_trace(observations, nodeport_walk(), ENTRY, rules=rules)


def dropped() -> Trace:
    """Return two attempts that end at the same rule."""
    first, second = there(SYN)[:2], there(SYN_AGAIN, 10_000)[:2]
    messages = [*drop_walk(), *drop_walk(SYN_AGAIN)]
    return make_trace([*first, *second], messages, heard=Heard.TIMEOUT)
