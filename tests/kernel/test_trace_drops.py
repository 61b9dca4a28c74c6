"""Every way in which the kernel throws a packet away, provoked in a lab, found and named."""

import errno
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from types import NoneType

import pytest
from jsonschema import Draft202012Validator

import netlab.render
from netlab.client.api_client import Client
from netlab.client.cluster import Cluster
from netlab.client.hosts import hosts
from netlab.linux.bpf.kernel_layout import kernel_layout
from netlab.linux.packet_ring import Enter
from netlab.model.hosts import Host, HostKind
from netlab.model.names import NetnsName
from netlab.model.rundir import control_socket
from netlab.render.trace.tree import TraceStyle, render_trace
from netlab.sources.kernel_drops import KernelDrops
from netlab.trace.packet import Routed, RuleHit, Verdict
from netlab.trace.session.listening import DropSource, OpenDrops
from netlab.trace.session.tracing import TraceRequest, trace
from netlab.trace.trace import Trace
from tests.kernel.conftest import Lab

pytestmark = pytest.mark.kernel

KERNEL = tuple(int(number) for number in os.uname().release.split(".")[:2])
KERNEL_WITH_NAMES = (5, 17)
KERNEL_WITH_ALL_NAMES = (6, 14)
NOW = 1_700_000_000.0
HERE = Host(name="here", kind=HostKind.CLIENT, netns=NetnsName(""), addresses=())
SNAT = "iptables -t nat {} POSTROUTING -p tcp --dport 82 -j SNAT --to-source {}"


@dataclass(frozen=True, kw_only=True)
class Case:
    """A drop: how to provoke it, how to put it back, and what is said of it."""

    target: str
    result: str
    host: str
    code: str
    words: str
    why: str
    do: tuple[str, ...] = ()
    """Commands, each ``host command``."""
    undo: tuple[str, ...] = ()
    caller: str = "client"
    timeout_s: float = 0.3
    function: str = ""
    by: type = NoneType
    confidence: str = "kernel"
    cause_at: str = ""
    """The host where the cause is to be looked at; by default where the packet was dropped."""


CASES = {
    "a rule": Case(
        do=("node3 iptables -I INPUT -p tcp --dport 82 -j DROP",),
        undo=("node3 iptables -D INPUT -p tcp --dport 82 -j DROP",),
        target="tcp://node3:82",
        result="dropped",
        host="node3",
        code="NETFILTER_DROP",
        function="nft_do_chain",
        by=RuleHit,
        words="dropped on node3 by filter INPUT #1",
        why="",
    ),
    "a rule that says so": Case(
        do=("node3 iptables -I INPUT -p tcp --dport 82 -j REJECT",),
        undo=("node3 iptables -D INPUT -p tcp --dport 82 -j REJECT",),
        target="tcp://node3:82",
        result="rejected",
        host="node3",
        code="NETFILTER_DROP",
        function="nft_do_chain",
        by=RuleHit,
        words="rejected on node3 by filter INPUT #1",
        why="",
    ),
    "no route": Case(
        target="tcp://10.99.0.1:80",
        do=("router ip route add throw 10.99.0.0/24",),
        undo=("router ip route del throw 10.99.0.0/24",),
        result="dropped",
        host="router",
        code="IP_INNOROUTES",
        by=Routed,
        words="dropped on router by routing: no route for 10.99.0.1",
        why="no route for 10.99.0.1",
    ),
    **{
        f"a {kind} route": Case(
            target="tcp://10.99.0.1:80",
            do=(f"router ip route add {kind} 10.99.0.0/24",),
            undo=(f"router ip route del {kind} 10.99.0.0/24",),
            result="dropped",
            host="router",
            code="NOT_SPECIFIED",
            function="ip_error",
            by=Routed,
            words=f"dropped on router by routing: {article} {kind} route for 10.99.0.1",
            why=f"router has {article} {kind} route for 10.99.0.1",
        )
        for kind, article in (("unreachable", "an"), ("prohibit", "a"), ("blackhole", "a"))
    },
    "a source that may not come this way": Case(
        target="tcp://node3:82",
        do=(
            f"client {SNAT.format('-I', '10.240.0.77')}",
            "router sysctl -qw net.ipv4.conf.internet0.rp_filter=1",
        ),
        undo=(
            f"client {SNAT.format('-D', '10.240.0.77')}",
            "router sysctl -qw net.ipv4.conf.internet0.rp_filter=0",
        ),
        result="dropped",
        host="router",
        code="IP_RPFILTER",
        words="dropped on router: 10.240.0.77 may not come in by internet0 (rp_filter)",
        why="by another interface",
    ),
    "a martian": Case(
        target="tcp://node3:82",
        do=(f"client {SNAT.format('-I', '127.0.0.9')}",),
        undo=(f"client {SNAT.format('-D', '127.0.0.9')}",),
        result="dropped",
        host="router",
        code="IP_LOCALNET",
        words="a loopback address came in by internet0 (a martian)",
        why="client had put 127.0.0.9 in as the source, by nat POSTROUTING #1",
        cause_at="client",
    ),
    "forwarding switched off": Case(
        target="tcp://node3:82",
        do=("router sysctl -qw net.ipv4.conf.internet0.forwarding=0",),
        undo=("router sysctl -qw net.ipv4.conf.internet0.forwarding=1",),
        result="dropped",
        host="router",
        code="IP_INADDRERRORS",
        function="ip_error",
        words="dropped on router: router does not forward packets",
        why="forwarding is switched off there",
    ),
    "no time to live": Case(
        target="tcp://node3:82",
        do=("client sysctl -qw net.ipv4.ip_default_ttl=1",),
        undo=("client sysctl -qw net.ipv4.ip_default_ttl=64",),
        result="dropped",
        host="router",
        code="IP_INHDR",
        function="ip_forward",
        words="dropped on router: its TTL ran out",
        why="every router takes 1",
    ),
    "too big for the next link": Case(
        target="http://node1:NODEPORT/" + "a" * 1000,
        timeout_s=1,
        do=(
            "router ip link set cloud0 mtu 600",
            "client iptables -I INPUT -p icmp -j DROP",
        ),
        undo=(
            "router ip link set cloud0 mtu 1460",
            "client iptables -D INPUT -p icmp -j DROP",
        ),
        result="dropped",
        host="router",
        code="PKT_TOO_BIG",
        function="ip_forward",
        words="the connection was made, but its packet data was dropped on router",
        why="larger than the MTU",
    ),
    "no neighbour": Case(
        target="tcp://10.240.0.99:80",
        do=("router sysctl -qw net.ipv4.neigh.cloud0.retrans_time_ms=50",),
        undo=("router sysctl -qw net.ipv4.neigh.cloud0.retrans_time_ms=1000",),
        timeout_s=0.6,
        result="dropped",
        host="router",
        code="NEIGH_FAILED",
        function="neigh_invalidate",
        words="dropped on router: nobody on cloud0 answers for 10.240.0.99",
        why="(ARP)",
    ),
    "no neighbour yet": Case(
        target="tcp://10.240.0.98:80",
        result="dropped",
        host="router",
        code="NEIGH_FAILED",
        confidence="inferred",
        words="dropped on router: nobody on cloud0 answers for 10.240.0.98",
        why="(ARP)",
    ),
    "no socket": Case(
        target="tcp://node3:82",
        result="refused",
        host="node3",
        code="NO_SOCKET",
        function="tcp_v4_rcv",
        words="refused by node3",
        why="nothing there listens on that port",
    ),
    "a closed UDP port": Case(
        target="udp://node3:82",
        result="refused",
        host="node3",
        code="NO_SOCKET",
        function="__udp4_lib_rcv",
        words="refused by node3",
        why="nothing there listens on that port",
    ),
    "a wrong checksum": Case(
        target="tcp://node3:82",
        do=(
            "router nft add table ip spoil",
            "router nft add chain ip spoil forward { type filter hook forward priority 0 ; }",
            "router nft add rule ip spoil forward tcp dport 82 @th,128,16 set 1",
        ),
        undo=("router nft delete table ip spoil",),
        result="dropped",
        host="node3",
        code="TCP_CSUM",
        words="dropped on node3: its checksum is wrong",
        why="something on the way changed the packet",
    ),
}


@pytest.fixture(scope="module")
def lab(make_lab: Callable[[], Lab]) -> Lab:
    made = make_lab()
    made.up("source-ip")
    return made


@pytest.fixture(scope="module")
def reasons() -> None:
    """Skip where this kernel, or a container around the tests, has no eBPF for them."""
    try:
        KernelDrops([HERE], lambda _: nullcontext()).close()
    except OSError as error:
        pytest.skip(f"no drop reasons: {error.strerror}")


@contextmanager
def provoked(lab: Lab, case: Case) -> Iterator[None]:
    try:
        for line in case.do:
            host, *command = line.split()
            done = lab.inside(host, *command)
            assert done.returncode == 0, f"{line}: {done.stderr}"
        yield
    finally:
        for line in case.undo:
            host, *command = line.split()
            done = lab.inside(host, *command)
            assert done.returncode == 0, f"{line}: {done.stderr}"


def traced(lab: Lab, case: Case, open_drops: OpenDrops | None = None) -> Trace:
    objects = Client(control_socket(lab.name))
    cluster = Cluster(lab=lab.name, objects=objects, read_hosts=lambda: hosts(lab.name))
    target = case.target
    if "NODEPORT" in target:
        port = lab.get("svc", "nodeport")["spec"]["ports"][0]["nodePort"]
        target = target.replace("NODEPORT", str(port))
    request = TraceRequest(caller=case.caller, target=target, timeout_s=case.timeout_s)
    return trace(cluster, request, NOW, open_drops=open_drops)


def codes(case: Case) -> set[str]:
    """Return what this kernel may call the drop: older ones have no name for some."""
    if KERNEL >= KERNEL_WITH_ALL_NAMES or case.confidence == "inferred":
        return {case.code}
    return {case.code, "NOT_SPECIFIED"} if KERNEL >= KERNEL_WITH_NAMES else {""}


def check(verdict: Verdict, case: Case) -> None:
    assert (verdict.result, verdict.host) == (case.result, case.host), verdict
    assert verdict.reason is not None
    assert verdict.reason.code in codes(case)
    if KERNEL >= KERNEL_WITH_ALL_NAMES:
        assert case.function in verdict.reason.function
    assert type(verdict.by) is case.by
    assert verdict.confidence == case.confidence
    assert case.words in verdict.words
    assert case.why in verdict.why
    assert f"{case.cause_at or case.host} -- " in verdict.hint


@pytest.mark.parametrize("name", CASES)
@pytest.mark.usefixtures("reasons")
def test_a_drop_is_found_and_named(lab: Lab, name: str):
    case = CASES[name]
    with provoked(lab, case):
        found = traced(lab, case)

    check(found.verdict, case)
    assert found.warnings == () or KERNEL < KERNEL_WITH_NAMES
    tree = render_trace(found, TraceStyle(width=200))
    assert case.words in tree.replace(case.result.upper(), case.result)
    if case.confidence == "kernel":
        reason = found.verdict.reason
        assert f"kernel {reason.code or 'without a reason'} in {reason.function}()" in tree
    else:
        assert f"which means {case.code} [inferred]" in tree
    # The ICMP that a host answers with has an end of its own.
    packets = tree.partition("REPLY ICMP")[0]
    assert ("[both sources agree]" in packets) is (case.by is not NoneType)


@pytest.mark.usefixtures("reasons")
def test_the_command_says_the_same_in_both_its_forms(lab: Lab):
    case = CASES["a source that may not come this way"]
    schema = json.loads((Path(netlab.render.__file__).parent / "trace.schema.json").read_text())
    argv = ["trace", case.caller, case.target, "--timeout", "0.3"]
    with provoked(lab, case):
        tree = lab.run(*argv)
        document = json.loads(lab.run(*argv, "-o", "json").stdout)

    Draft202012Validator(schema).validate(document)
    verdict = document["verdict"]
    assert (verdict["result"], verdict["host"], verdict["by"]) == ("dropped", "router", None)
    assert verdict["confidence"] == "kernel"
    assert (verdict["reason"]["source"], verdict["reason"]["host"]) == ("kfree_skb", "router")
    assert "drop reasons" in document["sources"]
    assert "✖ DROPPED on router: 10.240.0.77 may not come in by internet0" in tree.stdout
    assert "() on router internet0" in tree.stdout


FULL = """
import socket, time
listener = socket.create_server(("0.0.0.0", 83), backlog=0)
waiting = [socket.socket() for _ in range(3)]
for one in waiting:
    one.setblocking(False)
    one.connect_ex(("127.0.0.1", 83))
print("full", flush=True)
time.sleep(60)
"""


def test_a_full_queue_of_connections_is_read_from_its_counter(lab: Lab):
    server = lab.start("exec", "node3", "--", sys.executable, "-c", FULL)
    try:
        assert server.stdout.readline() == "full\n"
        case = Case(
            target="tcp://node3:83",
            result="dropped",
            host="node3",
            code="TCP_LISTEN_OVERFLOW",
            confidence="inferred",
            words="dropped on node3: the queue of its listening socket is full",
            why="until the program accepts them",
        )
        found = traced(lab, case)
    finally:
        server.kill()
        server.communicate()

    check(found.verdict, case)
    assert found.verdict.reason.source.startswith("TcpExt ListenOverflows +")
    assert found.verdict.hint.endswith(" node3 -- ss -ltn")


BRIDGED = """
apiVersion: netlab/v1
kind: Topology
metadata: {name: bridged}
spec: {nodes: 1, cni: bridge}
---
apiVersion: v1
kind: Pod
metadata: {name: web, labels: {app: web}}
spec:
  nodeName: node1
  terminationGracePeriodSeconds: 1
  containers: [{name: echo, image: registry.k8s.io/echoserver:1.4}]
---
apiVersion: v1
kind: Service
metadata: {name: web}
spec:
  clusterIP: 10.0.7.7
  selector: {app: web}
  ports: [{port: 80, targetPort: 8080}]
"""


@pytest.mark.usefixtures("reasons")
def test_a_bridge_port_without_hairpin_is_where_a_pods_own_service_ends(
    make_lab: Callable[[], Lab], tmp_path: Path
):
    if not Path("/proc/sys/net/bridge").exists():
        pytest.skip("br_netfilter is not loaded")
    (tmp_path / "bridged.yaml").write_text(BRIDGED)
    bridged = make_lab()
    bridged.up(str(tmp_path / "bridged.yaml"))
    case = Case(
        caller="web",
        target="tcp://10.0.7.7:80",
        do=("node1 ip link set veth-web type bridge_slave hairpin off",),
        undo=("node1 ip link set veth-web type bridge_slave hairpin on",),
        result="dropped",
        host="node1",
        code="NOT_SPECIFIED",
        function="br_handle_frame_finish",
        words="dropped on node1: the bridge had no port to send it to",
        why="unless hairpin is on",
    )
    try:
        with provoked(bridged, case):
            found = traced(bridged, case)
    finally:
        bridged.down()

    check(found.verdict, case)
    assert found.service == "default/web"


def refused(hosts: Sequence[Host], enter: Enter) -> DropSource:
    """Stand for a kernel, or a container, without BPF."""
    del hosts, enter
    raise OSError(errno.EPERM, "Operation not permitted")


WITHOUT_BPF = {
    "no route": ("IP_INNOROUTES", "IpExt InNoRoutes"),
    "a source that may not come this way": ("IP_RPFILTER", "TcpExt IPReversePathFilter"),
    "forwarding switched off": ("IP_INADDRERRORS", "Ip InAddrErrors"),
    "no time to live": ("IP_INHDR", "Ip InHdrErrors"),
    "no neighbour": ("NEIGH_FAILED", "neighbour table"),
    "too big for the next link": ("PKT_TOO_BIG", "Ip FragFails"),
    "a wrong checksum": ("TCP_CSUM", "Tcp InCsumErrors"),
}


@pytest.mark.parametrize("name", WITHOUT_BPF)
def test_without_bpf_counters_and_neighbours_say_the_same(lab: Lab, name: str):
    code, source = WITHOUT_BPF[name]
    case = replace(CASES[name], code=code, function="", confidence="inferred")
    with provoked(lab, case):
        found = traced(lab, case, refused)

    check(found.verdict, case)
    assert found.verdict.reason.source.startswith(source)
    assert found.warnings == ("no drop reasons: Operation not permitted",)
    assert "drop reasons" not in found.sources


@pytest.mark.parametrize("name", ["a rule", "a blackhole route", "a prohibit route", "no socket"])
def test_without_bpf_rules_routes_and_answers_say_the_same(lab: Lab, name: str):
    case = CASES[name]
    with provoked(lab, case):
        found = traced(lab, case, refused)

    verdict = found.verdict
    assert (verdict.result, verdict.host, verdict.reason) == (case.result, case.host, None)
    assert type(verdict.by) is case.by
    assert case.words in verdict.words
    assert "[both sources agree]" not in render_trace(found, TraceStyle(width=200))


OLD_KERNEL = {
    "a rule": ("nft_do_chain", "by filter INPUT #1"),
    "a blackhole route": ("ip_error", "by routing: a blackhole route"),
    "no time to live": ("ip_forward", "its TTL ran out"),
    "too big for the next link": ("ip_forward", "it is too big for the next link"),
    "forwarding switched off": ("ip_error", "router does not forward packets"),
    "no neighbour": ("neigh_invalidate", "nobody on cloud0 answers"),
    "no socket": ("tcp_v4_rcv", "refused by node3"),
}


@pytest.mark.parametrize("name", OLD_KERNEL)
@pytest.mark.usefixtures("reasons")
def test_without_names_for_reasons_the_function_tells(
    lab: Lab, name: str, monkeypatch: pytest.MonkeyPatch
):
    """A kernel before 5.17 has the tracepoint, and no reason at it."""
    monkeypatch.setattr(
        "netlab.sources.kernel_drops.kernel_layout",
        lambda kept: replace(kernel_layout(kept), reasons={}),
    )
    function, words = OLD_KERNEL[name]
    case = CASES[name]
    with provoked(lab, case):
        found = traced(lab, case)

    verdict = found.verdict
    assert (verdict.result, verdict.host) == (case.result, case.host)
    assert verdict.reason.code == ""
    assert verdict.reason.function in {function, "nf_hook_slow"}
    assert verdict.confidence == "kernel"
    assert words in verdict.words
    assert type(verdict.by) is case.by
    assert [text.split(":")[0] for text in found.warnings] == ["drops without reasons"]


def test_a_packet_of_this_host_without_a_route_is_never_made(lab: Lab):
    case = Case(
        target="tcp://10.99.0.1:80",
        do=("client ip route add throw 10.99.0.0/24",),
        undo=("client ip route del throw 10.99.0.0/24",),
        result="never sent",
        host="client",
        code="",
        words="client sent nothing: no route for 10.99.0.1",
        why="before it makes a packet",
    )
    with provoked(lab, case):
        found = traced(lab, case)

    assert (found.verdict.result, found.verdict.host) == (case.result, case.host)
    assert case.words in found.verdict.words
    assert case.why in found.verdict.why
    assert found.packets == ()


def test_what_is_delivered_has_no_reason(lab: Lab):
    case = CASES["no socket"]
    for target in ("http://node2:NODEPORT", "icmp://node3"):
        found = traced(lab, replace(case, target=target))

        assert found.verdict.result == "delivered"
        assert {packet.verdict.reason for packet in found.packets} == {None}


@pytest.mark.usefixtures("reasons")
def test_doctor_says_whether_the_kernel_gives_reasons(lab: Lab):
    hidden = "mount -t tmpfs none /sys/kernel/btf && exec"
    python = f"{sys.executable} -m netlab doctor"
    argv = ["unshare", "--mount", "sh", "-c", f"{hidden} {python}"]

    told = lab.run("doctor").stdout
    without = subprocess.run(argv, capture_output=True, text=True, check=False)

    assert "ok    drop reasons: by eBPF, " in told or KERNEL < KERNEL_WITH_NAMES
    assert "warn  drop reasons: this kernel has no /sys/kernel/btf/vmlinux\n" in without.stdout
    assert without.returncode == 0
