"""LoadBalancer Services on the kernel: who answers, what the pod sees, and who is left out."""

import json
import os
import re
import shutil
import signal
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from netlab.linux import processes
from tests.kernel.conftest import Lab, wait_for

pytestmark = pytest.mark.kernel

CLIENT = "198.51.100.79"
LB = "10.240.0.2"
TOPOLOGY = """\
apiVersion: netlab/v1
kind: Topology
metadata: {name: balanced}
spec:
  nodes: 3
  networks: {vips: 203.0.113.0/29}
  loadBalancer: {healthCheck: {intervalSeconds: 0.3, unhealthyThreshold: 2}}
---
apiVersion: v1
kind: Pod
metadata: {name: web-1, labels: {app: web}}
spec:
  nodeName: node1
  containers: [{name: echo, image: "registry.k8s.io/echoserver:1.4"}]
---
apiVersion: v1
kind: Service
metadata: {name: cluster}
spec:
  type: LoadBalancer
  selector: {app: web}
  ports: [{port: 80, targetPort: 8080}]
---
apiVersion: v1
kind: Service
metadata: {name: local}
spec:
  type: LoadBalancer
  externalTrafficPolicy: Local
  allocateLoadBalancerNodePorts: false
  selector: {app: web}
  ports: [{port: 80, targetPort: 8080}]
---
apiVersion: v1
kind: Service
metadata: {name: proxied}
spec:
  type: LoadBalancer
  loadBalancerClass: netlab/proxy
  selector: {app: web}
  ports: [{name: tcp, port: 80, targetPort: 8080}]
"""


@pytest.fixture(scope="module")
def lab(make_lab: Callable[[], Lab], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    if shutil.which("haproxy", path="/usr/sbin:/usr/bin") is None:
        pytest.skip("haproxy is not installed: apt-get install haproxy")
    path = tmp_path_factory.mktemp("balanced") / "topology.yaml"
    path.write_text(TOPOLOGY)
    lab = make_lab()
    lab.up(str(path))
    yield lab
    lab.down()


def address(lab: Lab, service: str) -> str:
    ingress = lab.get("service", service)["status"]["loadBalancer"].get("ingress") or [{}]
    return str(ingress[0].get("ip", ""))


def seen(lab: Lab, service: str, host: str = "client", *options: str) -> str:
    """Return the address that the pod saw; empty when nobody answered."""
    text = lab.fetch(host, f"http://{address(lab, service)}/", *options)
    found = re.search(r"client_address=(.*)", text)
    return found[1] if found else ""


def seen_often(lab: Lab, service: str) -> set[str]:
    """Return the addresses that the pod saw in a dozen connections."""
    url = f"http://{address(lab, service)}/"
    calls = f"for i in 1 2 3 4 5 6 7 8 9 10 11 12; do curl -s -m 5 {url}; done"
    return set(re.findall(r"client_address=(.*)", lab.inside("client", "sh", "-c", calls).stdout))


def patch(lab: Lab, service: str, body: object) -> None:
    text = body if isinstance(body, str) else json.dumps(body)
    done = lab.run("patch", "service", service, "-p", text)
    assert done.returncode == 0, done.stderr


def ways(lab: Lab, service: str) -> Counter[str]:
    """Return the nodes that the balancer's host forwards to, and how many shares each has."""
    vip = address(lab, service)
    lines = lab.inside("lb", "ip", "-o", "route", "show", vip).stdout
    found = re.findall(r"via (\S+) dev eth0(?: weight (\d+))?", lines)
    return Counter({node: int(weight or 1) for node, weight in found})


def events(lab: Lab, service: str) -> list[str]:
    """Return what was told of the Service, in the order in which it was."""
    found = sorted(
        lab.get("events")["items"], key=lambda event: int(event["metadata"]["resourceVersion"])
    )
    return [one["reason"] for one in found if one["involvedObject"]["name"] == service]


NODES = {"10.240.0.3", "10.240.0.4", "10.240.0.5"}


def test_each_service_has_an_address_of_the_pool_and_its_events(lab: Lab):
    assert {address(lab, name) for name in ("cluster", "local", "proxied")} == {
        "203.0.113.1",
        "203.0.113.2",
        "203.0.113.3",
    }
    assert events(lab, "cluster") == ["EnsuringLoadBalancer", "EnsuredLoadBalancer"]


def test_under_cluster_every_node_takes_connections_and_hides_the_client(lab: Lab):
    wait_for(lambda: set(ways(lab, "cluster")) == NODES)
    found = seen_often(lab, "cluster")
    # Through node1, where the pod is, it is the gateway of its pods; through another its address.
    assert found & {"10.240.0.4", "10.240.0.5"}
    assert found <= {"10.244.1.1", "10.240.0.4", "10.240.0.5"}


def test_under_local_the_node_with_the_pod_takes_all_and_the_client_is_seen(lab: Lab):
    wait_for(lambda: set(ways(lab, "local")) == {"10.240.0.3"})
    assert seen_often(lab, "local") == {CLIENT}
    service = lab.get("service", "local")
    assert "nodePort" not in service["spec"]["ports"][0]
    port = service["spec"]["healthCheckNodePort"]
    codes = {
        node: lab.fetch(
            "client", f"http://{node}:{port}/healthz", "-o", "/dev/null", "-w", "%{http_code}"
        )
        for node in NODES
    }
    assert codes == {"10.240.0.3": "200", "10.240.0.4": "503", "10.240.0.5": "503"}


def test_a_proxy_ends_the_connection_and_makes_its_own(lab: Lab):
    wait_for(lambda: seen(lab, "proxied"))
    ingress = lab.get("service", "proxied")["status"]["loadBalancer"]["ingress"]
    assert ingress[0]["ipMode"] == "Proxy"
    found = seen_often(lab, "proxied")
    # Nodes masquerade what comes in by their node port, as from anybody; under Local they do not.
    assert found <= {"10.244.1.1", "10.240.0.4", "10.240.0.5"}
    patch(lab, "proxied", '{"spec": {"externalTrafficPolicy": "Local"}}')
    wait_for(lambda: seen(lab, "proxied") == LB)
    assert lab.get("service", "proxied")["spec"]["healthCheckNodePort"]
    patch(lab, "proxied", '{"spec": {"externalTrafficPolicy": "Cluster"}}')
    wait_for(lambda: "healthCheckNodePort" not in lab.get("service", "proxied")["spec"])
    wait_for(lambda: seen(lab, "proxied") in {"10.240.0.4", "10.240.0.5"})


def test_http_is_told_the_client_in_headers(lab: Lab):
    body = '{"spec": {"ports": [{"name": "tcp", "port": 80, "appProtocol": "http"}]}}'
    patch(lab, "proxied", body)
    url = f"http://{address(lab, 'proxied')}/"
    wait_for(lambda: "x-forwarded-for" in lab.fetch("client", url))
    text = lab.fetch("client", url)
    assert f"x-forwarded-for={CLIENT}\n" in text
    assert f"forwarded=for={CLIENT};host={address(lab, 'proxied')};proto=http\n" in text
    patch(lab, "proxied", '{"spec": {"ports": [{"port": 80, "appProtocol": null}]}}')
    wait_for(lambda: "x-forwarded-for" not in lab.fetch("client", url))


@pytest.mark.parametrize("version", ["v1", "v2"])
def test_proxy_protocol_tells_the_client(lab: Lab, version: str):
    patch(
        lab,
        "proxied",
        f'{{"metadata": {{"annotations": {{"netlab/proxy-protocol": "{version}"}}}}}}',
    )
    url = f"http://{address(lab, 'proxied')}/"
    text = wait_for(
        lambda: f"proxy_protocol={version}" in (got := lab.fetch("client", url)) and got
    )
    assert f"client_address={CLIENT}\n" in text
    patch(lab, "proxied", '{"metadata": {"annotations": {"netlab/proxy-protocol": null}}}')
    wait_for(lambda: "proxy_protocol" not in lab.fetch("client", url))


def test_status_and_matrix_show_the_address(lab: Lab):
    address = lab.get("service", "cluster")["status"]["loadBalancer"]["ingress"][0]["ip"]
    [row] = [line for line in lab.run("status").stdout.splitlines() if line.startswith("cluster ")]
    assert row.split()[3] == address
    document = json.loads(lab.run("matrix", "-o", "json").stdout)
    by_name = {one["service"]: one for one in document["services"]}
    for service, is_kept in (("local", True), ("proxied:tcp", False)):
        matrix = by_name[f"default/{service}"]
        at = [target["name"] for target in matrix["targets"]].index("LoadBalancer")
        [client] = [row for row in matrix["rows"] if row["kind"] == "client"]
        assert (client["results"][at]["client_address"] == CLIENT) is is_kept


def test_a_trace_draws_both_connections_of_a_proxy(lab: Lab):
    [address] = lab.get("service", "proxied")["status"]["loadBalancer"]["ingress"]
    done = lab.run("trace", "client", f"http://{address['ip']}", "-o", "json")
    document = json.loads(done.stdout)
    assert document["verdict"]["host"] == "lb"
    onward = document["onward"]
    assert onward["flow"]["caller"] == "lb"
    assert onward["verdict"]["result"] == "delivered"
    assert onward["verdict"]["host"] == "web-1"
    assert onward["onward"] is None
    mermaid = lab.run("trace", "client", f"http://{address['ip']}", "--mermaid").stdout
    assert "h0->>h1: SYN client" in mermaid
    assert "SYN lb#58;" in mermaid


@pytest.mark.parametrize("service", ["cluster", "proxied"])
def test_source_ranges_let_nobody_else_in(lab: Lab, service: str):
    wait_for(lambda: seen(lab, service))
    patch(lab, service, '{"spec": {"loadBalancerSourceRanges": ["192.0.2.0/24"]}}')
    wait_for(lambda: not seen(lab, service))
    patch(lab, service, f'{{"spec": {{"loadBalancerSourceRanges": ["{CLIENT}/32"]}}}}')
    wait_for(lambda: seen(lab, service))
    patch(lab, service, '{"spec": {"loadBalancerSourceRanges": null}}')


def test_a_port_that_the_service_has_not_is_refused_at_once(lab: Lab):
    vip = address(lab, "cluster")
    for target in (f"{vip}:81", "203.0.113.6:80"):
        done = lab.inside("client", "curl", "-sS", "--max-time", "5", f"http://{target}")
        assert done.returncode == 7, done.stderr


def test_a_node_that_does_not_answer_is_left_out_and_comes_back(lab: Lab):
    wait_for(lambda: set(ways(lab, "cluster")) == NODES)
    drop = ("-p", "tcp", "--dport", "10256", "-j", "DROP")
    assert lab.inside("node2", "iptables", "-I", "INPUT", *drop).returncode == 0
    wait_for(lambda: set(ways(lab, "cluster")) == NODES - {"10.240.0.4"})
    assert "10.240.0.4" not in seen_often(lab, "cluster")
    lab.inside("node2", "iptables", "-D", "INPUT", *drop)
    wait_for(lambda: set(ways(lab, "cluster")) == NODES)


def test_a_full_pool_leaves_a_service_pending_until_an_address_is_free(lab: Lab):
    names = [f"more-{number}" for number in range(4)]
    for name in names:
        manifest = TOPOLOGY.split("---\n")[2].replace("cluster", name)
        assert lab.run("apply", "-f", "-", text=manifest).returncode == 0
    wait_for(lambda: [name for name in names if not address(lab, name)] == names[-1:])
    assert "<pending>" in lab.run("get", "service", names[-1]).stdout
    wait_for(lambda: "SyncLoadBalancerFailed" in events(lab, names[-1]))
    assert lab.run("delete", "service", names[0]).returncode == 0
    wait_for(lambda: seen(lab, names[-1]))
    for name in names[1:]:
        assert lab.run("delete", "service", name).returncode == 0


def test_a_service_that_changes_its_type_gives_its_address_back(lab: Lab):
    before = address(lab, "local")
    patch(lab, "local", '{"spec": {"type": "ClusterIP", "externalTrafficPolicy": null}}')
    wait_for(lambda: not address(lab, "local"))
    assert "healthCheckNodePort" not in lab.get("service", "local")["spec"]
    assert not lab.inside("lb", "ip", "route", "show", before).stdout
    patch(lab, "local", '{"spec": {"type": "LoadBalancer", "externalTrafficPolicy": "Local"}}')
    wait_for(lambda: address(lab, "local") == before and seen(lab, "local") == CLIENT)


def haproxy_pids(lab: Lab) -> set[int]:
    """Return the processes of HAProxy in the balancer's namespace."""
    inode = Path(f"/run/netns/netlab-{lab.name}-lb").stat().st_ino
    found = set()
    for path in Path("/proc").glob("[0-9]*"):
        try:
            if (path / "ns/net").stat().st_ino == inode and "haproxy" in (
                path / "comm"
            ).read_text():
                found.add(int(path.name))
        except OSError:
            continue
    return found


def test_haproxy_that_dies_is_started_again(lab: Lab):
    wait_for(lambda: seen(lab, "proxied"))
    before = haproxy_pids(lab)
    assert before
    for pid in before:
        os.kill(pid, signal.SIGKILL)
    wait_for(lambda: haproxy_pids(lab) - before and seen(lab, "proxied"))


def test_without_its_control_plane_a_lab_balances_on_and_the_next_takes_over(lab: Lab):
    wait_for(lambda: len(haproxy_pids(lab)) == 1)
    before = haproxy_pids(lab)
    vips = {name: address(lab, name) for name in ("cluster", "local", "proxied")}
    os.kill(lab.processes()["control plane"], signal.SIGKILL)
    for vip in vips.values():
        assert "client_address=" in lab.fetch("client", f"http://{vip}/")
    lab.up(str(lab.directory() / "topology.yaml"))
    assert haproxy_pids(lab) == before
    assert {name: address(lab, name) for name in vips} == vips
    assert seen(lab, "proxied")


def test_a_pod_that_moves_takes_its_connections_along(lab: Lab):
    assert lab.run("delete", "pod", "web-1", "--wait").returncode == 0
    wait_for(lambda: not ways(lab, "local"))
    # Nobody serves any more, and the caller is told so at once.
    done = lab.inside("client", "curl", "-sS", f"http://{address(lab, 'local')}")
    assert done.returncode == 7, done.stderr
    manifest = TOPOLOGY.split("---\n")[1].replace("node1", "node3")
    assert lab.run("apply", "-f", "-", text=manifest).returncode == 0
    wait_for(lambda: set(ways(lab, "local")) == {"10.240.0.5"})
    assert seen(lab, "local") == CLIENT


def test_down_leaves_no_haproxy(make_lab: Callable[[], Lab], tmp_path: Path):
    path = tmp_path / "topology.yaml"
    path.write_text(TOPOLOGY)
    other = make_lab()
    other.up(str(path))
    wait_for(lambda: haproxy_pids(other))
    found = [processes.process_id(pid) for pid in haproxy_pids(other)]
    other.down()
    assert not [process for process in found if processes.is_alive(process)]
