"""What a Service's fields do to packets in a running lab, in either mode of kube-proxy."""

import contextlib
import json
import re
import sys
from collections.abc import Callable, Iterator

import pytest

from netlab.lab.rules import read_differences, read_groups
from netlab.model.topology import ProxyMode
from netlab.netfilter.differences import Side
from tests.kernel.conftest import Lab, wait_for

pytestmark = pytest.mark.kernel

NODE1, NODE2, VIP, EXTERNAL_IP = "10.240.0.3", "10.240.0.4", "203.0.113.10", "192.0.2.200"
TOPOLOGY = """\
apiVersion: netlab/v1
kind: Topology
metadata: {name: modes}
spec: {nodes: 2, proxy: {mode: MODE}}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {nodeName: node1, containers: [{name: echoserver, image: "echoserver:1.4"}]}
---
apiVersion: v1
kind: Service
metadata: {name: web}
spec:
  type: LoadBalancer
  clusterIP: 10.0.80.80
  selector: {app: web}
  externalIPs: [192.0.2.200]
  ports: [{name: http, port: 80, targetPort: 8080, nodePort: 30080}]
"""
UDP = """\
apiVersion: v1
kind: Service
metadata: {name: dns}
spec:
  type: NodePort
  clusterIP: 10.0.99.53
  ports: [{name: u, port: 53, protocol: UDP, nodePort: 30053}, {name: t, port: 54, nodePort: 30054}]
"""
UDP_ENDPOINTS = """\
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: dns-1, labels: {kubernetes.io/service-name: dns}}
addressType: IPv4
ports: [{name: u, port: 5353, protocol: UDP}, {name: t, port: 5353, protocol: TCP}]
endpoints: [{addresses: [ADDRESS]}]
"""
SEND_UDP = """
import socket, sys
for address, number in (("10.0.99.53", 53), ("10.240.0.3", 30053), ("10.240.0.4", 7)):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one:
        one.sendto(b"x", (address, number))
with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as tcp:
    tcp.setblocking(False)
    tcp.connect_ex(("10.0.99.53", 54))
"""


@pytest.fixture(scope="module", params=list(ProxyMode))
def mode(request: pytest.FixtureRequest) -> ProxyMode:
    return request.param


@pytest.fixture(scope="module")
def lab(make_lab: Callable[[], Lab], mode: ProxyMode) -> Lab:
    lab = make_lab()
    done = lab.run("up", "-", text=TOPOLOGY.replace("MODE", mode))
    assert done.returncode == 0, done.stdout + done.stderr
    ingress = json.dumps({"status": {"loadBalancer": {"ingress": [{"ip": VIP}]}}})
    done = lab.run("patch", "service", "web", "--subresource", "status", "-p", ingress)
    assert done.returncode == 0, done.stderr
    lab.inside("router", "ip", "route", "add", VIP, "via", NODE2)
    return lab


@contextlib.contextmanager
def changed(lab: Lab, **spec: object) -> Iterator[None]:
    """Have fields of the Service other than they were; the rules have followed."""
    before = lab.get("service", "web")["spec"]
    _patch(lab, spec)
    try:
        yield
    finally:
        _patch(lab, {field: before.get(field) for field in spec})


def _patch(lab: Lab, spec: dict[str, object]) -> None:
    patch = json.dumps({"spec": spec})
    done = lab.run("patch", "service", "web", "--type", "merge", "-p", patch)
    assert done.returncode == 0, done.stderr
    wait_for(lambda: read_differences(lab.name, "node2") == [])


def seen(lab: Lab, host: str, address: str) -> str:
    """Return the client's address as the pod saw it; how it ended when no pod was called."""
    done = lab.inside(host, "curl", "-s", "--max-time", "1", f"http://{address}")
    found = re.search(r"client_address=(\S+)", done.stdout)
    return found[1] if found else {7: "refused", 28: "silence"}[done.returncode]


def test_every_address_of_the_service_leads_to_its_pod(lab: Lab):
    for address in ("10.0.80.80", EXTERNAL_IP, VIP, f"{NODE2}:30080"):
        assert seen(lab, "node2", address) == NODE2
    assert seen(lab, "node2", f"{NODE1}:30080") == "10.244.1.1"
    assert seen(lab, "client", VIP) == NODE2


def test_loopback_node_ports_are_iptables_modes(lab: Lab, mode: ProxyMode):
    expected = {ProxyMode.IPTABLES: NODE2, ProxyMode.NFTABLES: "refused"}
    assert seen(lab, "node2", "127.0.0.1:30080") == expected[mode]


def test_an_undefined_port_of_a_cluster_ip_is_refused_in_nftables_mode(lab: Lab, mode: ProxyMode):
    done = lab.inside("node2", "curl", "-s", "--max-time", "1", "http://10.0.80.80:81")
    # In iptables mode the packet leaves by the default route, and the router knows no way.
    words = lab.inside("node2", "ip", "route", "get", "10.0.80.80").stdout
    assert "via 10.240.0.1" in words
    assert done.returncode == 7
    trace = json.loads(lab.run("trace", "node2", "http://10.0.80.80:81", "-o", "json").stdout)
    rejects = trace["verdict"]["result"] == "rejected"
    assert rejects == (mode is ProxyMode.NFTABLES)


def test_a_vip_of_mode_proxy_is_the_balancers_business(lab: Lab):
    def ingress(mode: str) -> None:
        place = {"ip": VIP, "ipMode": mode}
        status = json.dumps({"status": {"loadBalancer": {"ingress": [place]}}})
        lab.run("patch", "service", "web", "--subresource", "status", "-p", status)

    ingress("Proxy")
    assert VIP not in lab.run("rules", "node2", "--service", "web", "--explain").stdout
    ingress("VIP")
    wait_for(lambda: seen(lab, "client", VIP) == NODE2)


def test_source_ranges_keep_others_from_the_vip_and_from_nothing_else(lab: Lab):
    with changed(lab, loadBalancerSourceRanges=["10.0.0.0/8"]):
        assert seen(lab, "client", VIP) == "silence"
        assert seen(lab, "client", f"{NODE2}:30080") == NODE2
        assert seen(lab, "node2", VIP) == NODE2
    assert seen(lab, "client", VIP) == NODE2


def test_policy_local_keeps_the_clients_address_where_a_pod_is(lab: Lab):
    with changed(lab, externalTrafficPolicy="Local"):
        assert seen(lab, "client", f"{NODE1}:30080") == "198.51.100.79"
        assert seen(lab, "client", f"{NODE2}:30080") == "silence"
        trace = lab.run("trace", "client", f"http://{NODE2}:30080", "--timeout", "1", "-o", "json")
        verdict = json.loads(trace.stdout)["verdict"]
        assert verdict["result"] == "dropped"
        assert "node2 has none of default/web:http; its pods run on node1" in verdict["why"]


def test_a_service_without_endpoints_refuses(lab: Lab):
    with changed(lab, selector={"app": "nobody"}):
        assert seen(lab, "node2", "10.0.80.80") == "refused"
        assert seen(lab, "client", f"{NODE2}:30080") == "refused"
        assert seen(lab, "client", VIP) == "refused"
        trace = json.loads(lab.run("trace", "node2", "http://10.0.80.80", "-o", "json").stdout)
        assert trace["verdict"]["result"] == "rejected"
        assert trace["verdict"]["why"] == "Service default/web:http has no pod that is ready"


def answering(lab: Lab, calls: int) -> set[str]:
    """Return the pods that answered calls of node2, as its connection tracking has them."""
    ports = lab.inside("node2", sys.executable, "-c", CALL, str(calls)).stdout.split()
    entries = lab.inside("node2", "cat", "/proc/net/nf_conntrack").stdout
    found = re.findall(r"dst=10\.0\.80\.80 sport=(\d+) dport=80 .*src=(10\.244\.\S+)", entries)
    return {pod for port, pod in found if port in ports}


CALL = """
import socket, sys
for _ in range(int(sys.argv[1])):
    with socket.create_connection(("10.0.80.80", 80), 2) as call:
        print(call.getsockname()[1])
"""


def test_a_client_stays_with_its_endpoint_if_it_is_to(lab: Lab):
    lab.run("scale", "deployment", "web", "--replicas", "3")
    wait_for(lambda: len(lab.get("endpointslices")["items"]) and _ready(lab) == 3)
    with changed(lab, sessionAffinity="ClientIP"):
        assert len(answering(lab, 12)) == 1
    # One of three is missed in forty calls once in ten million runs.
    assert len(answering(lab, 40)) == 3
    lab.run("scale", "deployment", "web", "--replicas", "1")
    wait_for(lambda: _ready(lab) == 1)


def _ready(lab: Lab) -> int:
    return lab.get("deployment", "web")["status"].get("readyReplicas", 0)


def test_udp_entries_leave_an_endpoint_that_has_gone_and_tcp_entries_stay(lab: Lab):
    apply(lab, UDP)
    apply(lab, UDP_ENDPOINTS.replace("ADDRESS", "10.244.2.250"))
    wait_for(lambda: "10.244.2.250:5353" in lab.inside("node1", "nft", "list", "ruleset").stdout)
    lab.inside("node1", sys.executable, "-c", SEND_UDP)
    assert connections(lab).count("src=10.244.2.250") == 3
    apply(lab, UDP_ENDPOINTS.replace("ADDRESS", "10.244.2.251"))
    wait_for(lambda: "udp" not in _with(connections(lab), "src=10.244.2.250"))
    assert _with(connections(lab), "src=10.244.2.250").split()[2] == "tcp"
    assert "dport=7 " in connections(lab)
    metrics = lab.fetch("node1", "127.0.0.1:10249/metrics")
    name = 'kubeproxy_conntrack_reconciler_deleted_entries_total{ip_family="IPv4"}'
    assert f"{name} 2\n" in metrics
    lab.run("delete", "service", "dns")


def apply(lab: Lab, manifest: str) -> None:
    done = lab.run("apply", "-f", "-", text=manifest)
    assert done.returncode == 0, done.stderr


def connections(lab: Lab) -> str:
    return lab.inside("node1", "cat", "/proc/net/nf_conntrack").stdout


def _with(text: str, word: str) -> str:
    return "\n".join(line for line in text.splitlines() if word in line)


def test_a_trace_names_the_rules_the_service_and_the_endpoint(lab: Lab, mode: ProxyMode):
    done = lab.run("trace", "client", f"http://{NODE2}:30080", "-o", "json")
    trace = json.loads(done.stdout)
    assert (trace["service"], trace["verdict"]["result"]) == ("default/web:http", "delivered")
    steps = [step for visit in trace["packets"][0]["visits"] for step in visit["steps"]]
    hits = [step for step in steps if step["step"] == "rule"]
    table = {ProxyMode.IPTABLES: "nat", ProxyMode.NFTABLES: "kube-proxy"}[mode]
    assert table in {hit["table"] for hit in hits}
    assert all(hit["index"] for hit in hits)
    pod = lab.get("pods")["items"][0]
    endpoint = f"{pod['status']['podIP']}:8080"
    assert endpoint in {hit["endpoint"] for hit in hits}
    assert any(endpoint in rule for rule in trace["rules"])


def test_what_somebody_did_to_the_rules_is_shown_until_it_is_repaired(lab: Lab, mode: ProxyMode):
    assert read_differences(lab.name, "node1") == []
    spoil = {
        ProxyMode.IPTABLES: ("iptables", "-t", "nat", "-F", "KUBE-MARK-MASQ"),
        ProxyMode.NFTABLES: ("nft", "flush", "chain", "ip", "kube-proxy", "mark-for-masquerade"),
    }
    lab.inside("node1", *spoil[mode])
    [found] = read_differences(lab.name, "node1")
    assert found.only is Side.WANTED
    assert "0x4000" in found.text
    shown = lab.run("rules", "node1", "--diff")
    assert (shown.returncode, found.text in shown.stdout) == (1, True)
    lab.run("up", "-", text=TOPOLOGY.replace("MODE", mode))
    assert read_differences(lab.name, "node1") == []


def test_rules_are_said_in_words_by_service(lab: Lab, mode: ProxyMode):
    [group] = read_groups(lab.name, "node1", "web")
    assert group.service == "default/web"
    text = lab.run("rules", "node1", "--service", "web").stdout
    assert "A packet for 10.0.80.80 at TCP port 80 is given one endpoint of the whole" in text
    counted = re.findall(r"^ +(\d+|-)  ", text, re.MULTILINE)
    assert ("-" in counted) == (mode is ProxyMode.NFTABLES)
    assert any(one.isdigit() for one in counted) == (mode is ProxyMode.IPTABLES)


def test_status_tells_the_mode(lab: Lab, mode: ProxyMode):
    assert lab.fetch("node1", "127.0.0.1:10249/proxyMode") == mode
    assert lab.status()["proxy_mode"] == mode
