"""Captures and calls on a small world of real namespaces, with NAT on one node."""

import subprocess
import sys
from ipaddress import ip_address
from pathlib import Path as Directory

import pytest

from netlab.capture.pcap import write_pcaps
from netlab.linux import user_namespace
from netlab.model.hosts import Host, HostKind
from netlab.model.names import NetnsName
from netlab.model.packets import AddrPort, Nat
from netlab.sources.routes import RouteAnswer
from netlab.trace.join import Evidence, join
from netlab.trace.outcomes import Outcome, Result
from netlab.trace.packet import Packet, Rewritten
from netlab.trace.paths import Way
from netlab.trace.session.exchange import Call, make_calls, target_at
from netlab.trace.session.listening import Listening
from netlab.trace.steps import Knowledge

World = dict[str, Host]

pytestmark = pytest.mark.kernel

HOSTS = ("client", "router", "node1", "node2", "pod")

LINKS = """
-n {router} link add cloud0 type bridge
-n {router} link set cloud0 up
-n {client} link add eth0 type veth peer name p-client netns {router}
-n {node1} link add eth0 type veth peer name p-node1 netns {router}
-n {node2} link add eth0 type veth peer name p-node2 netns {router}
-n {router} link set p-client master cloud0 up
-n {router} link set p-node1 master cloud0 up
-n {router} link set p-node2 master cloud0 up
-n {client} addr add 192.168.50.100/24 dev eth0
-n {node1} addr add 192.168.50.11/24 dev eth0
-n {node2} addr add 192.168.50.12/24 dev eth0
-n {client} link set eth0 up
-n {node1} link set eth0 up
-n {node2} link set eth0 up
-n {pod} link add eth0 type veth peer name veth-pod netns {node1}
-n {node1} link set veth-pod up
-n {node1} addr add 10.244.1.1/24 dev veth-pod
-n {pod} link set eth0 up
-n {pod} addr add 10.244.1.2/24 dev eth0
-n {pod} route add default via 10.244.1.1
-n {node2} route add 10.244.1.0/24 via 192.168.50.11
-n {node2} route add 10.0.0.0/16 via 192.168.50.11
-n {client} route add 10.9.9.9/32 dev eth0
"""

RULES = """*nat
-A PREROUTING -p tcp --dport 30080 -j DNAT --to-destination 10.244.1.2:8080
-A PREROUTING -d 10.0.0.1/32 -p tcp --dport 80 -j DNAT --to-destination 10.244.1.2:8080
-A OUTPUT -d 10.0.0.1/32 -p tcp --dport 80 -j DNAT --to-destination 10.244.1.2:8080
-A POSTROUTING -m conntrack --ctstate DNAT -j MASQUERADE --random-fully
COMMIT
*filter
-A INPUT -p tcp --dport 30081 -j DROP
-A INPUT -p tcp --dport 30082 -j REJECT
COMMIT
"""

ECHO = """
import socket
listener = socket.create_server(("10.244.1.2", 8080), backlog=64)
print("ready", flush=True)
while True:
    connection, caller = listener.accept()
    connection.recv(4096)
    body = "CLIENT VALUES:\\nclient_address=%s\\n" % caller[0]
    connection.sendall(b"HTTP/1.1 200 OK\\r\\nConnection: close\\r\\n\\r\\n" + body.encode())
    connection.close()
"""


def run(*argv: str, text: str | None = None) -> None:
    subprocess.run(argv, check=True, input=text, text=True, capture_output=True)


def netns(host: str) -> NetnsName:
    return NetnsName(f"nlcap-{host}")


@pytest.fixture(scope="module")
def world():
    names = {host: netns(host) for host in HOSTS}
    server = None
    try:
        for name in names.values():
            run("ip", "netns", "add", name)
            run("ip", "-n", name, "link", "set", "lo", "up")
        for line in LINKS.format(**names).strip().splitlines():
            run("ip", *line.split())
        for node in ("node1", "node2"):
            sysctls = ["net.ipv4.ip_forward=1", "net.ipv4.conf.all.send_redirects=0"]
            run("ip", "netns", "exec", names[node], "sysctl", "-qw", *sysctls)
            run("ip", "netns", "exec", names[node], "iptables-restore", text=RULES)
        argv = ["ip", "netns", "exec", names["pod"], sys.executable, "-c", ECHO]
        server = subprocess.Popen(argv, stdout=subprocess.PIPE, text=True)
        assert server.stdout.readline() == "ready\n"
        yield {
            host: Host(name=host, kind=HostKind.NODE, netns=name, addresses=())
            for host, name in names.items()
        }
    finally:
        if server is not None:
            server.kill()
            server.wait()
            server.stdout.close()
        for name in names.values():
            subprocess.run(["ip", "netns", "del", name], check=False, capture_output=True)


def target(address: str, port: int) -> AddrPort:
    return AddrPort(ip_address(address), port)


def call(caller: Host, address: str, port: int) -> Call:
    return Call(caller=caller, target=target_at(target(address, port)))


Joined = list[tuple[Outcome, tuple[Packet, ...]]]


def capture(world: World, calls: list[Call], timeout_s: float = 2.0) -> tuple[Listening, Joined]:
    with Listening(list(world.values()), 6, 4) as listening, listening.served():
        outcomes = make_calls(calls, timeout_s=timeout_s)
    assert listening.lost == []
    evidence = Evidence(
        hosts=world,
        observations=listening.observations(),
        walks=listening.walks(),
        knowledge=Knowledge(books={}, entries=listening.entries(), ask=lambda _: RouteAnswer()),
    )
    return listening, [(end, join(evidence, end.pair) if end.pair else ()) for end in outcomes]


def points(packet: Packet) -> list[str]:
    hops = [hop for visit in packet.visits for hop in visit.hops]
    return [f"{hop.host} {hop.ifname} {hop.direction}" for hop in hops]


def rewrites(packet: Packet) -> list[tuple[Nat, str]]:
    return [(step.kind, host) for host, step in packet.steps() if isinstance(step, Rewritten)]


def first(packets: tuple[Packet, ...], way: Way) -> Packet:
    return next(packet for packet in packets if packet.way is way)


def test_a_request_through_another_node_is_seen_on_every_interface_of_the_way(world: World):
    _, [(outcome, packets)] = capture(world, [call(world["client"], "192.168.50.12", 30080)])

    assert outcome.result is Result.ANSWERED
    assert str(outcome.client_address) == "192.168.50.12"
    request, reply = first(packets, Way.REQUEST), first(packets, Way.REPLY)
    there = [
        "client eth0 out",
        "router p-client in",
        "router p-node2 out",
        "node2 eth0 in",
        "node2 eth0 out",
        "router p-node2 in",
        "router p-node1 out",
        "node1 eth0 in",
        "node1 veth-pod out",
        "pod eth0 in",
    ]
    assert points(request) == there
    opposite = {"in": "out", "out": "in"}
    assert points(reply) == [
        f"{host} {ifname} {opposite[way]}"
        for host, ifname, way in (point.split() for point in reversed(there))
    ]
    assert rewrites(request) == [(Nat.DNAT, "node2"), (Nat.SNAT, "node2")]
    assert rewrites(reply) == [(Nat.UN_SNAT, "node2"), (Nat.UN_DNAT, "node2")]


def test_a_node_that_rewrites_its_own_request_is_found_by_its_connection_entry(world: World):
    _, [(outcome, packets)] = capture(world, [call(world["node2"], "10.0.0.1", 80)])

    assert str(outcome.client_address) == "192.168.50.12"
    request, reply = first(packets, Way.REQUEST), first(packets, Way.REPLY)
    assert rewrites(request)[0] == (Nat.DNAT, "node2")
    [before] = [s.before for _, s in request.steps() if isinstance(s, Rewritten)][:1]
    assert before == target("10.0.0.1", 80)
    [*_, after] = [s.after for _, s in reply.steps() if isinstance(s, Rewritten)]
    assert after == target("10.0.0.1", 80)


def test_a_dropped_request_ends_where_it_entered_and_each_retry_is_an_attempt(world: World):
    calls = [call(world["client"], "192.168.50.12", 30081)]
    _, [(outcome, packets)] = capture(world, calls, timeout_s=1.4)

    assert outcome.result is Result.TIMEOUT
    assert [packet.attempt for packet in packets] == [1, 2]
    for packet in packets:
        assert packet.way is Way.REQUEST
        assert points(packet)[-1] == "node2 eth0 in"


AT_ONCE = 40 if user_namespace.is_initial() else 8
"""A socket of root's holds what it likes, an ordinary user's what ``net.core.rmem_max`` allows:
with more at once, messages are lost, and a trace says so."""


def test_many_requests_in_parallel_do_not_mix(world: World):
    _, joined = capture(world, [call(world["client"], "192.168.50.12", 30080)] * AT_ONCE)
    assert len(joined) == AT_ONCE

    for outcome, packets in joined:
        assert {packet.attempt for packet in packets} == {1}
        assert first(packets, Way.REQUEST).first_pair() == outcome.pair
        assert all(len(points(packet)) == 10 for packet in packets)


@pytest.mark.parametrize(
    ("address", "port", "result"),
    [
        pytest.param("192.168.50.12", 30082, Result.REFUSED, id="a REJECT rule refuses"),
        pytest.param("192.168.50.11", 80, Result.REFUSED, id="a closed port refuses"),
        pytest.param("172.16.0.1", 80, Result.UNREACHABLE, id="no route is unreachable"),
    ],
)
def test_the_end_of_a_call_is_told_apart(world: World, address: str, port: int, result: Result):
    [outcome] = make_calls([call(world["client"], address, port)], timeout_s=2.0)
    assert outcome.result is result


def test_captures_are_files_that_tcpdump_reads(world: World, tmp_path: Directory):
    heard, [(_, packets)] = capture(world, [call(world["client"], "192.168.50.12", 30080)])
    files = write_pcaps(tmp_path, heard.frames())

    # An ARP question, when there was one, is for all, and so for the bridge itself.
    assert [file.name for file in files if file.name != "router_cloud0.pcap"] == [
        "client_eth0.pcap",
        "node1_eth0.pcap",
        "node1_veth-pod.pcap",
        "node2_eth0.pcap",
        "pod_eth0.pcap",
        "router_p-client.pcap",
        "router_p-node1.pcap",
        "router_p-node2.pcap",
    ]
    reading = ["tcpdump", "-n", "-tt", "--nano", "-r", tmp_path / "client_eth0.pcap", "tcp"]
    lines = subprocess.run(reading, check=True, capture_output=True, text=True).stdout.splitlines()
    assert len(lines) == len(packets)
    sent = packets[0].visits[0].hops[0].time_ns
    assert lines[0].startswith(f"{sent // 10**9}.{sent % 10**9:09d} IP 192.168.50.100.")
