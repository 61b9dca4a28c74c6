"""Labs of IPv6 alone and of both families, as everything that looks at a lab shows them."""

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from jsonschema import Draft202012Validator

import netlab.render
from tests.kernel.conftest import Lab, wait_for

pytestmark = [pytest.mark.kernel, pytest.mark.long]

TOPOLOGY = """\
apiVersion: netlab/v1
kind: Topology
metadata: {{name: views}}
spec: {{ipFamilies: {families}, nodes: 2, clients: 1, proxy: {{mode: {mode}}}}}
---
apiVersion: v1
kind: Pod
metadata: {{name: web-1, labels: {{app: web}}}}
spec:
  nodeName: node1
  containers: [{{name: echo, image: registry.k8s.io/echoserver:1.4}}]
---
apiVersion: v1
kind: Pod
metadata: {{name: caller}}
spec:
  nodeName: node2
  containers: [{{name: echo, image: registry.k8s.io/echoserver:1.4}}]
---
apiVersion: v1
kind: Service
metadata: {{name: web}}
spec:
  type: NodePort
  ipFamilyPolicy: PreferDualStack
  selector: {{app: web}}
  ports: [{{port: 80, targetPort: 8080, nodePort: 30080}}]
"""
BOTH = {"node1": ("10.240.0.3", "fd00:10:240::3"), "web-1": ("10.244.1.2", "fd00:10:244:1::2")}
CLIENT, NODE1, NODE2, WEB = (
    "2001:db8:198:51::79",
    "fd00:10:240::3",
    "fd00:10:240::4",
    "fd00:10:244:1::2",
)
GATEWAY = "fd00:10:244:1::1"
SVG = "{http://www.w3.org/2000/svg}"
CALLERS = ["client", "node1", "node2", "web-1", "caller"]

MakeLab = Callable[..., Lab]


@pytest.fixture(scope="module")
def make(make_lab: Callable[[], Lab], tmp_path_factory: pytest.TempPathFactory) -> MakeLab:
    """Return a maker of labs of some families that are up."""

    def made(families: str, mode: str = "iptables") -> Lab:
        lab = make_lab()
        file = tmp_path_factory.mktemp("topology") / "views.yaml"
        file.write_text(TOPOLOGY.format(families=families, mode=mode))
        lab.up(str(file))
        return lab

    return made


@pytest.fixture(scope="module")
def six(make: MakeLab) -> Lab:
    return make("[IPv6]")


@pytest.fixture(scope="module")
def dual(make: MakeLab) -> Lab:
    return make("[IPv4, IPv6]")


@pytest.fixture(scope="module")
def table(make: MakeLab) -> Lab:
    return make("[IPv6, IPv4]", "nftables")


def say(lab: Lab, *argv: str, code: int = 0) -> str:
    done = lab.run(*argv)
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout


def cluster_ips(lab: Lab) -> list[str]:
    found: list[str] = lab.get("service", "web")["spec"]["clusterIPs"]
    return found


def trace(lab: Lab, *argv: str) -> dict[str, Any]:
    """Return a trace that its schema allows."""
    document: dict[str, Any] = json.loads(say(lab, "trace", *argv, "-o", "json"))
    file = Path(netlab.render.__file__).parent / "trace.schema.json"
    schema = json.loads(file.read_text())
    assert list(Draft202012Validator(schema).iter_errors(document)) == []
    return document


def way(document: dict[str, Any], which: str) -> dict[str, Any]:
    found: dict[str, Any] = next(p for p in document["packets"] if p["way"] == which)
    return found


def hosts(document: dict[str, Any], which: str = "request") -> list[str]:
    return [visit["host"] for visit in way(document, which)["visits"]]


def rewrites(document: dict[str, Any]) -> list[tuple[str, str, str]]:
    """Return where, how, and to which address a request was rewritten."""
    return [
        (visit["host"], step["kind"], step["after"].rpartition(":")[0].strip("[]"))
        for visit in way(document, "request")["visits"]
        for step in visit["steps"]
        if step["step"] == "rewrite"
    ]


def test_status_has_the_addresses_of_both_families(dual: Lab):
    lines = [line.split() for line in say(dual, "status").splitlines()]
    for host, addresses in BOTH.items():
        at = next(i for i, words in enumerate(lines) if words[:1] == [host])
        assert lines[at][2] == addresses[0]
        assert lines[at + 1] == [addresses[1]]
    at = next(i for i, words in enumerate(lines) if words[:1] == ["web"])
    first, second = cluster_ips(dual)
    assert (lines[at][2], lines[at][-1]) == (first, "10.244.1.2:8080")
    assert lines[at + 1] == [second, f"[{WEB}]:8080"]


def test_status_wide_and_json_have_all(dual: Lab):
    assert ",".join([*BOTH["node1"], "10.244.1.1", GATEWAY]) in say(dual, "status", "-o", "wide")
    [web] = [one for one in dual.status()["services"] if one["name"] == "web"]
    assert web["cluster_ips"] == cluster_ips(dual)
    assert web["endpoints"] == ["10.244.1.2:8080", f"[{WEB}]:8080"]


def test_status_of_ipv6_alone_shows_ipv6_alone(six: Lab):
    text = say(six, "status")
    assert f"[{WEB}]:8080" in text
    assert not [words for words in text.split() if words.startswith("10.")]


def test_a_graph_has_both_families_in_all_forms(dual: Lab):
    drawing = say(dual, "graph")
    pictures = ET.fromstring(say(dual, "graph", "-o", "svg")).iter(f"{SVG}text")
    words = {"".join(found.itertext()) for found in pictures}
    dot, mermaid = (say(dual, "graph", "-o", form) for form in ("dot", "mermaid"))
    second = cluster_ips(dual)[1]
    for one in (NODE1, f"gateway {GATEWAY}", "pods fd00:10:244:1::/64", WEB, "10.244.1.2"):
        assert one in drawing
        assert one in words
    assert f"[{second}]:80" in drawing
    for form in (dot, mermaid.replace("#58;", ":")):
        assert NODE1 in form
        assert WEB in form
        assert second in form


def test_a_graphs_document_has_both_families_and_is_what_its_schema_says(dual: Lab):
    document = json.loads(say(dual, "graph", "-o", "json"))
    schema = json.loads((Path(netlab.render.__file__).parent / "graph.schema.json").read_text())
    assert list(Draft202012Validator(schema).iter_errors(document)) == []
    node = document["nodes"][0]
    assert node["gateways"] == ["10.244.1.1", GATEWAY]
    assert node["pods"][0]["addresses"] == list(BOTH["web-1"])


def test_a_pod_calls_a_pod_and_keeps_its_address(six: Lab):
    document = trace(six, "caller", f"http://[{WEB}]:8080")

    assert document["verdict"]["result"] == "delivered"
    assert hosts(document) == ["caller", "node2", "router", "node1", "web-1"]
    assert hosts(document, "reply") == hosts(document)[::-1]
    assert rewrites(document) == []
    assert document["outcome"] == "client_address=fd00:10:244:2::2"


@pytest.mark.parametrize("target", ["http://web", "tcp://web:80"])
def test_a_service_is_called_in_its_first_family(dual: Lab, six: Lab, target: str):
    assert rewrites(trace(six, "caller", target)) == [("node2", "DNAT", WEB)]
    assert rewrites(trace(dual, "caller", target)) == [("node2", "DNAT", "10.244.1.2")]


@pytest.mark.parametrize("option", ["-6", "--family=ipv6"])
def test_a_family_can_be_chosen(dual: Lab, option: str):
    document = trace(dual, "caller", "http://web", option)

    assert rewrites(document) == [("node2", "DNAT", WEB)]
    called = document["flow"]["destination"].rpartition(":")[0].strip("[]")
    assert document["names"][called] == "svc/web"


def test_a_client_calls_a_node_port_whose_node_hides_it(six: Lab, dual: Lab):
    for lab, option in ((six, []), (dual, ["-6"])):
        document = trace(lab, "client", "http://node2:30080", *option, "--predict")

        assert rewrites(document) == [("node2", "DNAT", WEB), ("node2", "SNAT", NODE2)]
        assert document["outcome"] == f"client_address={NODE2}"
        assert document["service"] == "default/web"
        assert document["prediction"]["holds"]
        assert any(f"--to-destination [{WEB}]:8080" in text for text in document["rules"])


def test_rules_of_nftables_are_followed_and_predicted_too(table: Lab):
    for option, pod in (([], WEB), (["-4"], "10.244.1.2")):
        document = trace(table, "client", "http://node2:30080", *option, "--predict")

        assert [(at, kind) for at, kind, _ in rewrites(document)] == [
            ("node2", "DNAT"),
            ("node2", "SNAT"),
        ]
        assert rewrites(document)[0][2] == pod
        assert document["service"] == "default/web"
        assert document["prediction"]["holds"]


def test_expectations_name_addresses_of_ipv6(six: Lab):
    met = ["delivered", "snat-at node2", f"src {NODE2}", "src node2", "to web-1"]
    wanted = [word for one in met for word in ("--expect", one)]
    say(six, "trace", "client", f"http://[{NODE2}]:30080", *wanted)
    done = six.run("trace", "client", "http://node2:30080", "--expect", f"src {CLIENT}")
    assert done.returncode == 1
    assert f"the last host saw {NODE2} (node2)" in done.stderr


def test_a_ping_is_answered_and_neighbour_discovery_is_no_part_of_it(six: Lab):
    six.inside("node1", "ip", "-6", "neigh", "flush", "dev", "eth0")
    document = trace(six, "node1", "icmp://node2")

    assert document["flow"]["protocol"] == "icmpv6"
    assert document["outcome"] == "echo reply"
    assert [packet["kind"] for packet in document["packets"]] == ["echo request", "echo reply"]


def test_a_large_datagram_is_followed_in_its_fragments(six: Lab):
    document = trace(six, "node1", "icmp://node2", "--size", "3000")

    assert document["outcome"] == "echo reply"
    requests = [packet for packet in document["packets"] if packet["way"] == "request"]
    assert [packet["kind"] for packet in requests] == [
        f"ICMPv6 fragment at byte {at}" for at in (0, 1408, 2816)
    ]
    assert {packet["verdict"]["result"] for packet in requests} == {"delivered"}


@pytest.mark.parametrize(
    ("target", "host", "code", "words"),
    [
        pytest.param(
            f"tcp://[{WEB}]:8080",
            "router",
            "IP_INNOROUTES",
            f"no route for {WEB}",
            id="an address that the router does not know",
        ),
        pytest.param(
            "tcp://[fd00:10:240::99]:80",
            "router",
            "NEIGH_FAILED",
            "nobody on cloud0 answers for fd00:10:240::99",
            id="an address that nobody has",
        ),
    ],
)
def test_a_drop_has_its_reason_once_for_each_attempt(
    six: Lab, target: str, host: str, code: str, words: str
):
    document = trace(six, "client", target)

    verdict = document["verdict"]
    assert (verdict["result"], verdict["host"]) == ("dropped", host)
    assert verdict["reason"]["code"] == code
    assert words in verdict["words"]
    # A SYN that is sent again is another packet, with a walk of its own.
    requests = [packet for packet in document["packets"] if packet["way"] == "request"]
    for packet in requests:
        assert [visit["host"] for visit in packet["visits"]] == ["client", "router"]


def test_a_host_that_does_not_forward_is_told_from_one_that_refuses(six: Lab):
    six.inside("router", "sysctl", "-qw", "net.ipv6.conf.all.forwarding=0")
    try:
        text = say(six, "trace", "client", "tcp://node1:30080", "--timeout", "0.3")
    finally:
        six.inside("router", "sysctl", "-qw", "net.ipv6.conf.all.forwarding=1")
    assert "dropped on router: router does not forward packets" in text
    assert "sysctl net.ipv6.conf.all.forwarding" in " ".join(text.split())


@pytest.mark.parametrize("program", ["ip6tables-nft", "ip6tables-legacy"])
def test_a_users_own_rule_is_found_by_its_number(six: Lab, program: str):
    rule = ("INPUT", "-p", "tcp", "--dport", "83", "-j", "DROP")
    assert six.inside("node2", program, "-A", *rule).returncode == 0
    try:
        document = trace(six, "client", "tcp://node2:83", "--timeout", "0.3")
        text = say(six, "trace", "client", "tcp://node2:83", "--timeout", "0.3")
    finally:
        six.inside("node2", program, "-D", *rule)
    by = document["verdict"]["by"]
    assert (by["table"], by["chain"]) == ("filter", "INPUT")
    assert document["rules"][by["rule"]] == "-A INPUT -p tcp -m tcp --dport 83 -j DROP"
    assert "ip6tables -t filter -nvL INPUT" in text


def test_a_connection_of_another_program_is_waited_for(dual: Lab):
    waiting = dual.start("trace", "client", "--attach", "tcp port 30080", "-6", "-o", "json")
    assert waiting.stderr is not None
    assert waiting.stderr.readline().startswith("waiting ")
    assert dual.fetch("client", "http://10.240.0.4:30080")
    assert dual.fetch("client", f"http://[{NODE2}]:30080")
    out, complaint = waiting.communicate(timeout=20)
    assert waiting.returncode == 0, complaint
    assert rewrites(json.loads(out))[0] == ("node2", "DNAT", WEB)


def test_a_picture_has_the_addresses_of_the_family_that_is_traced(dual: Lab, tmp_path: Path):
    for option, own, other in (("-6", CLIENT, "198.51.100.79"), ("-4", "198.51.100.79", CLIENT)):
        file = tmp_path / "trace.svg"
        say(dual, "trace", "client", "http://node2:30080", option, "--svg", str(file))
        words = {"".join(one.itertext()) for one in ET.parse(file).iter(f"{SVG}text")}
        assert own in words
        assert other not in words


def test_frames_of_a_trace_can_be_read_elsewhere(six: Lab, tmp_path: Path):
    file = tmp_path / "trace.pcapng"
    say(six, "trace", "client", "http://node2:30080", "--pcap", str(file))
    read = subprocess.run(
        ["tcpdump", "-nr", str(file), "ip6"], capture_output=True, text=True, check=True
    )
    assert f"IP6 {CLIENT}" in read.stdout.splitlines()[0]
    assert b"svc/web\0" in file.read_bytes()


def test_conntrack_is_told_in_words(dual: Lab):
    assert dual.fetch("client", f"http://[{NODE2}]:30080")

    lines = say(dual, "conntrack", "node2", "--nat", "--service", "web").splitlines()

    at = next(i for i, line in enumerate(lines) if "client:" in line and "node2:30080" in line)
    below = [line.strip() for line in lines[at + 1 : at + 3]]
    assert below == ["Service default/web", "DNAT node2:30080 ⇒ web-1:8080"]
    assert lines[at + 3].startswith("    SNAT client:")
    numeric = say(dual, "conntrack", "node2", "--nat", "-n")
    assert f"DNAT [{NODE2}]:30080 ⇒ [{WEB}]:8080" in numeric


def test_a_capture_names_hosts_and_tells_of_neighbours(six: Lab):
    capturing = six.start("capture", "node2:eth0", "--duration", "8")
    assert capturing.stderr is not None
    wait_for(lambda: "capturing at" in (capturing.stderr.readline() if capturing.stderr else ""))
    six.inside("node2", "ip", "-6", "neigh", "flush", "dev", "eth0")
    assert six.fetch("client", f"http://[{NODE2}]:30080")
    out, complaint = capturing.communicate(timeout=30)
    assert capturing.returncode == 0, complaint
    assert "node2 ndp, who has node1?" in out
    assert "node1 > node2 ndp, node1 is at 02:" in out
    [rewritten] = [line for line in out.splitlines() if "> web-1:8080 tcp SYN " in line]
    assert "✎ was client:" in rewritten


def test_a_matrix_calls_the_first_family_or_the_one_that_is_asked_for(six: Lab, dual: Lab):
    text, other = say(six, "matrix"), say(dual, "matrix", "-6")
    for shown in (text, other):
        assert f"[{NODE2}]:30080" in shown
        assert f"{GATEWAY}" in shown
        assert "10.240.0" not in shown
    assert "10.240.0.4:30080" in say(dual, "matrix")
    assert NODE2 not in say(dual, "matrix")


def test_a_matrix_predicts_by_the_rules_of_its_family(six: Lab):
    done = six.run("matrix", "--policies", "-o", "wide")
    assert done.returncode == 0
    assert "Not predicted" not in done.stderr
    assert f'"default/web -> [{WEB}]:8080"' in done.stdout
    assert 'KUBE-EXTERNAL-SERVICES DROP "default/web has no local endpoints"' in done.stdout


@pytest.mark.parametrize(
    "name",
    [
        "nodeport-local",
        pytest.param("nodeport", marks=pytest.mark.long),
        pytest.param("clusterip", marks=pytest.mark.long),
    ],
)
def test_the_tutorials_experiments_hold(six: Lab, name: str):
    text = say(six, "demo", name)
    assert "PASS" in text
    assert "FAIL" not in text
    assert "10.240.0" not in text


def test_an_experiment_can_be_made_in_the_other_family(dual: Lab):
    text = say(dual, "demo", "nodeport-local", "-6")
    assert f"client_address={CLIENT}" in text
    assert "10.240.0" not in text


def test_a_program_in_a_host_finds_names_in_each_family(dual: Lab):
    for option, address in (("ahostsv4", "10.240.0.4"), ("ahostsv6", NODE2)):
        found = dual.inside("client", "getent", option, "node2").stdout
        assert found.split()[0] == address
