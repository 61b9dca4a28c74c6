"""Each source of a trace, alone, on two namespaces of its own."""

import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from ipaddress import ip_address

import pytest

from netlab.linux.netns import inside
from netlab.model.hosts import Host, HostKind
from netlab.model.names import NetnsName
from netlab.model.packets import AddrPort
from netlab.sources.conntrack_events import ConntrackEvents
from netlab.sources.route_query import RouteQueries
from netlab.sources.routes import RouteQuestion
from netlab.sources.rule_handles import read_handles
from netlab.sources.rule_trace import RuleTrace
from netlab.sources.trace_table import Arming
from netlab.trace.outcomes import Outcome, Result
from netlab.trace.rule_walks import split
from netlab.trace.session.exchange import Call, Target, make_calls
from netlab.trace.session.listening import Listening
from netlab.trace.session.rules_read import RulesRead
from tests.kernel.conftest import WARNINGS

pytestmark = pytest.mark.kernel

RULES = """*filter
-A INPUT -p tcp --dport 81 -j DROP
-A INPUT -p tcp -m conntrack --ctstate NEW -j ACCEPT
-A INPUT -p udp --dport 83 -j REJECT
COMMIT
"""

World = dict[str, Host]


def run(*argv: str, text: str | None = None) -> None:
    subprocess.run(argv, check=True, input=text, text=True, capture_output=True)


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    a, b = "nltrace-a", "nltrace-b"
    try:
        for name in (a, b):
            run("ip", "netns", "add", name)
            run("ip", "-n", name, "link", "set", "lo", "up")
        link = ["link", "add", "eth0", "type", "veth", "peer", "name", "eth0", "netns", b]
        run("ip", "-n", a, *link)
        for name, address in ((a, "192.0.2.1/24"), (b, "192.0.2.2/24")):
            run("ip", "-n", name, "addr", "add", address, "dev", "eth0")
            run("ip", "-n", name, "link", "set", "eth0", "up")
        run("ip", "-n", a, "route", "add", "blackhole", "198.51.100.0/24")
        run("ip", "-n", a, "route", "add", "203.0.113.0/24", "via", "192.0.2.2")
        run("ip", "netns", "exec", b, "iptables-restore", text=RULES)
        yield {
            name: Host(
                name=name,
                kind=HostKind.NODE,
                netns=NetnsName(f"nltrace-{name}"),
                addresses=(ip_address(address),),
            )
            for name, address in (("a", "192.0.2.1"), ("b", "192.0.2.2"))
        }
    finally:
        for name in (a, b):
            subprocess.run(["ip", "netns", "del", name], check=False, capture_output=True)


def target(scheme: str, port: int, address: str = "192.0.2.2") -> Target:
    end = AddrPort(ip_address(address), port)
    return Target(text="", scheme=scheme, name="b", netloc="b", address=end)


def connect(world: World, where: Target, timeout_s: float) -> Outcome:
    [outcome] = make_calls([Call(caller=world["a"], target=where)], timeout_s=timeout_s)
    return outcome


@pytest.mark.parametrize(
    ("where", "heard"),
    [
        pytest.param(target("tcp", 82), Result.REFUSED, id="a closed port"),
        pytest.param(target("tcp", 81), Result.TIMEOUT, id="a drop"),
        pytest.param(target("udp", 83), Result.REFUSED, id="a rejected datagram"),
        pytest.param(target("icmp", 0), Result.ANSWERED, id="a ping"),
        pytest.param(target("udp", 9, "198.51.100.1"), Result.CLOSED, id="a blackhole"),
    ],
)
def test_a_contact_says_what_its_socket_heard(world: World, where: Target, heard: Result):
    assert connect(world, where, 0.4).result is heard


def test_rules_are_traced_with_handles_that_find_their_text(world: World):
    node = world["b"]
    opened = RuleTrace(node, inside)
    armed = Arming(node, inside, protocols={6})
    books = RulesRead([node], 4)
    try:
        connect(world, target("tcp", 81), 0.2)
        opened.serve()
        book = books.read()["b"]
    finally:
        armed.close()
        opened.close()

    [walk] = split(opened.messages, armed.table)[:1]
    drops = [message for message in walk.messages if message.verdict == "DROP"]
    assert book["filter", "INPUT", drops[0].handle].text.endswith("--dport 81 -j DROP")
    assert walk.points()[-1] == "pre_dnat"
    assert books.warnings == []
    assert opened.lost == 0


def test_without_arming_nothing_is_traced(world: World):
    opened = RuleTrace(world["b"], inside)
    try:
        connect(world, target("tcp", 82), 0.2)
        opened.serve()
    finally:
        opened.close()

    assert opened.messages == []


def test_rules_that_change_meanwhile_are_noticed(world: World):
    books = RulesRead([world["b"]], 4)
    argv = ["ip", "netns", "exec", "nltrace-b", "iptables"]
    run(*argv, "-I", "INPUT", "1", "-s", "203.0.113.9", "-j", "ACCEPT")
    try:
        book = books.read()["b"]
    finally:
        run(*argv, "-D", "INPUT", "1")

    assert "the rules of b changed meanwhile" in books.warnings[0]
    first = read_handles(world["b"], inside)["filter", "INPUT"][0]
    assert book["filter", "INPUT", first].index == 2


def test_another_trace_is_no_change_of_rules(world: World):
    books = RulesRead([world["b"]], 4)
    Arming(world["b"], inside, protocols={6}).close()

    assert books.read()["b"]
    assert books.warnings == []


def test_a_connection_is_heard_of_when_it_is_made(world: World):
    events = ConntrackEvents(world["b"], inside)
    try:
        contact = connect(world, target("tcp", 82), 0.4)
        events.serve()
    finally:
        events.close()

    assert contact.pair in {entry.original for entry in events.entries}
    assert not any(entry.is_nat() for entry in events.entries)


@pytest.mark.parametrize(
    ("destination", "said"),
    [
        pytest.param("192.0.2.1", ("local", "", ""), id="its own address"),
        pytest.param("192.0.2.9", ("192.0.2.0/24", "", ""), id="a neighbour"),
        pytest.param("203.0.113.5", ("203.0.113.0/24", "192.0.2.2", ""), id="a gateway"),
        pytest.param("10.9.9.9", ("", "", "no route"), id="nowhere"),
    ],
)
def test_the_kernel_says_where_it_would_send(
    world: World, destination: str, said: tuple[str, str, str]
):
    queries = RouteQueries(world["a"].netns, inside)
    try:
        answer = queries.ask(RouteQuestion("a", ip_address(destination)))
    finally:
        queries.close()

    assert (answer.route, answer.via, answer.error) == said


def test_a_host_that_has_gone_is_a_warning_and_the_others_are_heard(world: World):
    gone = Host(name="c", kind=HostKind.POD, netns=NetnsName("nltrace-gone"), addresses=())

    with Listening([world["a"], world["b"], gone], 6, 4) as listening:
        connect(world, target("tcp", 82), 0.4)

    of_hosts = {one for one in listening.warnings if not one.startswith("drops without reasons")}
    assert of_hosts == {"c has gone", *WARNINGS}
    assert {seen.host for seen in listening.observations()} == {"a", "b"}
    assert {walk.host for walk in listening.walks()} == {"a", "b"}
    assert listening.lost == []
    assert threading.active_count() == 1


HEAR = """
import socket
listener = socket.create_server(("192.0.2.2", 9000))
print(flush=True)
connection, _ = listener.accept()
heard = 0
while heard < 1 << 24:
    heard += len(connection.recv(1 << 16))
print(flush=True)
while connection.recv(1 << 16):
    pass
"""
SEND = """
import socket
connection = socket.create_connection(("192.0.2.2", 9000))
connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
while True:
    connection.sendall(bytes(1000))
"""


@contextmanager
def a_busy_stream(world: World) -> Iterator[None]:
    """Send from a to b, as fast as the kernel can, in processes of their own."""
    with ExitStack() as stack:

        def start(host: str, program: str) -> "subprocess.Popen[str]":
            argv = ["ip", "netns", "exec", world[host].netns, sys.executable, "-c", program]
            process = stack.enter_context(subprocess.Popen(argv, stdout=subprocess.PIPE, text=True))
            stack.callback(process.kill)
            return process

        hearer = start("b", HEAR)
        assert hearer.stdout is not None
        assert hearer.stdout.readline() == "\n"
        start("a", SEND)
        assert hearer.stdout.readline() == "\n"
        yield


def test_a_busy_stream_of_others_keeps_nothing_from_being_heard(world: World):
    hosts = [world["a"], world["b"]]
    with a_busy_stream(world), Listening(hosts, 6, 4) as listening, listening.served():
        contact = connect(world, target("tcp", 81), 0.4)

    assert listening.lost == []
    met = [seen.host for seen in listening.observations() if seen.pair == contact.pair]
    assert sorted(met) == ["a", "b"]
    assert {str(walk.pairs()[0]) for walk in listening.walks()} == {str(contact.pair)}
