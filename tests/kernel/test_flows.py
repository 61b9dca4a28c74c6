"""kube-proxy's packet-flow facts on a real kernel: the compiled text, real packets, real counters.

kube-proxy's rules in nftables mode count nothing; the test adds a counter to each, nothing else.

One namespace is the node, with every address that the facts give it. The other is the rest of the
world: it sends whole frames with any source, and whatever the node sends comes out there. A packet
for an unknown address follows each flow; once it is back, all that was before it has been decided.
"""

import itertools
import json
import re
import secrets
import socket
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest

from netlab.kube.proxy_objects import parse_proxy_objects
from netlab.kubeproxy.text import compile_text
from netlab.kubeproxy.view import ProxyView, proxy_view
from netlab.linux.netns import inside
from netlab.model.addresses import Family
from netlab.model.kube_proxy import ProxyMode
from netlab.model.names import NetnsName
from netlab.netfilter.iptables.parse import parse
from netlab.netfilter.nftables.differences import table_differences
from netlab.netfilter.nftables.families import ip
from netlab.netfilter.nftables.parse import parse as parse_table
from netlab.netfilter.nftables.parse import parse_listing
from netlab.netfilter.nftables.parse_rule import parse_rule
from netlab.netfilter.nftables.sync import removal_text
from netlab.netfilter.nftables.table import TABLE
from netlab.netfilter.nftables.walk import TableRule
from netlab.netfilter.verdicts import Hit, Verdict
from netlab.trace.flows import FlowQuestion, flow_of
from netlab.trace.predict import Predictor
from tests.unit.kubeproxy.nftables.mode_differences import DIFFERENCES

pytestmark = pytest.mark.kernel

Facts = dict[str, Any]

GOLDEN = Path(__file__).parents[1] / "golden/kubeproxy"
FACTS: Facts = json.loads((GOLDEN / "kube-proxy-facts.json").read_text("utf-8"))
NODE_ADDRESSES = [
    ip_address(text)
    for text in FACTS["cases"][0]["config"]["localIPs"]
    if not ip_address(text).is_loopback
]
NODE_MAC, WORLD_MAC = "02:00:00:00:08:01", "02:00:00:00:08:02"
LAST = {
    Family.IPV4: {"sourceIP": "192.0.2.9", "destIP": "203.0.113.250"},
    Family.IPV6: {"sourceIP": "2600:5200::9", "destIP": "2600:5200::250"},
}
"""Ends of the packet that follows a flow; no rule is for it."""
ATTEMPTS = 40
"""With three endpoints, one is missed in less than one run of three million."""
ANSWER_S = 10.0

LINKS = """
-n {node} link add eth0 address {node_mac} type veth peer name eth0 netns {world}
-n {world} link set eth0 address {world_mac}
-n {node} link set lo up
-n {node} link set eth0 up
-n {world} link set eth0 up
-n {node} neigh add 169.254.0.1 lladdr {world_mac} nud permanent dev eth0
-n {node} neigh add fe80::1 lladdr {world_mac} nud permanent dev eth0
-n {node} route add default via 169.254.0.1 dev eth0 onlink
-n {node} -6 route add default via fe80::1 dev eth0 onlink
"""
SYSCTLS = {
    "net.ipv4.ip_forward": 1,
    "net.ipv6.conf.all.forwarding": 1,
    "net.ipv4.conf.all.route_localnet": 1,
    "net.ipv4.conf.all.rp_filter": 0,
    "net.ipv4.conf.eth0.rp_filter": 0,
    "net.ipv4.conf.all.send_redirects": 0,
    "net.ipv4.conf.eth0.send_redirects": 0,
    # Every refused packet must be answered.
    "net.ipv4.icmp_ratemask": 0,
    "net.ipv6.icmp.ratelimit": 0,
}


def run(*argv: str, text: str | None = None):
    done = subprocess.run(argv, check=False, input=text, text=True, capture_output=True)
    assert done.returncode == 0, f"{argv}: {done.stderr}"
    return done.stdout


class World:
    """A node, and what lies around it."""

    def __init__(self) -> None:
        token = secrets.token_hex(3)
        self.node, self.around = NetnsName(f"flows-{token}-node"), NetnsName(f"flows-{token}-world")
        self.ports = itertools.count(20_000)
        self.wire: socket.socket | None = None

    def build(self):
        for name in (self.node, self.around):
            run("ip", "netns", "add", name)
        macs = {"node_mac": NODE_MAC, "world_mac": WORLD_MAC}
        for line in LINKS.format(node=self.node, world=self.around, **macs).strip().splitlines():
            run("ip", *line.split())
        for address in NODE_ADDRESSES:
            nodad = ("nodad",) if address.version == 6 else ()
            run("ip", "-n", self.node, "addr", "add", str(address), "dev", "eth0", *nodad)
        self.on_node("sysctl", "-qw", *(f"{key}={value}" for key, value in SYSCTLS.items()))
        with inside(self.around):
            self.wire = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
        self.wire.bind(("eth0", 0))
        self.wire.settimeout(ANSWER_S)

    def remove(self):
        if self.wire is not None:
            self.wire.close()
        for name in (self.node, self.around):
            subprocess.run(["ip", "netns", "del", name], check=False, capture_output=True)

    def on_node(self, *argv: str, text: str | None = None):
        return run("ip", "netns", "exec", self.node, *argv, text=text)

    def load(self, view: ProxyView, family: Family):
        """Replace the node's rules, and with them all counters."""
        text = compile_text(view, family)
        if view.mode is ProxyMode.IPTABLES:
            self.on_node("nft", "-f", "-", text=removal_text(family))
            self.on_node(f"{iptables(family)}-restore", text=text)
            return
        empty = "*filter\nCOMMIT\n*nat\nCOMMIT\n*mangle\nCOMMIT\n"
        self.on_node(f"{iptables(family)}-restore", text=empty)
        self.on_node("nft", "-f", "-", text=removal_text(family) + text)
        # As it is, the kernel holds what was meant, however nft spells it.
        assert table_differences(parse_table(text), self.listing(family)) == []
        self.on_node("nft", "-f", "-", text=removal_text(family) + counting(text))

    def listing(self, family: Family):
        return parse_listing(self.on_node("nft", "list", "table", ip(family), TABLE)).table

    def hits(self, view: ProxyView, family: Family) -> set[Hit]:
        """Return every rule of the node's that a packet has hit since they were loaded."""
        if view.mode is ProxyMode.NFTABLES:
            return {
                Hit(
                    TABLE,
                    TableRule(chain.name, parse_rule(COUNTER.sub("", rule.words)).canonical()),
                )
                for chain in self.listing(family).chains
                for rule in chain.rules
                if int(COUNTER.search(rule.words)[1])
            }
        lines = self.on_node(f"{iptables(family)}-save", "-c").splitlines()
        kept = [line for line in lines if not line.startswith("[0:")]
        return {
            Hit(table.name, rule)
            for table in parse("\n".join([*kept, ""]), family).tables
            for chain in table.chains
            for rule in chain.rules
        }

    def deeds(self, view: ProxyView, family: Family) -> set[str]:
        """Return what rules, or entries of maps, have done to packets: ``drop``, ``reject`` ..."""
        rules = [hit.rule for hit in self.hits(view, family)]
        if view.mode is ProxyMode.IPTABLES:
            return {type(rule.target).__name__.lower() for rule in rules}
        entries = (one for named in self.listing(family).sets for one in named.elements)
        verdicts = {
            str(one.verdict)
            for one in entries
            if (counted := COUNTER.search(one.key)) and int(counted[1])
        }
        return verdicts | {word for rule in rules for word in rule.rule.words.split()}

    def send(self, question: FlowQuestion):
        """Send the flow's first packet, from a new port."""
        if question.source.is_loopback or question.source in NODE_ADDRESSES:
            self._send_from_node(question)
        else:
            self.wire.send(frame(question, next(self.ports)))

    def seen(self, family: Family) -> list[Any]:
        """Return every packet from the node since the last call, as scapy dissects it."""
        from scapy.layers.l2 import Ether

        last = flow_of({**LAST[family], "destPort": 9, "protocol": "UDP"})
        self.wire.send(frame(last, next(self.ports)))
        found = []
        while True:
            content, address = self.wire.recvfrom(65536)
            packet = Ether(content).payload
            if address[2] == socket.PACKET_HOST and packet.dst == str(last.destination):
                return found
            # What is for all is the kernel's own, of neighbours and groups.
            if address[2] in (socket.PACKET_HOST, socket.PACKET_OTHERHOST):
                found.append(packet)

    def _send_from_node(self, question: FlowQuestion):
        family = socket.AF_INET if question.source.version == 4 else socket.AF_INET6
        with inside(self.node):
            caller = socket.socket(family, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
        with caller:
            # A port that came by before would be translated as conntrack remembers it.
            caller.bind((str(question.source), next(self.ports)))
            # What came of it is read from the wire and the counters.
            caller.connect_ex((str(question.destination), question.port))


def counting(text: str):
    """Return the text of a table with a counter in each rule, before what it does, and each entry.

    A rule that looks a packet up counts it though its map may not know it.
    """
    text = text.replace(": verdict ;", ": verdict ; counter ;")
    return RULE.sub(lambda found: f"{found[1]} counter {found[2]}", text)


RULE = re.compile(
    r"^(add rule \S+ \S+ \S+(?: .+?)??) ((?:drop|reject|return|masquerade|jump|goto|numgen|mark set"
    r"|update|dnat|ip6? daddr \. |meta l4proto \. th|meta l4proto \S+ dnat).*)$",
    re.MULTILINE,
)
COUNTER = re.compile(r"counter packets (\d+) bytes \d+ ?")


def iptables(family: Family):
    return "iptables" if family is Family.IPV4 else "ip6tables"


def frame(question: FlowQuestion, source_port: int):
    from scapy.layers.inet import IP, TCP, UDP
    from scapy.layers.inet6 import IPv6
    from scapy.layers.l2 import Ether
    from scapy.layers.sctp import SCTP, SCTPChunkInit

    ends = {"src": str(question.source), "dst": str(question.destination)}
    ports = {"sport": source_port, "dport": question.port}
    network = IP(**ends) if question.source.version == 4 else IPv6(**ends)
    transport = {
        "TCP": lambda: TCP(**ports, flags="S", seq=1),
        "UDP": lambda: UDP(**ports) / b"?",
        "SCTP": lambda: (
            SCTP(**ports, tag=0)
            / SCTPChunkInit(init_tag=1, n_out_streams=1, n_in_streams=1, a_rwnd=1500)
        ),
    }
    return bytes(Ether(src=WORLD_MAC, dst=NODE_MAC) / network / transport[question.protocol]())


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    made = World()
    try:
        made.build()
        yield made
    finally:
        made.remove()


def view_of(case: Facts, mode: ProxyMode = ProxyMode.IPTABLES):
    """Return what kube-proxy knows in a case; the facts are of iptables mode, its settings too."""
    text = (GOLDEN / f"objects/{case['id']}.yaml").read_text("utf-8")
    view = proxy_view(parse_proxy_objects([(text, case["id"])]), case["config"]["node"])
    return replace(view, configuration=replace(view.configuration, mode=mode))


def observed(question: FlowQuestion, packets: list[Any], deeds: set[str]):
    """Return the verdict, and for each endpoint the sources it saw."""
    from scapy.layers.inet import ICMP
    from scapy.layers.inet6 import ICMPv6DestUnreach

    refused = any(packet.haslayer(ICMP) or packet.haslayer(ICMPv6DestUnreach) for packet in packets)
    endpoints: dict[str, set[str]] = {}
    for packet in packets:
        if not refused and not is_answer(packet, question) and is_rewritten(packet, question):
            host = packet.dst if question.source.version == 4 else f"[{packet.dst}]"
            endpoints.setdefault(f"{host}:{packet.payload.dport}", set()).add(packet.src)
    if endpoints:
        return Verdict.ENDPOINTS, endpoints
    if refused:
        assert "reject" in deeds
        return Verdict.REJECT, {}
    if "drop" in deeds:
        assert packets == []
        return Verdict.DROP, {}
    return (Verdict.ACCEPT if "accept" in deeds else Verdict.NONE), {}


def is_answer(packet: Any, question: FlowQuestion):  # noqa: ANN401 (scapy's)
    """Tell whether the node itself answers, as it does where nothing listens."""
    return packet.dst == str(question.source) and packet.payload.sport == question.port


def is_rewritten(packet: Any, question: FlowQuestion):  # noqa: ANN401 (scapy's)
    return (packet.dst, packet.payload.dport) != (str(question.destination), question.port)


def flow_cases():
    for mode in ProxyMode:
        for case in FACTS["cases"]:
            for flow in case["flows"]:
                words = f"{flow['id']} {mode} {case['name']}: {flow['name']}"
                yield pytest.param(mode, case, flow, id=words)


def wanted(flow: Facts, mode: ProxyMode):
    """Return verdict, endpoints and masquerading: the fact, or what is known to differ from it."""
    if mode is ProxyMode.NFTABLES and flow["id"] in DIFFERENCES:
        _, verdict = DIFFERENCES[flow["id"]]
        assert verdict != flow["verdict"]
        return verdict, [], False
    return flow["verdict"], sorted(flow["endpoints"]), flow["masquerade"]


@pytest.mark.parametrize(("mode", "case", "flow"), list(flow_cases()))
def test_kernel_does_what_the_facts_and_the_walk_say(
    world: World, mode: ProxyMode, case: Facts, flow: Facts
):
    view, question = view_of(case, mode), flow_of(flow)
    world.load(view, question.family)

    for _ in range(ATTEMPTS if flow["endpoints"] else 1):
        world.send(question)
    packets = world.seen(question.family)
    deeds, hits = world.deeds(view, question.family), world.hits(view, question.family)
    verdict, endpoints = observed(question, packets, deeds)

    is_masqueraded = "masquerade" in deeds
    assert (verdict, sorted(endpoints), is_masqueraded) == wanted(flow, mode)
    of_node = {str(address) for address in NODE_ADDRESSES}
    for sources in endpoints.values():
        assert sources <= (of_node if is_masqueraded else {flow["sourceIP"]})
    for outcome in Predictor(view).predict(question).outcomes:
        assert set(map(normal, outcome.hits)) <= hits


def normal(hit: Hit):
    """Return a hit as the kernel spells it."""
    if not isinstance(hit.rule, TableRule):
        return hit
    return replace(hit, rule=replace(hit.rule, rule=replace(hit.rule.rule.canonical(), comment="")))


@pytest.fixture
def bare():
    name = f"flows-{secrets.token_hex(3)}-bare"
    run("ip", "netns", "add", name)
    yield name
    run("ip", "netns", "del", name)


@pytest.mark.parametrize("kind", ["nft", "legacy"])
def test_text_loads_beside_what_is_there(bare: str, kind: str):
    inside_bare, program = ("ip", "netns", "exec", bare), f"iptables-{kind}"
    run(*inside_bare, program, "-P", "FORWARD", "DROP")
    run(*inside_bare, program, "-A", "INPUT", "-j", "LOG")
    text = compile_text(view_of(FACTS["cases"][0]), Family.IPV4)

    run(*inside_bare, f"{program}-restore", "--noflush", text=text)

    there = run(*inside_bare, f"{program}-save", "-t", "filter").splitlines()
    assert any(line.startswith(":FORWARD DROP ") for line in there)
    assert "-A INPUT -j LOG" in there
    for chain in ("KUBE-SERVICES", "KUBE-EXTERNAL-SERVICES", "KUBE-NODEPORTS"):
        begin = f"-A {chain} "
        laid = sum(line.startswith(begin) for line in there)
        assert laid == sum(line.startswith(begin) for line in filter_table(text)) > 0


def filter_table(text: str):
    return text.partition("*filter\n")[2].partition("COMMIT")[0].splitlines()
