"""netlab trace on a running lab: what the kernel says of one connection."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from jsonschema import Draft202012Validator

import netlab.render
from netlab.cli.page_files import read_page_files
from netlab.client.api_client import Client
from netlab.client.cluster import Cluster
from netlab.client.hosts import hosts
from netlab.linux.netns import inside
from netlab.model.hosts import Host
from netlab.model.packets import Nat
from netlab.model.rundir import control_socket
from netlab.render.trace.document import trace_document
from netlab.render.trace.mermaid import render_mermaid
from netlab.render.trace.page import render_trace_page
from netlab.render.trace.svg import render_trace_svg
from netlab.render.trace.tree import TraceStyle, render_trace
from netlab.sources.conntrack_entries import ConntrackEntry
from netlab.sources.rule_trace_messages import TABLE_PREFIX
from netlab.sources.trace_table import Arming
from netlab.trace.packet import Result, Rewritten, Routed, RuleHit
from netlab.trace.paths import Way
from netlab.trace.session.tracing import TraceRequest, trace
from netlab.trace.trace import Trace
from tests.kernel.conftest import WARNINGS, Lab

pytestmark = pytest.mark.kernel

NOW = 1_700_000_000.0


@pytest.fixture(scope="module")
def lab(make_lab: Callable[[], Lab]) -> Lab:
    made = make_lab()
    made.up("source-ip")
    return made


@pytest.fixture
def policy(lab: Lab) -> Iterator[Callable[[str], None]]:
    """Return a setter of the Service's externalTrafficPolicy, put back afterwards."""

    def put(value: str) -> None:
        patch = json.dumps({"spec": {"externalTrafficPolicy": value}})
        assert lab.run("patch", "svc", "nodeport", "-p", patch).returncode == 0
        wanted = value == "Local"
        for _ in range(200):
            has = "has no local endpoints" in lab.inside("node2", "iptables-save").stdout
            if has is wanted:
                return
        raise AssertionError(f"node2 does not follow policy {value}")

    yield put
    put("Cluster")


def traced(lab: Lab, caller: str, target: str, timeout_s: float = 1.5) -> Trace:
    """Return a trace, which must be what the rules predict."""
    objects = Client(control_socket(lab.name))
    cluster = Cluster(lab=lab.name, objects=objects, read_hosts=lambda: hosts(lab.name))
    request = TraceRequest(caller=caller, target=target, timeout_s=timeout_s, predict=True)
    found = trace(cluster, request, NOW)
    assert found.prediction.holds(), found.prediction
    return found


def node_port(lab: Lab) -> int:
    return lab.get("svc", "nodeport")["spec"]["ports"][0]["nodePort"]


def host(lab: Lab, name: str) -> Host:
    return next(one for one in hosts(lab.name) if one.name == name)


def steps(found: Trace, way: Way, kind: type) -> list[tuple[str, Any]]:
    packet = found.request() if way is Way.REQUEST else found.reply()
    assert packet is not None
    return [(at, step) for at, step in packet.steps() if isinstance(step, kind)]


def rewrites(found: Trace, way: Way) -> list[tuple[str, Nat]]:
    return [(at, step.kind) for at, step in steps(found, way, Rewritten)]


def tables(lab: Lab, name: str) -> str:
    return lab.inside(name, "nft", "list", "tables").stdout


def test_a_nodeport_of_another_node_shows_each_rule_rewrite_and_route(lab: Lab):
    found = traced(lab, "client", f"http://node2:{node_port(lab)}")

    request = found.request()
    assert found.verdict.result is Result.DELIVERED
    assert found.service == "default/nodeport"
    assert [h for h in request.hosts() if h.startswith("node")] == ["node2", "node1"]
    assert found.verdict.host.startswith("source-ip-app")
    assert rewrites(found, Way.REQUEST) == [("node2", Nat.DNAT), ("node2", Nat.SNAT)]
    assert rewrites(found, Way.REPLY) == [("node2", Nat.UN_SNAT), ("node2", Nat.UN_DNAT)]
    chains = [hit.chain for at, hit in steps(found, Way.REQUEST, RuleHit) if at == "node2"]
    assert chains[:3] == ["PREROUTING", "KUBE-SERVICES", "KUBE-NODEPORTS"]
    dnat = steps(found, Way.REQUEST, Rewritten)[0][1]
    assert dnat.by.text.endswith(f"-j DNAT --to-destination {dnat.after}")
    assert dnat.by.index == 2
    routes = [s for at, s in steps(found, Way.REQUEST, Routed) if at == "node2"]
    assert (routes[0].via, routes[0].ifname, routes[0].observed) == ("10.240.0.3", "eth0", "eth0")
    assert found.is_symmetric()
    assert found.warnings == (WARNINGS)


def test_the_entry_of_the_connection_stands_where_it_was_rewritten(lab: Lab):
    found = traced(lab, "client", f"tcp://node2:{node_port(lab)}")

    [(at, entry)] = steps(found, Way.REQUEST, ConntrackEntry)
    assert at == "node2"
    assert entry.original == found.pair
    assert entry.after() == found.request().last_pair()
    assert found.nat[0].identity == entry.identity


def test_a_drop_names_its_rule_says_why_and_what_to_try(lab: Lab, policy: Callable[[str], None]):
    policy("Local")

    found = traced(lab, "client", f"http://node2:{node_port(lab)}")

    assert found.verdict.result is Result.DROPPED
    assert found.verdict.host == "node2"
    assert found.verdict.by.chain == "KUBE-EXTERNAL-SERVICES"
    assert "has no local endpoints" in found.verdict.by.text
    assert "its pods run on node1" in found.verdict.why
    assert found.verdict.hint.endswith(f" client http://node1:{node_port(lab)}")
    assert found.attempts == 2


def test_policy_local_on_the_right_node_keeps_the_source(lab: Lab, policy: Callable[[str], None]):
    policy("Local")

    found = traced(lab, "client", f"http://node1:{node_port(lab)}")

    assert rewrites(found, Way.REQUEST) == [("node1", Nat.DNAT)]
    assert found.outcome == "client_address=198.51.100.79"


def test_a_node_that_calls_a_clusterip_shows_the_rewrite_before_the_first_wire(lab: Lab):
    found = traced(lab, "node2", "http://clusterip")

    assert found.verdict.result is Result.DELIVERED
    assert rewrites(found, Way.REQUEST) == [("node2", Nat.DNAT), ("node2", Nat.SNAT)]
    assert rewrites(found, Way.REPLY) == [("node2", Nat.UN_SNAT), ("node2", Nat.UN_DNAT)]
    assert found.request().hosts()[0] == "node2"


def test_a_pod_that_reaches_itself_through_its_service_visits_its_node_and_comes_back(lab: Lab):
    found = traced(lab, "source-ip-app", "http://clusterip")

    pod, node, again = found.request().hosts()
    assert (pod, node) == (again, "node1")
    assert rewrites(found, Way.REQUEST) == [("node1", Nat.DNAT), ("node1", Nat.SNAT)]
    assert found.verdict.result is Result.DELIVERED


@pytest.mark.parametrize("caller", ["node2", "source-ip-app"])
def test_a_service_without_endpoints_is_rejected_by_a_rule(lab: Lab, caller: str):
    service = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "empty"}}
    service["spec"] = {"selector": {"app": "none"}, "ports": [{"port": 80}]}
    assert lab.run("apply", "-f", "-", text=json.dumps(service)).returncode == 0
    found = traced(lab, caller, "tcp://empty")

    assert found.verdict.result is Result.REJECTED
    assert "has no endpoints" in found.verdict.by.comment
    assert "no endpoint that is ready" in found.verdict.why


def test_a_closed_port_is_a_refusal_by_the_host_that_was_called(lab: Lab):
    found = traced(lab, "client", "tcp://node3:9")

    assert (found.verdict.result, found.verdict.host) == (Result.REFUSED, "node3")


def test_a_missing_route_on_the_way_is_named(lab: Lab):
    found = traced(lab, "client", "http://clusterip", timeout_s=0.5)

    assert (found.verdict.result, found.verdict.host) == (Result.DROPPED, "router")
    assert "no route" in found.verdict.words


def test_a_packet_that_was_never_made_is_said_to_be_unsent(lab: Lab):
    lab.inside("client", "ip", "route", "add", "unreachable", "192.0.2.99/32")
    try:
        found = traced(lab, "client", "tcp://192.0.2.99:80", timeout_s=0.5)
    finally:
        lab.inside("client", "ip", "route", "del", "unreachable", "192.0.2.99/32")

    assert (found.verdict.result, found.verdict.host) == (Result.UNSENT, "client")
    assert found.packets == ()


@pytest.mark.parametrize(
    ("target", "kinds"),
    [
        pytest.param("icmp://node3", ["echo request", "echo reply"], id="ping"),
        pytest.param("udp://node3:9", ["UDP", "ICMP port unreachable"], id="a closed UDP port"),
    ],
)
def test_other_protocols_are_followed_too(lab: Lab, target: str, kinds: list[str]):
    found = traced(lab, "client", target, timeout_s=0.5)

    assert [packet.kind for packet in found.packets] == kinds
    assert found.request().hosts() == ["client", "router", "node3"]


def test_equal_requests_at_the_same_time_do_not_mix(lab: Lab):
    url = f"http://10.240.0.4:{node_port(lab)}/"
    loop = f"for i in $(seq 30); do curl -s -o /dev/null -m 2 {url}; done"
    noise = lab.start("exec", "client", "--", "sh", "-c", loop)
    try:
        found = traced(lab, "client", f"http://node2:{node_port(lab)}")
    finally:
        noise.communicate(timeout=30)

    assert [packet.kind for packet in found.packets].count("SYN") == 1
    assert {p.verdict.result for p in found.packets} == {Result.DELIVERED}
    assert found.attempts == 1


def test_a_hostile_comment_is_found_and_shown_escaped_everywhere(lab: Lab):
    comment = "\x1b[31mred\n-A FORWARD -j DROP; Note over h1"
    rule = ["FORWARD", "-p", "tcp", "-m", "comment", "--comment", comment, "-j", "ACCEPT"]
    assert lab.inside("node2", "iptables", "-I", *rule).returncode == 0
    try:
        found = traced(lab, "client", f"http://node2:{node_port(lab)}")
    finally:
        lab.inside("node2", "iptables", "-D", *rule)

    hits = [hit for at, hit in steps(found, Way.REQUEST, RuleHit) if hit.table == "filter"]
    assert (hits[0].chain, hits[0].index, hits[0].verdict) == ("FORWARD", 1, "ACCEPT")
    assert "red" in hits[0].comment
    tree = render_trace(found, TraceStyle(width=200, rules=True))
    assert "red" in tree
    page = render_trace_page(found, read_page_files())
    assert comment.split("\n", maxsplit=1)[0].replace("\x1b", "\\x1b") in page
    picture = render_trace_svg(found)
    for text in (tree, render_mermaid(found), json.dumps(trace_document(found)), page, picture):
        assert "\x1b" not in text
        assert "\n-A FORWARD" not in text


def test_one_run_writes_every_form_that_is_asked_for(lab: Lab, tmp_path: Path):
    picture, page = tmp_path / "a.svg", tmp_path / "a.html"

    done = lab.run(
        "trace",
        "client",
        f"http://node2:{node_port(lab)}",
        "--svg",
        str(picture),
        "--html",
        str(page),
    )

    assert done.returncode == 0
    assert "✔ DELIVERED" in done.stdout
    assert f"wrote {picture} (" in done.stderr
    assert f"wrote {page} (" in done.stderr
    drawn = ET.fromstring(picture.read_text())
    said = ["".join(text.itertext()) for text in drawn.iter("{http://www.w3.org/2000/svg}text")]
    assert {"client", "router", "node1", "node2", "node3"} <= set(said)
    assert any(line.startswith("DNAT node2:") for line in said)
    assert "-j DNAT --to-destination" in page.read_text()


def test_a_picture_on_standard_output_is_all_that_stands_there(lab: Lab):
    done = lab.run("trace", "client", f"http://node2:{node_port(lab)}", "--svg", "-")

    assert ET.fromstring(done.stdout).tag == "{http://www.w3.org/2000/svg}svg"
    assert done.stderr == ""


def test_the_json_form_is_what_its_schema_says(lab: Lab):
    schema = json.loads((Path(netlab.render.__file__).parent / "trace.schema.json").read_text())

    document = trace_document(traced(lab, "client", f"http://node2:{node_port(lab)}"))

    Draft202012Validator(schema).validate(document)


def test_rules_are_the_same_before_during_and_after(lab: Lab):
    def rules() -> list[str]:
        text = lab.inside("node2", "iptables-save").stdout
        return [line for line in text.splitlines() if not line.startswith("#")]

    before = rules()
    armed = Arming(host(lab, "node2"), inside, protocols={6})
    try:
        assert TABLE_PREFIX in tables(lab, "node2")
        during = rules()
    finally:
        armed.close()
    assert during == before == rules()
    assert TABLE_PREFIX not in tables(lab, "node2")


ARM_AND_WAIT = """
import sys, time
from netlab.linux.netns import inside
from netlab.client.hosts import hosts
from netlab.cli.page_files import read_page_files
from netlab.sources.trace_table import Arming
node = next(host for host in hosts(sys.argv[1]) if host.name == "node2")
armed = Arming(node, inside, protocols={6}, owned=sys.argv[2] == "owned")
print("armed", flush=True)
time.sleep(60)
"""


def arm_and_kill(lab: Lab, how: str) -> None:
    argv = [sys.executable, "-c", ARM_AND_WAIT, lab.name, how]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "armed\n"
        os.kill(process.pid, signal.SIGKILL)


def test_nothing_is_left_by_a_trace_that_was_killed(lab: Lab):
    arm_and_kill(lab, "owned")

    assert TABLE_PREFIX not in tables(lab, "node2")


def test_what_an_old_kernel_keeps_of_a_killed_trace_goes_with_the_next(lab: Lab):
    arm_and_kill(lab, "plain")
    assert TABLE_PREFIX in tables(lab, "node2")

    Arming(host(lab, "node2"), inside, protocols={6}, owned=False).close()

    assert TABLE_PREFIX not in tables(lab, "node2")
